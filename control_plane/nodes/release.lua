-- Give a reservation back, if it is on this node. KEYS: the reservation, reserved, what counts on the node, when
-- something about each node changed last. ARGV: reservation, node. Returns 1, or 0 when there was none on this node.
local held = redis.call('GET', KEYS[1])
if not held then
  return 0
end
local streams, node = string.match(held, '^(%d+) (.*)$')
if node ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[1])
if redis.call('ZREM', KEYS[3], streams .. ' ' .. ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[2], node, -streams)
  redis.call('ZADD', KEYS[4], now_ms(), node)
end
return 1
