-- ARGV: room, replica. Give the lease up, so that another replica need not wait for it to run out.
if redis.call('HGET', META, 'driver') == ARGV[2] then
  redis.call('HSET', META, 'driver', '', 'lease_until', 0)
end
return {'ok'}
