-- Reserve streams on the first candidate that has them free. Whoever reserves for the same place gets the same node, and a
-- reservation that exists is returned as it is.
-- KEYS: meters, reserved, when something about each node changed last, the reservation, the place, then what counts on
-- each candidate, in order.
-- ARGV: reservation, streams, TTL in ms, most reservations of a node in a second (0: any number), number of
-- candidates, the candidates, then nodes on which nothing holds.
-- Returns {node, why each candidate before it was passed over, …}; with '' for the node when none could be taken. A
-- node followed by 'settled' is where the place is: nothing was reserved, for it is not among the candidates.
local want = {
  reservation = ARGV[1], streams = tonumber(ARGV[2]), ttl = tonumber(ARGV[3]), most = tonumber(ARGV[4]),
}
local count, void = tonumber(ARGV[5]), {}
for index = 6 + count, #ARGV do void[ARGV[index]] = true end

local held = held_node(redis.call('GET', KEYS[4]), void)
if held then return { held } end

local settled = redis.call('GET', KEYS[5])
if settled and void[settled] then settled = false end

local now, passed, offered = now_ms(), {}, false
for index = 1, count do
  local node = ARGV[5 + index]
  if not settled or settled == node then
    offered = true
    if settled then want.most = 0 end -- the room is there: this join can't be anywhere else
    local refusal = take(node, KEYS[1], KEYS[2], KEYS[3], KEYS[5 + index], KEYS[4], want, now)
    if not refusal then
      redis.call('SET', KEYS[5], node, 'PX', want.ttl)
      return { node, unpack(passed) }
    end
    passed[#passed + 1] = refusal
  end
end
if settled and not offered then return { settled, 'settled' } end
return { '', unpack(passed) }
