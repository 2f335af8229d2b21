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
