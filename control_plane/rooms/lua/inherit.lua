-- ARGV: room, participant, generation, replica. A publisher by HTTP whose replica is gone: this one speaks for it from now.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
if not person.ingest or person.connected then return {'superseded'} end
local now = now_ms()
person.generation, person.connected, person.replica = person.generation + 1, true, ARGV[4]
person.gone_at = nil
put_person(person)
count_replica(person.replica, 1)
commit()
claim_lease(person.replica, now)
expire(HELD_TTL_MS)
return {'ok', snapshot()}
