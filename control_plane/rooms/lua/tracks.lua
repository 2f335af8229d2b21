-- ARGV: room, participant, generation, tracks to announce, changes to announced ones by id, ids that ended (JSON)
-- What the person may not publish, maybe since a moment ago, or a moderator has stopped, is not announced.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
local stopped = {}
for _, id in ipairs(person.stopped or {}) do stopped[id] = true end
for _, track in ipairs(cjson.decode(ARGV[4])) do
  local known = get(TRACKS, track.id)
  if known and known.participant ~= person.id then return {'conflict'} end
  if not known and not stopped[track.id] and may_publish(person, track.source) then put_track(track) end
end
for id, patch in pairs(cjson.decode(ARGV[5])) do
  local track = get(TRACKS, id)
  if not track or track.participant ~= person.id then return {'not_found'} end
  if patch.source and not may_publish(person, patch.source) then return {'not_allowed'} end
  local differs = false
  for field, value in pairs(patch) do
    if track[field] ~= value then track[field], differs = value, true end
  end
  if differs then put_track(track) end
end
for _, id in ipairs(cjson.decode(ARGV[6])) do
  local track = get(TRACKS, id)
  if track and track.participant == person.id then drop_track(track) end
end
local version = 0
if #changes > 0 then
  version = commit()
  expire(HELD_TTL_MS)
end
return {'ok', version}
