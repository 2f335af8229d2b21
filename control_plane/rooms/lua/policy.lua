-- ARGV: room, moderator and its generation (empty: the control plane itself), fields that change (JSON)
if redis.call('EXISTS', META) == 0 then return {redis.call('EXISTS', GONE) == 1 and 'closed' or 'missing'} end
local problem = moderating(ARGV[2], ARGV[3])
if problem then return {problem} end
local rules, differs = policy(), false
for name, value in pairs(cjson.decode(ARGV[4])) do
  if rules[name] ~= value then rules[name], differs = value, true end
end
if not differs then return {'ok'} end
local version = tonumber(redis.call('HGET', META, 'version')) + 1
redis.call('HSET', META, 'policy', cjson.encode(rules), 'policy_at', version)
changes[#changes + 1] = {op = 'policy', policy = rules}
if not rules.lobby then
  -- Without a lobby nobody waits: those who do come in, who came first goes first, as far as there is room.
  local waiting = {}
  for _, raw in ipairs(redis.call('HVALS', PEOPLE)) do
    local person = cjson.decode(raw)
    if person.lobby then waiting[#waiting + 1] = person end
  end
  table.sort(waiting, function(a, b) return a.joined_at < b.joined_at or (a.joined_at == b.joined_at and a.id < b.id) end)
  local free = rules.capacity - #present()
  for i = 1, math.min(free, #waiting) do
    seat(waiting[i])
    put_person(waiting[i])
  end
end
commit()
expire(HELD_TTL_MS)
return {'ok'}
