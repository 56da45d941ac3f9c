"""What a Redis user must be allowed, and whether this one is: tried before anything is served."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from gateway.bus.redis_lanes import Names

GRANT = "+@read +@write -@dangerous +evalsha +script|load +info +ping +select +time +client|setname"
RIGHTS = f"this Redis user lacks rights; let an administrator run: ACL SETUSER <user> ~{{prefix}}* {GRANT}"
NAMED = ("once", "fence", "alive", "own", "mark", "begun", "epoch", "parked", "lane:0", "lease:0", "rate:0")

# KEYS: one that is nobody's, and names like those that are used: to name one is a right as well -> what was answered
# Every command of the bus, in one step that leaves nothing: whoever may not delete is not let make anything.
TRY = """
local key, errors = KEYS[1], {}
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then errors[#errors + 1] = answer.err end
end
try('DEL', key)
if #errors > 0 then return errors end
try('TIME')
try('PING')
try('SCAN', '0', 'COUNT', 1)
try('TYPE', key)
try('PTTL', key)
try('PERSIST', key)
try('EXPIRE', key, 1)
try('PEXPIRE', key, 1)
try('GET', key)
try('SET', key, '', 'XX')
try('INCR', key)
try('INCRBY', key, 1)
try('DEL', key)
try('SADD', key, 'm')
try('SMEMBERS', key)
try('SREM', key, 'm')
try('HSET', key, 'f', '')
try('HSETNX', key, 'f', '')
try('HGET', key, 'f')
try('HMGET', key, 'f')
try('HDEL', key, 'f')
try('DEL', key)
try('ZADD', key, 'XX', 0, 'm')
try('ZSCORE', key, 'm')
try('ZRANGE', key, 0, -1)
try('ZRANGEBYSCORE', key, 0, 0)
try('ZREM', key, 'm')
try('ZREMRANGEBYSCORE', key, 0, 0)
try('XADD', key, 'NOMKSTREAM', '*', 'f', '')
try('XGROUP', 'CREATE', key, 'g', '0')
try('XLEN', key)
try('XRANGE', key, '-', '+')
try('XREAD', 'STREAMS', key, '0')
try('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', key, '>')
try('XPENDING', key, 'g')
try('XCLAIM', key, 'g', 'c', 0, '0-1')
try('XAUTOCLAIM', key, 'g', 'c', 0, '0-0')
try('XINFO', 'STREAM', key)
try('XACK', key, 'g', '0-1')
try('XDEL', key, '0-1')
try('XTRIM', key, 'MAXLEN', 0)
return errors
"""


def forbids(text: str) -> bool:
    """Whether Redis' answer says that this user may not; out of a script each version says it in words of its own."""
    return text.startswith("NOPERM") or "user executing the script can't" in text or "ACL failure in script" in text


async def lacks(redis: Redis, names: Names, nobodys: str) -> bool:
    """Whether a right is missing; that, too, is what a `NoPermissionError` out of it says. May raise what redis-py
    raises. `nobodys`: a name that no key has."""
    await redis.script_load(TRY)  # known to Redis or not: it may have to be loaded again
    keys = [names.key(name) for name in (nobodys, *NAMED)]
    errors: list[Any] = await redis.register_script(TRY)(keys=keys)
    return any(forbids(each.decode("utf-8", "replace")) for each in errors)
