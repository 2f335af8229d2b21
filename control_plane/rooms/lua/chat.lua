-- ARGV: room, participant and its generation (empty: the service itself), id, text, how many messages the room remembers,
-- the service's name
local person, problem
if ARGV[2] ~= '' then
  person, problem = current(ARGV[2], ARGV[3])
  if not person then return {problem} end
  if not person.permissions.chat then return {'not_allowed'} end
else
  if redis.call('EXISTS', META) == 0 then return {redis.call('EXISTS', GONE) == 1 and 'closed' or 'missing'} end
  person = {id = '', name = ARGV[7]}
end
local said = redis.call('HGET', CHAT_TEXT, ARGV[4])
if said then
  if cjson.decode(said).participant ~= person.id then return {'conflict'} end
  return {'ok', said}
end
local message = cjson.encode({
  id = ARGV[4], participant = person.id, name = person.name, text = ARGV[5], sent_at = now_ms(),
})
redis.call('HSET', CHAT_TEXT, ARGV[4], message)
redis.call('RPUSH', CHAT, ARGV[4])
while redis.call('LLEN', CHAT) > tonumber(ARGV[6]) do
  redis.call('HDEL', CHAT_TEXT, redis.call('LPOP', CHAT))
end
changes[#changes + 1] = {op = 'chat', message = cjson.decode(message)}
commit()
expire(HELD_TTL_MS)
return {'ok', message}
