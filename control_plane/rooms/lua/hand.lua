-- ARGV: room, who asks and its generation (empty: the control plane itself), participant, 1 raises and 0 lowers
-- One raises one's own hand; moderators lower anybody's.
local raised = ARGV[5] == '1'
if ARGV[2] == ARGV[4] then
  local person, problem = current(ARGV[2], ARGV[3])
  if not person then return {problem} end
elseif raised then
  return {'not_allowed'}
else
  local problem = moderating(ARGV[2], ARGV[3])
  if problem then return {problem} end
end
local person = get(PEOPLE, ARGV[4])
if not person or person.lobby then return {'not_found'} end
if raised and person.permissions.hidden then return {'not_allowed'} end
if raised == (person.hand_raised_at ~= nil) then return {'ok'} end
person.hand_raised_at = raised and now_ms() or nil
put_person(person)
commit()
expire(HELD_TTL_MS)
return {'ok'}
