-- KEYS: what is remembered of a room, its number of changes. ARGV: TTL of the number in ms, channel, message for every
-- replica.
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
