-- Add what a relay reports of a room, once: an earlier run of this script may have come through without its answer.
-- KEYS: usage of the room on that day.  ARGV: run of the relay, number of the batch, received, sent, TTL in s
if tonumber(ARGV[2]) <= tonumber(redis.call('HGET', KEYS[1], 'run:' .. ARGV[1]) or '0') then
    return 0
end
redis.call('HSET', KEYS[1], 'run:' .. ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[1], 'received', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'sent', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
