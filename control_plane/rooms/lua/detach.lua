-- ARGV: room, participant, generation. Its signaling is gone; the place is kept.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
if not person.connected then return {'ok'} end
count_replica(person.replica, -1)
person.connected, person.gone_at, person.replica = false, now_ms(), ''
put_person(person)
commit()
expire(HELD_TTL_MS)
return {'ok'}
