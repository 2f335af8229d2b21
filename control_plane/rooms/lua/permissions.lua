-- ARGV: room, moderator and its generation (empty: the control plane itself), participant, its changed permissions (JSON),
-- what they were when the caller read them (JSON, empty: whatever they are)
-- Tracks of sources that may not be published any more end in the same step.
local problem = moderating(ARGV[2], ARGV[3])
if problem then return {problem} end
local person = get(PEOPLE, ARGV[4])
if not person or person.lobby then return {'not_found'} end
if not is_still(person.permissions, ARGV[6]) then return {'changed'} end
for name, value in pairs(cjson.decode(ARGV[5])) do person.permissions[name] = value end
put_person(person)
for _, raw in ipairs(redis.call('HVALS', TRACKS)) do
  local track = cjson.decode(raw)
  if track.participant == person.id and not may_publish(person, track.source) then drop_track(track) end
end
commit()
expire(HELD_TTL_MS)
return {'ok'}
