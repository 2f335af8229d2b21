-- KEYS: a room's bans, their number of changes. ARGV: that number when the database was asked, bans (JSON), TTL in ms.
-- What was read before somebody was banned must not be kept after.
if (redis.call('GET', KEYS[2]) or '0') == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
