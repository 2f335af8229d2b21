-- What changed at the nodes. KEYS: reports, meters, reserved, when something about each node changed last.
-- ARGV: since when (Redis time in ms), after how many ms of silence a node is forgotten.
-- Returns {Redis time in ms, how many nodes there are, {report, reserved streams, received} for each that reported
-- since, {node, reserved streams} for each other, …}.
local now, since = now_ms(), tonumber(ARGV[1])
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - ARGV[2])) do
  for index = 1, 3 do redis.call('HDEL', KEYS[index], node) end
  redis.call('ZREM', KEYS[4], node)
end
local view = { now, redis.call('HLEN', KEYS[1]) }
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], ARGV[1], '+inf')) do
  local meter = redis.call('HGET', KEYS[2], node)
  if meter then
    local received = read_meter(meter).received
    local reserved = tonumber(redis.call('HGET', KEYS[3], node) or 0)
    view[#view + 1] = received < since and { node, reserved } or { redis.call('HGET', KEYS[1], node), reserved, received }
  end
end
return view
