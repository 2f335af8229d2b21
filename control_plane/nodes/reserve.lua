-- Reserve streams on the first candidate that has them free; a reservation that exists is returned as it is.
-- KEYS: meters, reserved, the reservation, then what counts on each candidate, in order.
-- ARGV: reservation, streams, TTL in ms, number of candidates, the candidates, then nodes whose reservation is void.
-- Returns the node, or nil.
local reservation, streams, ttl, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local held = redis.call('GET', KEYS[3])
if held then
  local node = string.match(held, '^%d+ (.*)$')
  local void = false
  for index = 5 + count, #ARGV do
    void = void or ARGV[index] == node
  end
  if not void then
    return node
  end
end

local now = now_ms()
for index = 1, count do
  local node, counted = ARGV[4 + index], KEYS[3 + index]
  local text = redis.call('HGET', KEYS[1], node)
  if text then
    uncount(counted, KEYS[2], node, now - ttl)
    local meter = read_meter(text)
    local promised = tonumber(redis.call('HGET', KEYS[2], node) or 0)
    if meter.streams + promised + streams <= meter.capacity then
      if redis.call('ZADD', counted, now, streams .. ' ' .. reservation) == 1 then
        redis.call('HINCRBY', KEYS[2], node, streams)
      end
      redis.call('PEXPIRE', counted, 2 * ttl)
      redis.call('SET', KEYS[3], streams .. ' ' .. node, 'PX', ttl)
      return node
    end
  end
end
return false
