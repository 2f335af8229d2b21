-- ARGV: room, participant, generation, what it publishes by (JSON)
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
person.ingest = cjson.decode(ARGV[4])
put_person(person)
commit()
return {'ok'}
