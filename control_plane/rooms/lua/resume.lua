-- ARGV: room, participant, hash of the token shown, hash of its successor, replica
-- A token is spent once its successor was confirmed. Until then it may be shown again: the reply may have been lost.
local person = get(PEOPLE, ARGV[2])
local tokens = get(RESUME, ARGV[2])
if not person or not tokens then return {'not_found'} end
local known = tokens.current == ARGV[3] or (tokens.previous ~= '' and tokens.previous == ARGV[3])
if not known then
  if tokens.spent == ARGV[3] then
    -- Somebody else has this token as well, and we can't tell who is who.
    redis.call('HDEL', RESUME, person.id)
    changes[#changes + 1] = {op = 'token_reused', id = person.id}
    commit()
    return {'reused'}
  end
  return {'not_found'}
end
local now = now_ms()
local spent = tokens.spent
if tokens.previous ~= '' and tokens.previous ~= ARGV[3] then spent = tokens.previous end
redis.call('HSET', RESUME, person.id, cjson.encode({current = ARGV[4], previous = ARGV[3], spent = spent}))
local before = person.replica
person.generation, person.connected, person.replica = person.generation + 1, true, ARGV[5]
person.gone_at = nil
put_person(person)
count_replica(person.replica, 1)
commit()  -- before the old replica's count goes down: it hears that it was superseded
count_replica(before, -1)
claim_lease(person.replica, now)
expire(HELD_TTL_MS)
return {'ok', snapshot()}
