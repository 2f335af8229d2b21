-- ARGV: room, participant, generation. The next epoch on the same leg: the node lost this participant's media.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
person.epoch, person.ready = next_epoch(person), false
put_person(person)
commit()
return {'ok', person.epoch}
