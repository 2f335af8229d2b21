-- ARGV: room, incarnation if the room must be made, person, hash of the resume token, policy of a new room (JSON), another
-- incarnation in case that one was closed
local person = cjson.decode(ARGV[3])
local known = redis.call('EXISTS', META) == 1
local rules = known and policy() or cjson.decode(ARGV[5])

-- The same identity again takes the place of its earlier presence; a guest's identity is new each time.
local replaced, inside, waiting, was_inside = {}, 0, 0, false
for _, raw in ipairs(known and redis.call('HVALS', PEOPLE) or {}) do
  local other = cjson.decode(raw)
  if other.identity == person.identity then
    replaced[#replaced + 1] = other
    was_inside = was_inside or not other.lobby
  elseif other.lobby then
    waiting = waiting + 1
  else
    inside = inside + 1
  end
end

local expected = was_inside or person.permissions.moderate
if rules.locked and not expected then return {'room_locked'} end
person.lobby = rules.lobby and not expected and not person.permissions.hidden
if person.lobby and person.ingest then return {'no_waiting'} end
if person.lobby and waiting >= rules.lobby_capacity then return {'lobby_full', rules.lobby_capacity} end
if not person.lobby and inside >= rules.capacity then return {'room_full', rules.capacity} end

local now = now_ms()
if not known then
  -- What was closed does not come back: nobody may take what they still hold of it for the new room.
  local incarnation = redis.call('GET', GONE) == ARGV[2] and ARGV[6] or ARGV[2]
  redis.call('HSET', META, 'incarnation', incarnation, 'version', 0, 'created_at', now, 'fence', 0,
    'policy', ARGV[5], 'policy_at', 0)
  redis.call('DEL', PEOPLE, TRACKS, LEGS, CHAT, CHAT_TEXT, REPLICAS, RESUME, GONE)
end
for _, other in ipairs(replaced) do drop_person(other, 'replaced') end
if person.lobby then person.joined_at = now else seat(person) end
put_person(person)
for _, other in ipairs(replaced) do hand_over(other) end
redis.call('HSET', RESUME, person.id, cjson.encode({current = ARGV[4], previous = '', spent = ''}))
count_replica(person.replica, 1)
claim_lease(person.replica, now)
commit()  -- before the counts go down: the replicas of those replaced hear it too
for _, other in ipairs(replaced) do count_replica(other.replica, -1) end
expire(HELD_TTL_MS)
return {'ok', snapshot()}
