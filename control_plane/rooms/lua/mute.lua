-- ARGV: room, moderator and its generation (empty: the control plane itself), participant, track or '', source or '',
-- 'mute' or 'stop'. A stopped track is not announced again, for its node may go on to forward it.
local STOPPED_KEPT = 64
local problem = moderating(ARGV[2], ARGV[3])
if problem then return {problem} end
local person = get(PEOPLE, ARGV[4])
if not person then return {'not_found'} end
local found = false
for _, raw in ipairs(redis.call('HVALS', TRACKS)) do
  local track = cjson.decode(raw)
  if track.participant == person.id and (track.id == ARGV[5] or track.source == ARGV[6]) then
    found = true
    if ARGV[7] == 'stop' then
      person.stopped = person.stopped or {}
      person.stopped[#person.stopped + 1] = track.id
      if #person.stopped > STOPPED_KEPT then table.remove(person.stopped, 1) end
      put_person(person)
      drop_track(track)
    elseif not track.muted then
      track.muted = true
      put_track(track)
    end
  end
end
if not found then return {'not_found'} end
if #changes > 0 then
  commit()
  expire(HELD_TTL_MS)
end
return {'ok'}
