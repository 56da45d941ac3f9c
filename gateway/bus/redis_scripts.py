"""What Redis does in one step each, so that a process that dies in between leaves nothing half done.

Every script but `PUBLISH` asks first whether the caller still holds the lane's lease, whose token is among the ARGV.
`false` is the answer to one that does not.

A Redis without memory refuses a script the first command that takes some, unless one that takes none has written
before: what keeps the lanes going begins with such a one (`PERSIST`, `ZREMRANGEBYSCORE`), and the queue can be
worked off while it is full.
"""

from __future__ import annotations

# KEYS: once, lane of this process, its lease, then a job: lane to fall back to
# ARGV: group, consumer, bound, then a job: token ("" = do not run it here), digest of once, at, topic, lane, once, body
# -> a job: nothing when seen before; 0 when the lane is full; else {id, whether it is ours to run now}
PUBLISH = """
local lease = redis.call('GET', KEYS[3])

local function publish(lane, token, digest, at, topic, name, once, body)
  local here = token ~= '' and lease == token
  if here then lane = KEYS[2] end
  if redis.call('ZSCORE', KEYS[1], digest) then
    return false
  end
  if token == '' and redis.call('XLEN', lane) >= tonumber(ARGV[3]) then
    return 0
  end
  local id = redis.call('XADD', lane, '*', 't', topic, 'l', name, 'o', once, 'b', body, 'a', at)
  redis.call('ZADD', KEYS[1], at, digest)
  if here then
    local read = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', lane, '>')
    if read and read.err then
      redis.call('XGROUP', 'CREATE', lane, ARGV[1], '0', 'MKSTREAM')
      redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', lane, '>')
    end
  end
  return {id, here and 1 or 0}
end

local done = {}
for n = 4, #KEYS do
  done[n - 3] = publish(KEYS[n], unpack(ARGV, 7 * n - 24, 7 * n - 18))
end
return done
"""

# KEYS: epoch
# Its time (us), and never less than one more: what a failover or a restart lost of it is not counted a second time.
BUMP = """
local time = redis.call('TIME')
local was = tonumber(redis.call('GET', KEYS[1]) or 0)
redis.call('SET', KEYS[1], string.format('%.0f', math.max(was + 1, time[1] * 1000000 + time[2])))
"""

# KEYS: alive, own, mark; ARGV: consumer, ttl, "1" to say goodbye
# -> {when this queue was made, "" if it is no more; how many live; how many of them come before this one by name;
#     the consumers that have a lane of their own}
# A beat of the future is from before Redis' clock was set back: whoever lives says so again at the next one.
BEAT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
if ARGV[3] == '1' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now, ARGV[1])
end
local living, before = redis.call('ZRANGE', KEYS[1], 0, -1), 0
for _, name in ipairs(living) do
  if name < ARGV[1] then before = before + 1 end
end
return {redis.call('HGET', KEYS[3], 'made') or '', #living, before, redis.call('SMEMBERS', KEYS[2])}
"""

# KEYS: leases; ARGV: ttl, token a lease -> {1 where it is still ours}
RENEW = """
local held = {}
for n, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[n + 1] then
    redis.call('PEXPIRE', key, ARGV[1])
    held[n] = 1
  else
    held[n] = 0
  end
end
return held
"""

# KEYS: fence, leases; ARGV: consumer, ttl, how many at most -> {token or "" a lease}
# A lease that would last longer than one can is from before Redis' clock was set back. It is not taken, since its
# holder may live and work, but lasts from now on as one that was just renewed: who lives renews it, who is dead cannot.
TAKE = """
redis.call('PERSIST', KEYS[1])
local taken, count = {}, 0
for n = 2, #KEYS do
  taken[n - 1] = ''
  local left = redis.call('PTTL', KEYS[n])
  if left > tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[n], ARGV[2])
  elseif left == -2 and count < tonumber(ARGV[3]) then
    local token = ARGV[1] .. '/' .. redis.call('INCR', KEYS[1])
    redis.call('SET', KEYS[n], token, 'PX', ARGV[2])
    taken[n - 1] = token
    count = count + 1
  end
end
return taken
"""

# KEYS: leases; ARGV: tokens
RELEASE = """
for n, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[n] then
    redis.call('DEL', key)
  end
end
"""

# KEYS: lane, lease; ARGV: token, group, consumer
# -> {{id, fields, tries}}: everything that was handed out here and never acknowledged, in order
CLAIM = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return false
end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[2], '0', 'MKSTREAM')
local found, cursor = {}, '0-0'
repeat
  local page = redis.call('XAUTOCLAIM', KEYS[1], ARGV[2], ARGV[3], 0, cursor, 'COUNT', 100, 'JUSTID')
  cursor = page[1]
  for _, id in ipairs(page[2]) do
    local entry = redis.call('XRANGE', KEYS[1], id, id)
    if #entry == 0 then
      redis.call('XACK', KEYS[1], ARGV[2], id)
    else
      local pending = redis.call('XPENDING', KEYS[1], ARGV[2], id, id, 1)
      found[#found + 1] = {id, entry[1][2], pending[1][4]}
    end
  end
until cursor == '0-0'
return found
"""

# KEYS: a lane and its lease each; ARGV: count, group, consumer, token a lane
# -> {{entries, id to wait behind, how many are handed out}} a lane, or false where the lease is another's
READ = """
local read = {}
for n = 1, #KEYS / 2 do
  local lane = KEYS[2 * n - 1]
  if redis.call('GET', KEYS[2 * n]) == ARGV[3 + n] then
    local page = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[1], 'STREAMS', lane, '>')
    local entries = page and page[1][2] or {}
    local behind = ''
    if #entries > 0 then
      behind = entries[#entries][1]
    else
      local info = redis.call('XINFO', 'STREAM', lane)
      for m = 1, #info, 2 do
        if info[m] == 'last-generated-id' then behind = info[m + 1] end
      end
    end
    read[n] = {entries, behind, redis.call('XPENDING', lane, ARGV[2])[1]}
  else
    read[n] = false
  end
end
return read
"""

# KEYS: a job: lane, lease; ARGV: group, then a job: token, id -> a job: nothing where the lease is another's
ACK = """
local done = {}
for n = 1, #KEYS / 2 do
  local lane, id = KEYS[2 * n - 1], ARGV[2 * n + 1]
  done[n] = false
  if redis.call('GET', KEYS[2 * n]) == ARGV[2 * n] then
    redis.call('XACK', lane, ARGV[1], id)
    done[n] = redis.call('XDEL', lane, id)
  end
end
return done
"""

# KEYS: lane, lease; ARGV: token, group, id, consumer, tries
TRIED = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return false
end
redis.call('XCLAIM', KEYS[1], ARGV[2], ARGV[4], 0, ARGV[3], 'RETRYCOUNT', ARGV[5], 'JUSTID')
return 1
"""

# KEYS: lane, lease, parked; ARGV: token, group, id, why, tries
PARK = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return false
end
local entry = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])
if #entry == 0 then
  return 0
end
redis.call('PERSIST', KEYS[3])
local fields = entry[1][2]
fields[#fields + 1] = 'w'
fields[#fields + 1] = ARGV[4]
fields[#fields + 1] = 'n'
fields[#fields + 1] = ARGV[5]
redis.call('XADD', KEYS[3], '*', unpack(fields))
redis.call('XACK', KEYS[1], ARGV[2], ARGV[3])
return redis.call('XDEL', KEYS[1], ARGV[3])
"""

# KEYS: parked, lane, once; ARGV: id, digest of once, at -> 1 when it was there
# It stands behind younger ones from now on: its name is as young as they are.
REPLAY = """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #entry == 0 then
  return 0
end
local fields = {}
for n = 1, #entry[1][2], 2 do
  local name = entry[1][2][n]
  if name ~= 'w' and name ~= 'n' then
    fields[#fields + 1] = name
    fields[#fields + 1] = entry[1][2][n + 1]
  end
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[1])
"""

# KEYS: lane, lease, own; ARGV: token, consumer -> 1 when the lane of a consumer that is gone was empty and is no more
RETIRE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('XLEN', KEYS[1]) > 0 then
  return 0
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[3], ARGV[2])
return 1
"""

# KEYS: lanes -> how many jobs stand in them
COUNT = """
local count = 0
for _, lane in ipairs(KEYS) do
  count = count + redis.call('XLEN', lane)
end
return count
"""
