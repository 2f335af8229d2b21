-- ARGV: room, participant, generation. The client has shown that it holds the new resume token.
local person, problem = current(ARGV[2], ARGV[3])
if not person then return {problem} end
local tokens = get(RESUME, ARGV[2])
if tokens and tokens.previous ~= '' then
  redis.call('HSET', RESUME, person.id, cjson.encode({current = tokens.current, previous = '', spent = tokens.previous}))
end
return {'ok'}
