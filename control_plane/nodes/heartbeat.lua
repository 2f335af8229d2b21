-- Record a heartbeat, unless one as new is known. KEYS: reports, meters, reserved, what counts on this node, when
-- something about each node changed last.
-- ARGV: node, sequence, streams, capacity, report, after how many ms a reservation shows in the measured load.
-- Returns 1, or 0 for a heartbeat that is not new.
local node, sequence = ARGV[1], ARGV[2]
local known = redis.call('HGET', KEYS[2], node)
if known then
  local last = read_meter(known).sequence
  if #sequence < #last or (#sequence == #last and sequence <= last) then
    return 0
  end
end
local now = now_ms()
redis.call('HSET', KEYS[1], node, ARGV[5])
redis.call('HSET', KEYS[2], node, table.concat({ sequence, string.format('%.0f', now), ARGV[3], ARGV[4] }, ' '))
redis.call('ZADD', KEYS[5], now, node)
uncount(KEYS[4], KEYS[3], node, now - ARGV[6])
return 1
