-- ARGV: room, participant, generation, reason. Whoever resumed since has a higher generation and stays.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
drop_person(person, ARGV[4])
hand_over(person)
commit()  -- before the count goes down: the leaver's own replica hears it too
count_replica(person.replica, -1)
if redis.call('HLEN', PEOPLE) == 0 then expire(EMPTY_TTL_MS) end
return {'ok'}
