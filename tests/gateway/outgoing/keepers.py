"""What the tests of the limits stand on: a clock in the hand, keepers of buckets, a network that counts."""

from __future__ import annotations

from dataclasses import dataclass

from channels.model import Rate
from gateway.bus.redis_buckets import RedisBuckets
from gateway.outgoing.memory import MemoryBuckets
from gateway.outgoing.model import Bucket, Buckets


@dataclass
class Seconds:
    at: float = 1_000.0

    def __call__(self) -> float:
        return self.at

    def now(self) -> int:
        """The gateway's kind of clock."""
        return int(self.at * 1000)


def bucket(key: str, a_second: float, burst: int = 1, *, held: bool = False, scope: str = "room") -> Bucket:
    return Bucket(key, Rate(a_second, burst), scope, held)


@dataclass
class Keepers:
    """Two gateways' views of the same buckets, and the clock they are judged by."""

    one: Buckets
    two: Buckets
    clock: Seconds | None
    """None: Redis' own clock, which nobody sets."""


def in_memory() -> Keepers:
    clock = Seconds()
    kept = MemoryBuckets(clock)
    return Keepers(kept, kept, clock)


def in_redis(url: str) -> Keepers:
    return Keepers(RedisBuckets.open(url), RedisBuckets.open(url), None)


_EARLIER = """
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  for _, field in ipairs({'d', 's', 'a', 'k'}) do
    redis.call('HINCRBY', key, field, -ARGV[2])
  end
end
"""


async def passes(keepers: Keepers, seconds: float) -> None:
    if keepers.clock is not None:
        keepers.clock.at += seconds
        return
    assert isinstance(keepers.one, RedisBuckets)
    earlier = keepers.one._redis.register_script(_EARLIER)
    await earlier(keys=[], args=[f"{keepers.one._prefix}*", round(seconds * 1_000_000)])


def aged(keepers: Keepers, hold: int, seconds: float) -> int:
    """What a hold taken before `passes` is called after it: in Redis a hold is a moment."""
    return hold if keepers.clock is not None else hold - round(seconds * 1_000_000)
