-- ARGV: room, fence, a step of the driver (JSON): where people's media live from now on, and which legs there are.
-- Who is not any more as the driver knew them is left as they are, and a leg that carries somebody stays: it looks again.
if redis.call('HGET', META, 'fence') ~= ARGV[2] then return {'superseded'} end
local step = cjson.decode(ARGV[3])
local raw = redis.call('HGET', META, 'move')
local move = raw and cjson.decode(raw) or nil
if (move and move.id or '') ~= step.expected then return {'changed'} end
for _, leg in ipairs(step.legs) do put_leg(leg) end
for _, change in ipairs(step.people) do
  local person = get(PEOPLE, change.id)
  if person and not person.lobby and person.epoch == change.epoch and (person.ready or false) == change.ready then
    local to = change.to
    person.epoch, person.leg, person.topology, person.last_epoch = to.epoch, to.leg, to.topology, to.last_epoch
    person.previous, person.ready = to.previous, to.ready
    put_person(person)
  end
end
local carries = {}
for _, raw_person in ipairs(redis.call('HVALS', PEOPLE)) do
  local person = cjson.decode(raw_person)
  carries[person.leg] = true
  if person.previous then carries[person.previous.leg] = true end
end
for _, leg in ipairs(step.drop) do
  if not carries[leg] and redis.call('HDEL', LEGS, leg) == 1 then changes[#changes + 1] = {op = 'leg_gone', id = leg} end
end
if step.move_changes then put_move(step.move) end
if #changes == 0 then return {'ok', tonumber(redis.call('HGET', META, 'version'))} end
local version = commit()
expire(HELD_TTL_MS)
return {'ok', version}
