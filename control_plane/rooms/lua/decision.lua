-- Keep what was decided. KEYS: the latest decisions of a room. ARGV: decision (JSON), how many are kept, TTL in ms. A
-- vain wish that is repeated takes the place of the time before.
local function vain(raw)
  local decision = raw and cjson.decode(raw)
  return decision and decision.node == cjson.null and decision.purpose
end
local purpose = vain(ARGV[1])
if purpose and vain(redis.call('LINDEX', KEYS[1], 0) or nil) == purpose then
  redis.call('LSET', KEYS[1], 0, ARGV[1])
else
  redis.call('LPUSH', KEYS[1], ARGV[1])
  redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
