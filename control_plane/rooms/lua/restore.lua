-- ARGV: room, what this replica knows of the room (JSON). Redis came back without it; replicas put it together again.
-- The first to come makes the room, the others add their own participants. Who started a newer room under the same name
-- in between is moved into the older one.
local mine = cjson.decode(ARGV[2])
local theirs = redis.call('HGET', META, 'incarnation')
if theirs and theirs ~= mine.incarnation then
  if tonumber(redis.call('HGET', META, 'created_at')) <= mine.created_at then return {'superseded'} end
  redis.call('DEL', LEGS)
end
-- Who sees that the room was made again since it last looked puts its own participants back.
if theirs ~= mine.incarnation then redis.call('HSET', META, 'restored_at', now_ms()) end
-- The rules that were in force when Redis was lost hold again; of what replicas remember, the latest.
local at = redis.call('HGET', META, 'policy_at')
local rules = mine.policy
if theirs == mine.incarnation and tonumber(at) >= mine.policy_at then rules, mine.policy_at = policy(), tonumber(at) end
local version = math.max(tonumber(redis.call('HGET', META, 'version') or '0'), mine.version + 1000)
local fence = math.max(tonumber(redis.call('HGET', META, 'fence') or '0'), mine.fence)
redis.call('HSET', META, 'incarnation', mine.incarnation, 'version', version, 'created_at', mine.created_at,
  'fence', fence, 'policy', cjson.encode(rules), 'policy_at', mine.policy_at)
for _, leg in ipairs(mine.legs) do
  if redis.call('HEXISTS', LEGS, leg.id) == 0 then put_leg(leg) end
end
if mine.move and redis.call('HEXISTS', META, 'move') == 0 then put_move(mine.move) end
local gone = {}
if theirs and theirs ~= mine.incarnation then
  for _, person in ipairs(present()) do
    if (rules.lobby or rules.locked) and not person.permissions.moderate then
      -- Came in while nobody knew of the lock or lobby: they ask again.
      gone[#gone + 1] = person
      drop_person(person, 'connection_lost')
    else
      person.epoch, person.topology, person.leg = next_epoch(person), 'waiting', ''
      person.previous, person.ready = nil, false
      local leg = home()
      if leg then person.topology, person.leg = 'sfu', leg.id end
      put_person(person)
    end
  end
end
for _, entry in ipairs(mine.people) do
  local known = get(PEOPLE, entry.person.id)
  if not known or known.generation < entry.person.generation then
    if known then count_replica(known.replica, -1) end
    put_person(entry.person)
    count_replica(entry.person.replica, 1)
    redis.call('HSET', RESUME, entry.person.id, cjson.encode(entry.tokens))
  end
end
for _, track in ipairs(mine.tracks) do
  if redis.call('HEXISTS', TRACKS, track.id) == 0 then put_track(track) end
end
for _, message in ipairs(mine.chat) do
  if redis.call('HEXISTS', CHAT_TEXT, message.id) == 0 then
    redis.call('HSET', CHAT_TEXT, message.id, cjson.encode(message))
    redis.call('RPUSH', CHAT, message.id)
  end
end
if #changes > 0 then commit() end
for _, person in ipairs(gone) do count_replica(person.replica, -1) end
expire(HELD_TTL_MS)
return {'ok'}
