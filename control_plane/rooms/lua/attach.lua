-- ARGV: room, participant, generation, replica. Its connection was taken for dead, but its replica holds it.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
if person.connected and person.replica == ARGV[4] then return {'ok'} end
count_replica(person.replica, -1)
person.connected, person.gone_at, person.replica = true, nil, ARGV[4]
put_person(person)
count_replica(person.replica, 1)
commit()
expire(HELD_TTL_MS)
return {'ok'}
