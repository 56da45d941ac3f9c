"""Buckets shared by several gateways: one hash each in Redis, by Redis' own clock, in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from gateway.bus.redis_address import FAULTS, address, away, client
from gateway.outgoing.memory import SECOND
from gateway.outgoing.model import CLAIM_S, GRACE_S, HOLD_S, Bucket, Taken

# Times are microseconds: below 2^53, so that Lua's numbers hold them, but never printed by `tostring`.
_COMMON = """
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function put(key, it, now)
  redis.call('HSET', key, 'd', string.format('%.0f', it.d), 's', string.format('%.0f', it.s),
             'a', string.format('%.0f', now), 'r', string.format('%.0f', it.r), 'k', string.format('%.0f', it.k))
  redis.call('PEXPIRE', key, math.ceil((math.max(it.d, it.s, it.k, now) - now) / 1000) + 1000)
end
local function open(key, now)
  local got = redis.call('HMGET', key, 'd', 's', 'a', 'r', 'k')
  local it = {d = tonumber(got[1]) or 0, s = tonumber(got[2]) or 0, a = tonumber(got[3]) or now,
              r = tonumber(got[4]) or 0, k = tonumber(got[5]) or 0}
  local back = it.a - now
  if back > 0 then
    it.d = it.d - back
    it.s = it.s - back
    it.k = it.k - back
    put(key, it, now)
  end
  return it
end
"""

# KEYS: buckets; ARGV: rank, hold, claim, grace, then a bucket each: step, burst, "1" when held
# -> {index from 1 or 0 when granted, microseconds to wait, hold}
TAKE = (
    _COMMON
    + """
local now, rank = clock(), tonumber(ARGV[1])
local states, free, which, longest = {}, {}, 0, 0
for n, key in ipairs(KEYS) do
  local it = open(key, now)
  local step, burst = tonumber(ARGV[3 * n + 2]), tonumber(ARGV[3 * n + 3])
  free[n] = math.max(it.d - (burst - 1) * step, it.s)
  if ARGV[3 * n + 4] == '1' then free[n] = math.max(math.min(it.d, now + step), it.s) end
  local wait = free[n] - now
  if rank > it.r then wait = math.max(wait, it.k - now) end
  if wait > longest then which, longest = n, wait end
  states[n] = it
end
local held = 0
for n, key in ipairs(KEYS) do
  local it = states[n]
  if which > 0 then
    if free[n] > now and free[n] <= now + ARGV[3] and (it.k <= now or rank <= it.r) then
      it.r, it.k = rank, free[n] + ARGV[4]
      put(key, it, now)
    end
  else
    if rank <= it.r then it.k = 0 end
    if ARGV[3 * n + 4] == '1' then
      it.d = now + ARGV[2]
      held = it.d
    else
      it.d = math.max(it.d, now) + tonumber(ARGV[3 * n + 2])
    end
    put(key, it, now)
  end
end
return {which, string.format('%.0f', longest), string.format('%.0f', held)}
"""
)

# KEYS: bucket; ARGV: hold, step or 0
DONE = (
    _COMMON
    + """
local now = clock()
local it = open(KEYS[1], now)
if it.d == tonumber(ARGV[1]) then
  it.d = now + ARGV[2]
  put(KEYS[1], it, now)
end
"""
)

# KEYS: bucket; ARGV: microseconds
SHUT = (
    _COMMON
    + """
local now = clock()
local it = open(KEYS[1], now)
it.s = math.max(it.s, now + ARGV[1])
put(KEYS[1], it, now)
"""
)


class RedisBuckets:
    """Under the same prefix as the bus, which has judged this Redis already. It has connections of its own, so that
    no job that is waited for keeps a call waiting."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{prefix}rate:"
        self._take, self._done, self._shut = map(redis.register_script, (TAKE, DONE, SHUT))

    @classmethod
    def open(cls, url: str) -> RedisBuckets:
        to = address(url)
        return cls(client(to), to.prefix)

    async def take(self, buckets: Sequence[Bucket], rank: int) -> Taken:
        words = [int(rank), *(int(each * SECOND) for each in (HOLD_S, CLAIM_S, GRACE_S))]
        for bucket in buckets:
            words += [_step(bucket), bucket.rate.burst, int(bucket.held)]
        keys = [f"{self._prefix}{bucket.key}" for bucket in buckets]
        which, wait, hold = await self._ask(self._take(keys=keys, args=words))
        return Taken(int(which) - 1, int(wait) / SECOND, int(hold))

    async def done(self, bucket: Bucket, hold: int, *, used: bool) -> None:
        await self._ask(self._done(keys=[f"{self._prefix}{bucket.key}"], args=[hold, _step(bucket) if used else 0]))

    async def shut(self, bucket: Bucket, seconds: float) -> None:
        await self._ask(self._shut(keys=[f"{self._prefix}{bucket.key}"], args=[int(seconds * SECOND)]))

    async def close(self) -> None:
        await self._redis.aclose()

    async def _ask(self, call: Any) -> Any:
        try:
            return await call
        except FAULTS as broke:
            raise away(broke) from broke


def _step(bucket: Bucket) -> int:
    return round(SECOND / bucket.rate.a_second)
