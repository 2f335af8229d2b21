-- ARGV: room, incarnation. End the room for everybody; the tombstone outlives every replica's next look.
if redis.call('HGET', META, 'incarnation') ~= ARGV[2] then return {'not_found'} end
changes[#changes + 1] = {op = 'closed'}
commit()
redis.call('DEL', META, PEOPLE, TRACKS, LEGS, CHAT, CHAT_TEXT, REPLICAS, RESUME)
redis.call('SET', GONE, ARGV[2], 'PX', HELD_TTL_MS)
return {'ok'}
