-- Have every relay end what somebody relays through it, and keep them out while a credential of theirs may be valid.
-- KEYS: cuts.  ARGV: for how many ms, opaque id
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])
redis.call('ZADD', KEYS[1], 'NX', now, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return now
