"""The clock set back by an hour: what waits still comes, what was stamped stays in order."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway import clock as clocks
from gateway.clock import SystemClock
from gateway.store import leases
from gateway.store.engine import Store
from gateway.store.leases import LeaseStore
from tests.faults.house import faulty
from tests.faults.proxy import AWAY, PASS
from tests.gateway.fake_chat import buttons
from tests.gateway.house import HERO, LI, WANG, opened
from tests.gateway.test_edits import ONE, floated
from tests.gateway.test_managers import alert, risky

HOUR_NS = 3_600 * 10**9


class Set:
    """The system's clocks; `by` moves the one that people set."""

    def __init__(self) -> None:
        self.by = 0
        self.passed = 0

    def time_ns(self) -> int:
        return time.time_ns() + self.by + self.passed

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + self.passed


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Set:
    made = Set()
    monkeypatch.setattr(clocks, "time", made)
    monkeypatch.setattr(leases, "time", made)
    return made


def test_it_never_goes_back_and_never_stands(system: Set) -> None:
    clock = SystemClock()
    before = clock.now()
    system.by = -HOUR_NS
    assert before <= clock.now() < before + 1_000
    system.passed += 100 * 10**9
    assert before + 90_000 <= clock.now() < before + 91_000
    system.passed += 11 * HOUR_NS  # a tenth of it makes good for the hour
    assert abs(clock.now() - system.time_ns() // 1_000_000) < 1_000
    system.by = 0
    assert clock.now() >= before + 11 * 3_600_000, "set ahead, it follows"


def test_one_that_is_followed_makes_the_system_s_own_no_matter(system: Set) -> None:
    clock, theirs = SystemClock(), time.time_ns() - HOUR_NS
    clock.follow(theirs, system.monotonic_ns())
    begun = clock.now()
    assert 0 <= begun - theirs // 1_000_000 < 1_000, "at the start it is taken as it is"
    system.by = 5 * HOUR_NS
    assert clock.now() - begun < 1_000
    system.passed += 60 * 10**9
    assert 60_000 <= clock.now() - begun < 61_000, "while it is not heard of, it goes on"
    clock.follow(theirs + 62 * 10**9, system.monotonic_ns())
    ahead = clock.now()
    assert 62_000 <= ahead - begun < 63_000
    clock.follow(theirs, system.monotonic_ns())
    assert clock.now() >= ahead, "set back, it never goes back"
    system.passed += 100 * 10**9
    assert 90_000 <= clock.now() - ahead < 91_000


async def test_a_lease_from_before_is_nobodys(tmp_path: Path, system: Set) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    held = LeaseStore(store)
    assert await held.take("sweep", "one", 9_000) == 1
    system.by = -HOUR_NS
    assert await held.take("sweep", "two", 9_000) == 2
    assert not await held.renew("sweep", "one", 1, 9_000), "whoever had it is fenced off"
    assert await held.take("sweep", "one", 9_000) is None
    await store.close()


async def test_a_whole_gateway_goes_on(tmp_path: Path, system: Set) -> None:
    async with faulty(tmp_path) as live:
        form, other = await live.ready_form(), await live.ready_form()
        live.lines["crm"].set(AWAY)
        await live.save(form, "before the hour")
        await live.talk(2)
        await live.shows("deal", "saved here, not yet in the CRM")
        system.by = -HOUR_NS
        await live.talk(2)
        live.lines["crm"].set(PASS)
        await live.healed()  # what was to be tried again in a second is tried in a second
        await live.save(other, "after the hour")
        await live.healed()
        history = [row for row in await live.s.ledger.history(HERO, "address", 10) if row.edit.kind == "set"]
        assert [row.edit.value for row in history][:2] == ["after the hour", "before the hour"]
        assert await live.value("address") == "after the hour"
        again = live.event("message", "u_liting", "r1", id="same", message="m9", text="x")
        assert (await live.post(again))[0] == (await live.post(again))[0] == 200


async def test_one_that_is_restarted_in_the_past_waits_and_does_nothing_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        assert (await live.press_on(WANG, await risky(live), "snooze"))["text"] == "Snoozed."
        live.crm.mood = "down"
        await live.submit(LI, "deal", form, phone=ONE)
        await live.settle()
        assert await live.rows("outbox", "state = 'waiting'") == 1
        chat, clock = live.chat, live.clock
    clock.ahead(hours=-1)
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert (await live.value("phone"), live.crm.writes) == (ONE, 0), "due in a second, when the clock gets there"
        clock.ahead(hours=1, seconds=2)
        await live.settle()
        assert (await live.there("phone"), live.crm.writes) == (ONE, 1)
        assert not buttons(alert(live).card, "snooze"), "its hour begins when it began"
        clock.ahead(hours=1)
        await live.settle()
        assert buttons(alert(live).card, "snooze")
        assert len(live.cards("deal")) == live.crm.writes == 1
