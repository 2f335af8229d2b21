-- Shared by every script of a room. All keys of a room share one hash tag, so one script sees the whole room.
-- A script that changes anything calls commit() once: it raises the version by one and tells the replicas that hold
-- participants of this room, in the same step, so that the order of versions is the order of messages.
local META, PEOPLE, TRACKS, LEGS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local CHAT, CHAT_TEXT, REPLICAS, RESUME, GONE = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local ROOM = ARGV[1]

local HELD_TTL_MS = 60000   -- a room that some replica renews every second
local EMPTY_TTL_MS = 30000  -- a room that everybody left
local LEASE_MS = 3000

local changes = {}

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function expire(ttl)
  for i = 1, 8 do redis.call('PEXPIRE', KEYS[i], ttl) end
end

local function get(key, id)
  local raw = redis.call('HGET', key, id)
  return raw and cjson.decode(raw) or nil
end

local function count_replica(replica, by)
  if replica ~= '' and redis.call('HINCRBY', REPLICAS, replica, by) <= 0 then
    redis.call('HDEL', REPLICAS, replica)
  end
end

local function put_person(person)
  redis.call('HSET', PEOPLE, person.id, cjson.encode(person))
  changes[#changes + 1] = {op = 'person', person = person}
end

local function put_track(track)
  redis.call('HSET', TRACKS, track.id, cjson.encode(track))
  changes[#changes + 1] = {op = 'track', track = track}
end

local function drop_track(track)
  redis.call('HDEL', TRACKS, track.id)
  changes[#changes + 1] = {op = 'track_gone', id = track.id, participant = track.participant}
end

local function put_leg(leg)
  redis.call('HSET', LEGS, leg.id, cjson.encode(leg))
  changes[#changes + 1] = {op = 'leg', leg = leg}
end

local function drop_person(person, reason)
  for _, raw in ipairs(redis.call('HVALS', TRACKS)) do
    local track = cjson.decode(raw)
    if track.participant == person.id then drop_track(track) end
  end
  redis.call('HDEL', PEOPLE, person.id)
  redis.call('HDEL', RESUME, person.id)
  changes[#changes + 1] = {op = 'person_gone', id = person.id, reason = reason}
end

local function commit()
  local version = redis.call('HINCRBY', META, 'version', 1)
  local message = cjson.encode({
    room = ROOM, incarnation = redis.call('HGET', META, 'incarnation'), version = version, changes = changes,
  })
  for _, replica in ipairs(redis.call('HKEYS', REPLICAS)) do
    redis.call('PUBLISH', 'nv:inbox:' .. replica, message)
  end
  return version
end

local function snapshot()
  local chat = {}
  for _, id in ipairs(redis.call('LRANGE', CHAT, 0, -1)) do
    chat[#chat + 1] = redis.call('HGET', CHAT_TEXT, id)
  end
  return {
    redis.call('HGETALL', META), redis.call('HVALS', PEOPLE), redis.call('HVALS', TRACKS), redis.call('HVALS', LEGS),
    chat,
  }
end

local function may_publish(person, source)
  for _, allowed in ipairs(person.permissions.publish) do
    if allowed == source then return true end
  end
  return false
end

local function policy()
  return cjson.decode(redis.call('HGET', META, 'policy'))
end

-- Everybody but those who wait in the lobby, and how many wait.
local function present()
  local people, waiting = {}, 0
  for _, raw in ipairs(redis.call('HVALS', PEOPLE)) do
    local person = cjson.decode(raw)
    if person.lobby then waiting = waiting + 1 else people[#people + 1] = person end
  end
  return people, waiting
end

-- The leg on which whoever comes now is placed; nil before the first.
local function home()
  for _, raw in ipairs(redis.call('HVALS', LEGS)) do
    local leg = cjson.decode(raw)
    if (leg.leaving_since or 0) == 0 then return leg end
  end
end

-- An epoch that this person never had, also none that was given up again.
local function next_epoch(person)
  person.last_epoch = math.max(person.epoch, person.last_epoch or 0) + 1
  return person.last_epoch
end

-- Somebody comes in, from outside or from the lobby.
local function seat(person)
  person.lobby, person.joined_at = false, now_ms()
  person.epoch, person.topology, person.leg = 0, 'waiting', ''
  local leg = home()
  if leg then person.epoch, person.topology, person.leg = next_epoch(person), 'sfu', leg.id end
end

-- Where the room is to go, JSON; nil: nowhere.
local function put_move(move)
  if move then redis.call('HSET', META, 'move', cjson.encode(move)) else redis.call('HDEL', META, 'move') end
  changes[#changes + 1] = {op = 'move', move = move}
end

-- Who would rather moderate: somebody connected, whom a token names, who has been here longer.
local function comes_before(a, b)
  if a.connected ~= b.connected then return a.connected end
  if a.token.guest ~= b.token.guest then return b.token.guest end
  if a.joined_at ~= b.joined_at then return a.joined_at < b.joined_at end
  return a.id < b.id
end

-- A moderator has left for good. If that was the last one, the policy says who is the next.
local function hand_over(from)
  local rule = policy().hand_over
  if rule == 'none' or from.lobby or not from.permissions.moderate then return end
  local heir
  for _, person in ipairs(present()) do
    if person.permissions.moderate then return end
    local may = not person.permissions.hidden and (rule ~= 'longest_present_known' or not person.token.guest)
    if may and (not heir or comes_before(person, heir)) then heir = person end
  end
  if not heir then return end
  heir.permissions.moderate = true
  put_person(heir)
  changes[#changes + 1] = {op = 'handed_over', id = heir.id, previous = from.id}
end

-- The person, if it is there and nobody took its connection over since.
local function current(pid, generation)
  local person = get(PEOPLE, pid)
  if not person then return nil, 'person_missing' end
  if person.generation ~= tonumber(generation) then return nil, 'superseded' end
  return person
end

-- Takes the lease if it is free or already ours. The fence grows with every change of hands, also past what a Redis
-- that came back empty has forgotten, because it is at least the time.
local function claim_lease(replica, now)
  local driver = redis.call('HGET', META, 'driver')
  local until_ms = tonumber(redis.call('HGET', META, 'lease_until') or '0')
  if driver ~= replica then
    if driver and driver ~= '' and until_ms > now then return end
    local fence = tonumber(redis.call('HGET', META, 'fence') or '0')
    redis.call('HSET', META, 'fence', math.max(fence + 1, now))
  end
  redis.call('HSET', META, 'driver', replica, 'lease_until', now + LEASE_MS)
end

-- Whether a record's values are those that somebody has read (JSON; empty: whatever they are). Lists count as sets.
local function is_still(values, known)
  if known == '' then return true end
  local function flat(value)
    if type(value) ~= 'table' then return tostring(value) end
    local parts = {}
    for name, part in pairs(value) do
      parts[#parts + 1] = (type(name) == 'number' and '' or name .. '=') .. flat(part)
    end
    table.sort(parts)
    return cjson.encode(parts)
  end
  return flat(values) == flat(cjson.decode(known))
end

-- What keeps somebody from moderating; nothing does the control plane itself, which has no id.
local function moderating(pid, generation)
  if pid == '' then return nil end
  local person, problem = current(pid, generation)
  if not person then return problem end
  if person.lobby or not person.permissions.moderate then return 'not_allowed' end
  return nil
end
