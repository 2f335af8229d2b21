-- ARGV: room, incarnation, where it is to go (JSON; empty: nowhere). An earlier wish is replaced.
if redis.call('EXISTS', META) == 0 then return {redis.call('EXISTS', GONE) == 1 and 'closed' or 'missing'} end
if redis.call('HGET', META, 'incarnation') ~= ARGV[2] then return {'missing'} end
local move = ARGV[3] ~= '' and cjson.decode(ARGV[3]) or nil
if move then move.asked_at = now_ms() end
put_move(move)
commit()
expire(HELD_TTL_MS)
return {'ok'}
