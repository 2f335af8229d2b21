-- ARGV: room, incarnation if the room must be made, person, hash of the resume token, capacity of a new room
local person = cjson.decode(ARGV[3])
local now = now_ms()
if redis.call('EXISTS', META) == 0 then
  redis.call('HSET', META, 'incarnation', ARGV[2], 'version', 0, 'created_at', now, 'fence', 0, 'capacity', ARGV[5])
  redis.call('DEL', PEOPLE, TRACKS, LEGS, CHAT, CHAT_TEXT, REPLICAS, RESUME, GONE)
end

-- The same identity again takes the place of its earlier presence; a guest's identity is new each time.
local replaced = {}
for _, raw in ipairs(redis.call('HVALS', PEOPLE)) do
  local other = cjson.decode(raw)
  if other.identity == person.identity then replaced[#replaced + 1] = other end
end
if redis.call('HLEN', PEOPLE) - #replaced >= tonumber(redis.call('HGET', META, 'capacity')) then
  return {'room_full', redis.call('HGET', META, 'capacity')}
end
for _, other in ipairs(replaced) do drop_person(other, 'replaced') end

person.joined_at = now
person.epoch, person.topology, person.leg = 0, 'waiting', ''
local leg_id = redis.call('HKEYS', LEGS)[1]
if leg_id then person.epoch, person.topology, person.leg = 1, 'sfu', leg_id end
put_person(person)
redis.call('HSET', RESUME, person.id, cjson.encode({current = ARGV[4], previous = '', spent = ''}))
count_replica(person.replica, 1)
claim_lease(person.replica, now)
commit()  -- before the counts go down: the replicas of those replaced hear it too
for _, other in ipairs(replaced) do count_replica(other.replica, -1) end
expire(HELD_TTL_MS)
return {'ok', snapshot()}
