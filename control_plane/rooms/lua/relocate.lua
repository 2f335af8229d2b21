-- ARGV: room, leg that is lost, new leg, fence. Everybody of the lost leg gets the next epoch on the new one.
if redis.call('HGET', META, 'fence') ~= ARGV[4] then return {'superseded'} end
if redis.call('HEXISTS', LEGS, ARGV[2]) == 0 then return {'not_found'} end
redis.call('HDEL', LEGS, ARGV[2])
changes[#changes + 1] = {op = 'leg_gone', id = ARGV[2]}
local leg = cjson.decode(ARGV[3])
put_leg(leg)
for _, raw in ipairs(redis.call('HVALS', PEOPLE)) do
  local person = cjson.decode(raw)
  if person.leg == ARGV[2] then
    person.epoch, person.leg = person.epoch + 1, leg.id
    put_person(person)
  end
end
commit()
expire(HELD_TTL_MS)
return {'ok'}
