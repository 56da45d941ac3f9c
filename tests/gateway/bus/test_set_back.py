"""Redis' clock set back by an hour: what stands in Redis as a time is an hour too far off then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis as Client

from channels.model import Rate
from gateway.bus import redis_lanes
from gateway.bus.redis import RedisBus
from gateway.bus.redis_buckets import RedisBuckets
from gateway.outgoing.model import Bucket
from tests.gateway.bus.benches import Bench, Running, job, stand_still, until
from tests.gateway.bus.test_redis import lanes, pair

HOUR_MS = 3_600_000
WITHIN_S = 10.0
"""Beside leases of 0.7 s; an hour it is not."""


@pytest.fixture
async def times(shared: Bench) -> AsyncIterator[Times]:
    made = Times(shared.url)
    yield made
    await made.client.aclose()


class Times:
    """The times that the bus keeps in Redis, and the leases' tokens."""

    def __init__(self, url: str) -> None:
        address, _, self.prefix = url.partition("?prefix=")
        self.client = Client.from_url(address)

    async def ahead(self) -> None:
        """Each by an hour: to Redis and to whoever asks it, that is a clock set back."""
        for lease in await self._leases():
            left = await self.client.pttl(lease)
            if left > 0:
                await self.client.pexpire(lease, left + HOUR_MS)
        alive: list[Any] = await self.client.zrange(f"{self.prefix}alive", 0, -1)
        for name in alive:
            await self.client.zincrby(f"{self.prefix}alive", HOUR_MS, name)

        for rate in await self.client.keys(f"{self.prefix}rate:*"):
            for word in ("d", "s", "a", "k"):
                await self.client.hincrby(rate, word, HOUR_MS * 1_000)

    async def tokens(self) -> dict[Any, Any]:
        leases = sorted(await self._leases())
        return dict(zip(leases, await self.client.mget(leases), strict=True))

    async def _leases(self) -> list[Any]:
        found: list[Any] = await self.client.keys(f"{self.prefix}lease:*")
        return found


def of(one: Running) -> RedisBus:
    assert isinstance(one.bus, RedisBus)
    return one.bus


async def test_the_lanes_of_the_dead_move_in_the_time_that_they_always_take(shared: Bench, times: Times) -> None:
    one, two = await pair(shared)
    for room in range(24):
        await one.bus.publish(job(f"{room}", f"room:{room}"))
    await one.bus.publish(job("press", "press:1", here=True))
    await until(lambda: len(one.got) + len(two.got) == 25)
    await shared.crash(one)
    await shared.crash(two)
    await times.ahead()
    three = await (await shared.open()).start()
    await until(lambda: lanes(three) == redis_lanes.LANES, WITHIN_S)
    await three.bus.publish(job("after"))
    await until(lambda: set(three.onces) == {*map(str, range(24)), "press", "after"}, WITHIN_S)


async def test_those_that_live_keep_their_lanes_and_their_share(
    shared: Bench, times: Times, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_lanes, "TTL_MS", 8_000)  # as it is: what is shown is not that this machine is in time
    one, two = await pair(shared)
    for room in range(24):
        await one.bus.publish(job(f"{room}", f"room:{room}"))
    await until(lambda: len(one.got) + len(two.got) == 24)
    before = await times.tokens()
    for _ in range(8):
        await times.ahead()
        await asyncio.sleep(0.3)  # some beats
        assert all(each.bus.holds(delivery) for each in (one, two) for delivery in each.got)
    assert await times.tokens() == before, "nobody took anything from anybody"
    assert lanes(one) == lanes(two) == redis_lanes.LANES // 2
    assert sorted(one.onces + two.onces, key=int) == [f"{room}" for room in range(24)]


async def test_one_that_sleeps_on_is_fenced_off(shared: Bench, times: Times) -> None:
    one, two = await pair(shared)
    for room in range(24):
        await two.bus.publish(job(f"{room}", f"room:{room}"))
    await until(lambda: len(one.got) + len(two.got) == 24)
    asleep = one.got[:]
    assert asleep
    stand_still(one.bus)
    await times.ahead()
    await until(lambda: not any(one.bus.holds(each) for each in asleep))
    await until(lambda: {each.job.once for each in asleep} <= set(two.onces), WITHIN_S)
    for each in asleep:  # it wakes, and says that it is done
        await one.bus.ack(each)
        await one.bus.park(each, "late")
    assert await two.bus.parked() == []
    assert all(two.bus.holds(each) for each in two.got)


async def test_a_rate_moves_back_with_the_clock(shared: Bench, times: Times) -> None:
    buckets, room = RedisBuckets.open(shared.url), Bucket("r", Rate(1.0, 1), "room")
    assert (await buckets.take([room], 0)).granted
    await times.ahead()
    assert 0 < (await buckets.take([room], 0)).wait <= 1
    await buckets.shut(room, 5)
    await times.ahead()
    assert 1 < (await buckets.take([room], 0)).wait <= 5
    await buckets.close()
