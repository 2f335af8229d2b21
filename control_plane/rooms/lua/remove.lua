-- ARGV: room, participant. Its stay ends, whoever holds its connection and over whichever connection it may go on.
local person = get(PEOPLE, ARGV[2])
if not person then return {'not_found'} end
drop_person(person, 'removed')
hand_over(person)
commit()  -- before the count goes down: its own replica hears it too
count_replica(person.replica, -1)
if redis.call('HLEN', PEOPLE) == 0 then expire(EMPTY_TTL_MS) end
return {'ok'}
