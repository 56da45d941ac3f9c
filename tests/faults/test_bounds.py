"""Bounds that are really reached while a line is spoilt: nothing holds more, what comes past them is answered as the
documents say, and what was acknowledged is done once the line is well again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from redis.asyncio import Redis as Client

from channels.model import Place
from gateway.bus.redis_address import address
from gateway.bus.redis_lanes import Names, lane_of
from gateway.ending import ended
from gateway.handlers import alerts
from gateway.metrics import REGISTRY
from gateway.turn import new_trail
from tests.engines.postgresql import Postgresql
from tests.engines.redis import Redis
from tests.faults.house import Faulty, faulty
from tests.faults.proxy import HALF_OPEN, MUTE, PASS, SLOW
from tests.gateway.house import HERO, LI, NAME, WANG, Json, members

pytestmark = pytest.mark.timeout(600)  # a loaded machine is no failure

CARDS, ALERTS, ROOMS = 4, 8, 12
MARKS = f"[server]\nwaiting_cards = {CARDS}\nwaiting_alerts = {ALERTS}\nwaiting = {ROOMS}\n"


@dataclass
class Peak:
    """The most there was of something."""

    most: int = 0


@contextlib.asynccontextmanager
async def watched(measure: Callable[[], Awaitable[int]]) -> AsyncIterator[Peak]:
    """Looked at again and again: while a line is spoilt what waits stays."""
    peak = Peak()

    async def look() -> None:
        while True:
            peak.most = max(peak.most, await measure())
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(look())
    try:
        yield peak
    finally:
        await ended((looking,))  # what it asks with may swallow a cancellation
        assert looking.cancelled(), looking.exception()


def put_off(kind: str) -> float:
    """How many of a kind were put off so far."""
    return REGISTRY.get_sample_value("floatcard_shed_total", {"kind": kind}) or 0.0


# the network ---------------------------------------------------------------------------------------------------------


async def test_while_the_network_is_silent_cards_are_put_off_then_alerts_and_edits_never(tmp_path: Path) -> None:
    async with faulty(tmp_path, more=MARKS) as live:
        form, old = await live.ready_form(), await floated(live, 2 * (ROOMS - ALERTS))
        live.lines["chat"].set(HALF_OPEN)
        async with watched(lambda: _now(live.s.bus.waiting)) as peak:
            await to_the_first_mark(live)
            shed = await past_the_first_mark(live)
            assert peak.most == CARDS
            await past_the_second_mark(live)
            assert CARDS < peak.most <= ALERTS
            refused = await past_the_last_mark(live, old)
            assert ALERTS < peak.most <= ROOMS
            assert await live.save(form, "past every mark") == "Saved."
            assert peak.most <= ROOMS + 1, "the edit itself"
        live.lines["chat"].set(PASS)
        for body in refused:
            await live.insist(body)
        for room in old:
            del live.told.messages[room]
        await live.healed()
        await live.until(lambda: _nothing_owed(live), "what was put off is made good")
        await live.shows("deal", "past every mark")
        assert [room for room in shed if live.posted(room)] == [], "no card comes later"
        assert [room for room in old if live.cards(room)] == [], "what was deleted has no card"


async def floated(live: Faulty, many: int) -> list[str]:
    """Rooms with a card each, one after the other: none of them is put off."""
    before = set(live.told.messages)
    for _ in range(many):
        await live.talk(1)
        await live.healed()
    return [room for room in live.told.messages if room not in before]


async def to_the_first_mark(live: Faulty) -> None:
    while live.s.bus.waiting < CARDS:
        await live.talk(1)
        await asyncio.sleep(0.05)


async def past_the_first_mark(live: Faulty) -> list[str]:
    """Acknowledged, and there is no card."""
    before, rooms = put_off("said"), ["shed1", "shed2", "shed3"]
    for room in rooms:
        live.chat.room(room, members(LI, WANG))
        assert (await live.post(live.event("message", LI, room, message=f"m-{room}", text=NAME)))[0] == 200
    assert put_off("said") == before + len(rooms)
    assert live.s.bus.waiting == CARDS
    return rooms


async def past_the_second_mark(live: Faulty) -> None:
    """Alerts go beyond the mark of cards, up to their own; the rest is owed."""
    for number in count():
        await alerts.raise_alert(live.s, "risk_high", HERO, f"bound{number}:1", "", new_trail(""))
        if await live.rows("owed", "topic = 'alert'") >= 2:
            return
        assert number < 30, "never put off"


async def past_the_last_mark(live: Faulty, old: list[str]) -> list[Json]:
    """What takes a card away is taken beyond the mark of alerts; at the last one the network is to come again: what
    it has to bring."""
    refused: list[Json] = []
    for room in old:
        body, waiting = live.event("message_deleted", LI, room, message=live.told.messages[room]), live.s.bus.waiting
        status, _ = await live.post(body)
        assert status == (503 if refused or waiting >= ROOMS else 200), (room, status, waiting)
        if status == 503:
            refused.append(body)
    assert 0 < len(refused) < len(old)
    return refused


async def _nothing_owed(live: Faulty) -> bool:
    shown = await live.rows("slot", "purpose = 'alert' AND message IS NOT NULL")
    return not await live.rows("owed") and shown == await live.rows("alert", "state = 'open'")


async def _now(value: int) -> int:
    return value


# the database ------------------------------------------------------------------------------------------------------


async def test_while_postgresql_is_mute_no_more_writes_wait_than_may_and_messages_come_again(
    tmp_path: Path, postgresql: Postgresql, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = 6
    monkeypatch.setattr("gateway.app.STORE_FULL", bound)
    async with faulty(tmp_path, postgresql_url, postgresql) as live:
        monkeypatch.setattr(live.s.store._writer, "_bound", bound)
        form, messages, edits = await live.ready_form(), put_off("said"), put_off("submitted")
        live.lines["store"].set(MUTE)
        async with watched(lambda: _now(live.s.store.waiting)) as peak, asyncio.TaskGroup() as working:
            working.create_task(live.talk(40))
            await live.until(lambda: _is(put_off("said") > messages), "a message turned away")
            working.create_task(live.save(form, "mute"))
            await asyncio.sleep(0.5)
            assert peak.most == bound
            live.lines["store"].set(PASS)
        assert peak.most == bound
        assert put_off("submitted") == edits, "an edit is never put off"
        await live.healed()
        await live.shows("deal", "mute")


async def _is(value: bool) -> bool:
    return value


# the queue ---------------------------------------------------------------------------------------------------------


async def test_while_redis_is_slow_a_lane_holds_no_more_than_it_may_and_takes_presses(
    tmp_path: Path, postgresql: Postgresql, postgresql_url: str, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = 3
    client = Client(port=redis_server.port)
    async with faulty(tmp_path, postgresql_url, postgresql, redis_server) as live:
        form, line = await live.ready_form(), live.lines["bus"]
        await live.healed()
        lane = lane_of(_lane("r1"))
        live.rooms = (number for number in count(1) if lane_of(_lane(f"r{number}")) == lane)
        stream = Names(address(live.s.config.bus).prefix).lane(lane)
        monkeypatch.setattr("gateway.bus.redis.BOUND", bound)
        line.set(SLOW)
        async with watched(lambda: _length(client, stream)) as peak, asyncio.TaskGroup() as working:
            working.create_task(live.talk(12))
            await live.until(lambda: _is(live.refused > 0), "a message turned away")
            assert peak.most == bound
            assert await live.save(form, "past a full lane")
            line.set(HALF_OPEN)
            await asyncio.sleep(0.6)
            line.set(PASS)
        assert peak.most == bound
        monkeypatch.setattr("gateway.bus.redis.BOUND", 20_000)  # a repaint asks all these rooms, of one lane, at once
        await live.healed()
        await live.shows("deal", "past a full lane")
    await client.aclose()


def _lane(room: str) -> str:
    return f"room:{Place('web', room).room_key}"


async def _length(client: Client, stream: str) -> int:
    return int(await client.xlen(stream))


# the CRM -----------------------------------------------------------------------------------------------------------


async def test_while_the_crm_is_silent_one_write_of_a_field_waits_however_often_it_is_edited(tmp_path: Path) -> None:
    many = 12
    async with faulty(tmp_path) as live:
        form = await live.ready_form()
        live.lines["crm"].set(HALF_OPEN)
        async with watched(lambda: live.rows("outbox", "state IN ('waiting', 'sent')")) as peak:
            for number in range(many):
                await live.save(form, f"street {number}")
                form = await live.ready_form()
            await live.shows("deal", f"street {many - 1}")
            await live.shows("deal", "saved here, not yet in the CRM", "whether it took it is not known yet")
        assert 1 <= peak.most <= 2, "one that is on its way, and one that waits"
        assert all(told.startswith("Saved") for told in live.told.edits.values()), live.told.edits
        live.lines["crm"].set(PASS)
        await live.healed()
        assert live.crm_server.written.total() <= 3, "and no other was ever sent"
        await live.shows("deal", "in the CRM")
