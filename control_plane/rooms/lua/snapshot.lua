-- ARGV: room
if redis.call('EXISTS', META) == 0 then
  local gone = redis.call('GET', GONE)
  return gone and {'closed', gone} or {'missing'}
end
return {'ok', snapshot()}
