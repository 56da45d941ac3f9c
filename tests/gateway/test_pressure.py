"""Too much waits: cards are put off first, alerts next, what keeps rooms in step is asked for again, edits never."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.bus.bounded import BoundedBus
from gateway.bus.model import Delivery, Job, Rank
from gateway.handlers import alerts
from gateway.pressure import Pressure
from gateway.store.owed import OwedStore
from gateway.turn import new_trail
from tests.gateway.bus.benches import Bench, Running, job, until
from tests.gateway.bus.conftest import bench, hurried
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAME, WANG, Live, opened
from tests.gateway.store.world import quick

__all__ = ["bench", "hurried"]

ONE = "+86 512 6288 1111"
MARKS = "[server]\nwaiting_cards = 4\nwaiting_alerts = 8\nwaiting = 12\n"


def test_past_a_mark_it_is_put_off_until_a_quarter_is_worked_off() -> None:
    waiting = 0
    marks: dict[Rank, int] = {"card": 100, "alert": 200}
    pressure = Pressure(lambda: waiting, marks)
    seen: list[tuple[bool, bool]] = []
    for waiting in (0, 99, 100, 80, 75, 74, 99, 250, 190, 149):  # noqa: B007 -- read by the measure
        seen.append((pressure.sheds("card"), pressure.sheds("alert")))
        assert not pressure.sheds("edit")
    off, card, both = (False, False), (True, False), (True, True)
    assert seen == [off, off, card, card, card, off, off, both, both, card]


# on every engine -------------------------------------------------------------------------------------------------


@pytest.fixture
async def owed(tmp_path: Path) -> AsyncIterator[OwedStore]:
    store = quick(f"sqlite:///{tmp_path}/owed.db")
    yield OwedStore(store)
    await store.close()


async def test_what_is_put_off_is_published_once_there_is_room(bench: Bench, owed: OwedStore) -> None:
    one = await bench.open()
    marks: dict[Rank, int] = {"card": 4, "alert": 6, "room": 8}
    bus = BoundedBus(one.bus, Pressure(lambda: one.bus.waiting, marks), owed, bench.clock)
    got = await Running(bus).start()
    for n in range(4):
        await bus.publish(job(f"{n}", f"room:{n}"))
    await got.arrived(4)
    for n in range(6):
        assert await bus.publish(Job("record", "record:x", f"r{n}", b"x"))
        bench.clock.at += 1
    await bus.publish(Job("alert", "alert:a", "a1", b"a"))
    await got.arrived(5)
    assert [each.job.topic for each in got.got] == ["event"] * 4 + ["alert"]
    assert len(await owed.oldest(["record", "alert"], 99)) == 1, "one debt, however often"
    assert await bus.look() == 0, "not while it lasts"
    for each in got.got[:3]:
        await bus.ack(each)
    await until(lambda: one.bus.waiting == 2)
    assert await bus.look() == 1
    assert (await got.arrived(6))[5].job.body == b"x"
    assert await owed.oldest(["record"], 99) == []
    assert await bus.look() == 0


async def test_what_is_owed_survives_a_restart(bench: Bench, owed: OwedStore) -> None:
    full = await bench.open()
    marks: dict[Rank, int] = {"card": 1}
    pressed = BoundedBus(full.bus, Pressure(lambda: 9, marks), owed, bench.clock)
    await pressed.publish(Job("about", "repaint:room", "o", b"room\nx"))
    later = await (await bench.open()).start()
    assert await BoundedBus(later.bus, Pressure(lambda: 0, marks), owed, bench.clock).look() == 1
    (got,) = await later.arrived(1)
    assert (got.job.topic, got.job.lane, got.job.body) == ("about", "repaint:room", b"room\nx")


# in the house ----------------------------------------------------------------------------------------------------


class Gate:
    """What is said in rooms waits here; presses pass."""

    def __init__(self, live: Live) -> None:
        self._worker: Any = live.house.worker
        self._open = asyncio.Event()
        self._real = self._worker._handle

    async def _handle(self, delivery: Delivery) -> None:
        if not delivery.job.lane.startswith("press:"):
            await self._open.wait()
        await self._real(delivery)

    @contextlib.contextmanager
    def shut(self) -> Iterator[None]:
        self._open.clear()
        self._worker._handle = self._handle
        try:
            yield
        finally:
            self._open.set()
            self._worker._handle = self._real


async def press_on(live: Live, count: int) -> list[str]:
    """Messages that name nobody, until so many jobs wait."""
    said = []
    while live.s.bus.waiting < count:
        said.append(await live.say(LI, "east", "nothing in particular"))
    return said


async def test_cards_are_put_off_edits_are_not_and_what_is_stale_is_made_good(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=MARKS) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("deal"))
        gate = Gate(live)
        with gate.shut():
            await press_on(live, 4)
            await live.say(CHEN, "east", NAME)
            assert live.s.bus.waiting == 4, "taken, and not queued"
            assert await live.counted("floatcard_shed_total", kind="said") >= 1
            assert await live.counted("floatcard_pressure", rank="card") == 1
            assert await live.counted("floatcard_pressure", rank="alert") == 0
            saved = await live.submit(LI, "deal", form, phone=ONE)
            assert saved["text"] == "Saved."
            assert await live.value("phone") == ONE
            assert await live.rows("owed") == 1
        await live.settle()
        assert live.cards("east") == [], "what was put off brings no card later"
        assert "shed" in await live.steps()
        assert ONE[4:] in text(live.card("deal").card), "and nothing stale stays up"
        assert await live.rows("owed") == 0
        assert await live.counted("floatcard_pressure", rank="card") == 0
        await live.say(CHEN, "east", NAME)
        await live.settle()
        assert len(live.cards("east")) == 1


async def test_a_person_who_asks_is_answered_and_a_deletion_is_heard(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=MARKS) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        gate = Gate(live)
        with gate.shut():
            await press_on(live, 4)
            await live.say(LI, "deal", "/card 华星医疗", addressed=True)
            await live.unsay(LI, "deal", message)
            await live.join(GUEST, "deal")
            assert live.s.bus.waiting == 7
        await live.settle()
        assert live.cards("deal") == [] or all(card.card["name"] != "customer" for card in live.cards("deal"))
        assert "command" in await live.steps()


async def test_at_the_last_mark_the_network_is_told_to_come_again_but_not_for_edits(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=MARKS) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        form = await live.open_form(WANG, live.card("deal"))
        gate = Gate(live)
        with gate.shut():
            await press_on(live, 4)
            while live.s.bus.waiting < 12:
                assert (await live.post(live.event("message_deleted", LI, "east", message="none")))[0] == 200
            gone = live.event("message_deleted", LI, "deal", message=message)
            assert (await live.post(gone))[0] == 503
            assert (await live.submit(WANG, "deal", form, phone=ONE))["text"] == "Saved."
        await live.settle()
        assert (await live.post(gone))[0] == 200, "brought again, it is taken"
        await live.settle()
        assert live.cards("deal") == []


async def test_a_store_that_cannot_keep_up_takes_no_messages_but_takes_edits(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("deal"))
        live.s.pressure.store_full = lambda: True
        status, _ = await live.post(live.event("message", LI, "deal", message="m", text=NAME))
        assert status == 503
        assert (await live.submit(LI, "deal", form, phone=ONE))["text"] == "Saved."


async def test_alerts_are_put_off_after_cards_and_come_when_there_is_room(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=MARKS) as live:
        gate = Gate(live)
        with gate.shut():
            await press_on(live, 4)
            for n in range(6):
                await alerts.raise_alert(live.s, "risk_high", HERO, f"r{n}:1", "", new_trail(""))
            assert live.s.bus.waiting == 8
            assert await live.rows("owed", "topic = 'alert'") == 2
            assert await live.counted("floatcard_pressure", rank="alert") == 1
        await live.settle()
        assert await live.rows("owed") == 0
        shown = await live.rows("slot", "purpose = 'alert' AND message IS NOT NULL")
        assert shown == await live.rows("alert", "state = 'open'")
        assert shown >= 6


FLOOD = 4_000 if os.environ.get("FLOATCARD_SOAK") == "1" else 200


async def test_in_a_flood_each_is_acknowledged_within_the_shortest_deadline(tmp_path: Path) -> None:
    """As fast as forty at a time can be sent; DingTalk's two seconds are the shortest. What one waits is the network's
    patience, not a measure of speed."""
    async with opened(tmp_path, extra=MARKS) as live:
        slowest, statuses, left = 0.0, set[int](), iter(range(FLOOD))

        async def sender() -> None:
            nonlocal slowest
            for n in left:
                body = live.event("message", LI, f"r{n % 20}", message=f"flood{n}", text=NAME)
                began = time.monotonic()
                statuses.add((await live.post(body))[0])
                slowest = max(slowest, time.monotonic() - began)

        with Gate(live).shut():
            await asyncio.gather(*(sender() for _ in range(40)))
        await live.settle()
        assert statuses == {200}
        assert slowest < 2.0
        assert await live.rows("trail", "step = 'shed'") >= FLOOD - 40 - 4, "each is noted"
