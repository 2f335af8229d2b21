-- ARGV: room, moderator and its generation (empty: the control plane itself), who waits, 'admit' or 'deny'
local problem = moderating(ARGV[2], ARGV[3])
if problem then return {problem} end
local person = get(PEOPLE, ARGV[4])
if not person or not person.lobby then return {'not_found'} end
if ARGV[5] == 'deny' then
  drop_person(person, 'denied')
  commit()  -- before the count goes down: its own replica hears it too
  count_replica(person.replica, -1)
  return {'ok'}
end
local capacity = policy().capacity
if #present() >= capacity then return {'room_full', capacity} end
seat(person)
put_person(person)
commit()
expire(HELD_TTL_MS)
return {'ok'}
