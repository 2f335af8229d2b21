-- KEYS: what is remembered of a room, its number of changes. ARGV: that number when the database was asked, what it said
-- (JSON), TTL in ms. What was read before a change must not be kept after it.
if (redis.call('GET', KEYS[2]) or '0') == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
