-- ARGV: room, who asks and its generation (empty: the control plane itself), participant, values by name, null removes
-- (JSON), how many a person may have, what they were when the caller read them (JSON, empty: whatever they are)
if ARGV[2] ~= '' then
  local actor, problem = current(ARGV[2], ARGV[3])
  if not actor then return {problem} end
  if actor.id ~= ARGV[4] or not actor.permissions.own_attributes then return {'not_allowed'} end
end
local person = get(PEOPLE, ARGV[4])
if not person then return {'not_found'} end
local attributes, differs = person.attributes or {}, false
if not is_still(attributes, ARGV[7]) then return {'changed'} end
for name, value in pairs(cjson.decode(ARGV[5])) do
  if value == cjson.null then value = nil end
  if attributes[name] ~= value then attributes[name], differs = value, true end
end
local many = 0
for _ in pairs(attributes) do many = many + 1 end
if many > tonumber(ARGV[6]) then return {'too_many'} end
if differs then
  person.attributes = attributes
  put_person(person)
  commit()
  expire(HELD_TTL_MS)
end
return {'ok'}
