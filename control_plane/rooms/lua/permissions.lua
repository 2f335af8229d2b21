-- ARGV: room, moderator and its generation (empty: the control plane itself), participant, its changed permissions (JSON)
-- Tracks of sources that may not be published any more end in the same step.
if ARGV[2] ~= '' then
  local moderator, problem = current(ARGV[2], ARGV[3])
  if not moderator then return {problem} end
  if not moderator.permissions.moderate then return {'not_allowed'} end
end
local person = get(PEOPLE, ARGV[4])
if not person then return {'not_found'} end
for name, value in pairs(cjson.decode(ARGV[5])) do person.permissions[name] = value end
put_person(person)
for _, raw in ipairs(redis.call('HVALS', TRACKS)) do
  local track = cjson.decode(raw)
  if track.participant == person.id and not may_publish(person, track.source) then drop_track(track) end
end
commit()
expire(HELD_TTL_MS)
return {'ok'}
