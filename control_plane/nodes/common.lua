-- Goes before every script of this folder.

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A meter is "sequence received streams capacity". The sequence stays text: it may have more digits than Lua's numbers.
local function read_meter(text)
  local sequence, received, streams, capacity = string.match(text, '^(-?%d+) (%d+) (-?%d+) (-?%d+)$')
  return { sequence = sequence, received = tonumber(received), streams = tonumber(streams), capacity = tonumber(capacity) }
end

-- Count no more what was reserved on the node until `upto`. Members of `counted` are "streams reservation".
local function uncount(counted, reserved, node, upto)
  local freed = 0
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', counted, '-inf', upto)) do
    freed = freed + tonumber(string.match(member, '^%d+'))
  end
  redis.call('ZREMRANGEBYSCORE', counted, '-inf', upto)
  if redis.call('EXISTS', counted) == 0 then
    redis.call('HDEL', reserved, node)
  elseif freed > 0 then
    redis.call('HINCRBY', reserved, node, -freed)
  end
end

-- The node of a reservation, unless there is none or its node is among `void`.
local function held_node(text, void)
  local node = text and string.match(text, '^%d+ (.*)$')
  return node and not void[node] and node or nil
end

-- Reserve on this node: returns nil when done, else why not. `want` has reservation, streams, ttl, and how many
-- reservations the node takes in a second (`most`, 0 for any number).
local function take(node, meters, reserved, changed, counted, key, want, now)
  local text = redis.call('HGET', meters, node)
  if not text then return 'silent' end
  uncount(counted, reserved, node, now - want.ttl)
  if want.most > 0 and redis.call('ZCOUNT', counted, now - 999, '+inf') >= want.most then return 'busy' end
  local meter = read_meter(text)
  local promised = tonumber(redis.call('HGET', reserved, node) or 0)
  if meter.streams + promised + want.streams > meter.capacity then return 'full' end
  if redis.call('ZADD', counted, now, want.streams .. ' ' .. want.reservation) == 1 then
    redis.call('HINCRBY', reserved, node, want.streams)
    redis.call('ZADD', changed, now, node)
  end
  redis.call('PEXPIRE', counted, 2 * want.ttl)
  redis.call('SET', key, want.streams .. ' ' .. node, 'PX', want.ttl)
end
