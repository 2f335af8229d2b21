-- ARGV: room, new leg, incarnation. Commits the room's first leg, or returns the one that another replica committed before.
if redis.call('HGET', META, 'incarnation') ~= ARGV[3] then return {'not_found'} end
local winner = home()
if winner then return {'ok', cjson.encode(winner), tonumber(redis.call('HGET', META, 'version'))} end
local leg = cjson.decode(ARGV[2])
put_leg(leg)
for _, person in ipairs(present()) do
  if person.topology == 'waiting' then
    person.epoch, person.topology, person.leg = next_epoch(person), 'sfu', leg.id
    put_person(person)
  end
end
local version = commit()
expire(HELD_TTL_MS)
return {'ok', ARGV[2], version}
