"""Redis emptied while jobs wait there that nobody has read: lost is what the documents say, and nothing else."""

from __future__ import annotations

import contextlib
from itertools import count
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client

from channels.model import Place
from gateway.bus.bounded import BoundedBus
from gateway.bus.redis import RedisBus
from gateway.bus.redis_address import address
from gateway.bus.redis_lanes import Names, lane_of
from tests.engines.postgresql import Postgresql
from tests.engines.redis import Redis
from tests.faults.house import Faulty, faulty
from tests.faults.proxy import HALF_OPEN, PASS
from tests.faults.test_servers import own_redis
from tests.gateway.house import LI, NAME, WANG, Json, members

__all__ = ["own_redis"]

pytestmark = pytest.mark.timeout(600)  # a loaded machine is no failure

AT_HAND, MESSAGES = 8, 16


async def test_what_nobody_had_read_is_lost_and_nothing_else(
    tmp_path: Path, postgresql: Postgresql, postgresql_url: str, own_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While PostgreSQL is silent a few jobs are in hand, and more of the same lane wait behind them."""
    monkeypatch.setattr("gateway.bus.redis_hand.AT_HAND", AT_HAND)
    async with (
        faulty(tmp_path, postgresql_url, postgresql, own_redis) as live,
        contextlib.aclosing(Client(port=own_redis.port)) as client,
    ):
        before = await live.save(await live.ready_form(), "decided before")
        assert before.startswith("Saved")
        await live.healed()
        form = await live.ready_form()
        live.lines["store"].set(HALF_OPEN)
        said = messages(live)
        for body in said.values():
            await live.insist(body)
        edit = await live.save(form, "told that it is kept")
        assert edit.startswith("Received")
        in_hand = await held(live, client, said)
        await client.flushall()
        live.lines["store"].set(PASS)

        live.told.messages.update({room: f"m-{room}" for room in in_hand})
        await live.healed()
        await live.shows("deal", "told that it is kept")
        unread = said.keys() - in_hand
        assert [room for room in unread if live.posted(room)] == [], "they waited in Redis alone"

        for body in said.values():  # a network that had not heard that they were taken
            await live.insist(body)
        live.told.messages.update({room: f"m-{room}" for room in unread})
        await live.healed()
        assert live.told.edits.keys() == {"decided before", "told that it is kept"}


def messages(live: Faulty) -> dict[str, Json]:
    """By room, all of one lane: a message that names a customer."""
    lane, said = "", dict[str, Json]()
    for number in count():
        room = f"one-lane{number}"
        lane = lane or _lane(room)
        if _lane(room) == lane:
            live.chat.room(room, members(LI, WANG))
            said[room] = live.event("message", LI, room, message=f"m-{room}", text=NAME)
        if len(said) == MESSAGES:
            break
    return said


def _lane(room: str) -> str:
    return lane_of(f"room:{Place('web', room).room_key}")


async def held(live: Faulty, client: Client, said: dict[str, Json]) -> set[str]:
    """The rooms whose messages are in hand. The others stand in Redis, and nobody has read them."""
    outer = live.s.bus
    assert isinstance(outer, BoundedBus)
    bus = outer._bus
    assert isinstance(bus, RedisBus)
    jobs = [each.job for each in bus._hands.jobs.values() if not each.job.here]
    assert len(jobs) <= AT_HAND
    rooms = {room for room in said if any(job.lane == f"room:{Place('web', room).room_key}" for job in jobs)}
    assert 0 < len(rooms) < len(said)
    stream = Names(address(live.s.config.bus).prefix).lane(_lane(next(iter(said))))
    assert await client.xlen(stream) >= len(said), "none of them is done"
    return rooms
