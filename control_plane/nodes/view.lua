-- Every node. KEYS: reports, meters, reserved. ARGV: after how many ms of silence a node is forgotten.
-- Returns {Redis time in ms, {report, received, reserved streams}, …}.
local now = now_ms()
local view = { now }
local meters = redis.call('HGETALL', KEYS[2])
for index = 1, #meters, 2 do
  local node, meter = meters[index], read_meter(meters[index + 1])
  if now - meter.received > tonumber(ARGV[1]) then
    for _, key in ipairs(KEYS) do
      redis.call('HDEL', key, node)
    end
  else
    local reserved = tonumber(redis.call('HGET', KEYS[3], node) or 0)
    view[#view + 1] = { redis.call('HGET', KEYS[1], node), meter.received, reserved }
  end
end
return view
