-- Who was cut since a relay asked last. It hears the last seconds again: another Redis may have another clock.
-- KEYS: cuts.  ARGV: the relay's cursor, how many at most, overlap in ms
-- Returns its next cursor, then opaque ids.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rows = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local cursor = math.max(now - ARGV[3], tonumber(ARGV[1]))
if #rows == 2 * ARGV[2] then
    cursor = tonumber(rows[#rows])
end
local answer = {cursor}
for at = 1, #rows, 2 do
    answer[#answer + 1] = rows[at]
end
return answer
