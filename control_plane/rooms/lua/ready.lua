-- ARGV: room, participant, generation, epoch. All that the client wants flows in this epoch.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
if person.ready or person.epoch ~= tonumber(ARGV[4]) then return {'ok'} end
person.ready = true
put_person(person)
commit()
return {'ok'}
