-- ARGV: room, replica. What a replica that holds the room does every second: learn its version, renew or take the lease.
-- 'missing' is a room that Redis has forgotten; 'closed' one that was ended on purpose.
if redis.call('EXISTS', META) == 0 then
  local gone = redis.call('GET', GONE)
  return gone and {'closed', gone} or {'missing'}
end
local now = now_ms()
claim_lease(ARGV[2], now)
expire(HELD_TTL_MS)
local meta = redis.call('HMGET', META, 'incarnation', 'version', 'driver', 'fence')
return {'ok', meta[1], tonumber(meta[2]), meta[3], tonumber(meta[4]), now}
