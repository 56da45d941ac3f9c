"""What stands in Redis of earlier days, and what of it may be forgotten. All may raise what redis-py raises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

from gateway.bus.redis_lanes import Names
from gateway.bus.redis_wire import digest, text

PAGE = 200
TRIES = 3


async def steady(known: Callable[[], int], count: Callable[[], Awaitable[Any]]) -> int:
    """What `count` says, asked again where `known` grew meanwhile: its answer would forget what came since. Where it
    always grows, with what came since: rather some too many than too few."""
    found = came = 0
    for _ in range(TRIES):
        before, found = known(), int(await count())
        came = known() - before
        if not came:
            break
    return found + came


async def forget(redis: Redis, names: Names, before: int) -> int:
    """Drops the names last seen before `before` (ms), but of jobs that still wait; how many."""
    waiting = await _waiting_since(redis, names, before)
    once, gone, start = names.key("once"), 0, 0
    while True:
        page: Any = await redis.zrangebyscore(once, "-inf", f"({before}", start, 1000)
        if not page:
            return gone
        stale = [each for each in page if each not in waiting]
        start += len(page) - len(stale)
        if stale:
            gone += int(await redis.zrem(once, *stale))


async def _waiting_since(redis: Redis, names: Names, before: int) -> set[bytes]:
    """Digests of the names of jobs older than `before` that wait or are parked."""
    told: Any = await redis.smembers(names.key("own"))
    own = [f"own:{each.decode()}" for each in set(told)]
    parked = names.key("parked")
    found: set[bytes] = set()
    for stream in (*names.lanes(), *map(names.lane, own), parked):
        async for fields in _from_the_oldest(redis, stream):
            if int(fields[b"a"]) >= before:
                if stream == parked:
                    continue  # they stand there by when they were parked
                break
            found.add(digest(fields[b"o"].decode("utf-8", "surrogatepass")))
    return found


async def _from_the_oldest(redis: Redis, stream: str) -> AsyncIterator[dict[bytes, bytes]]:
    start = "-"
    while page := await _page(redis, stream, start):
        for id_, fields in page:
            start = f"({text(id_)}"
            yield fields


async def _page(redis: Redis, stream: str, start: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = await redis.xrange(stream, start, count=PAGE)
    return list(found)
