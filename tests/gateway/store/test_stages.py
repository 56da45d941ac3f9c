"""Stages and counts in the store, on both databases: one decision at a time, counts that add up, rooms by kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from channels.model import MessageRef, Place, Roster
from gateway.clock import ShiftedClock
from gateway.store.due import DueStore
from gateway.store.engine import Store
from gateway.store.rooms import RoomStore
from gateway.store.slots import Shown, SlotStore, slot_id
from gateway.store.stages import DAY_MS, Change, Run, StageStore
from gateway.store.tokens import Token, TokenStore
from gateway.turn import Slot
from tests.gateway.store.world import quick

CLOCK = ShiftedClock()


@dataclass
class Two:
    a: Store
    b: Store


@pytest.fixture
async def two(store_url: str) -> AsyncIterator[Two]:
    both = Two(quick(store_url), quick(store_url))
    yield both
    await both.a.close()
    await both.b.close()


async def test_of_two_decisions_at_once_one_stands(two: Two) -> None:
    a, b = StageStore(two.a, CLOCK), StageStore(two.b, CLOCK)
    before = await a.version()
    made = await asyncio.gather(
        a.change(Change("group/group", "standard", 0, "p_a", "minimal")),
        b.change(Change("group/group", "full", 0, "p_b", "minimal")),
    )
    assert sorted(made) == [False, True] and await b.version() == before + 1
    (run,) = await a.runs("group/group")
    assert run.run == 1 and run.stage == ("standard" if made[0] else "full")
    due = await DueStore(two.b).take(CLOCK.now() + 60_000)
    assert [(each.kind, each.payload) for each in due] == [("staged", {"kind": "group/group"})] * 2


async def test_counts_of_two_gateways_add_up(two: Two) -> None:
    a, b = StageStore(two.a, CLOCK), StageStore(two.b, CLOCK)
    day = CLOCK.now() // DAY_MS
    keys = [("group/group", 1, "full", day, what) for what in ("shown", "opened", "wrong")]
    await asyncio.gather(
        *(each.add(dict.fromkeys(keys, 2), {(day, "web", "phone", "read"): 3}) for each in (a, b) for _ in range(10))
    )
    assert await a.behaved(Run("group/group", 1, "full")) == {day: {"shown": 40, "opened": 40, "wrong": 40}}
    assert await a.behaved(Run("group/group", 1, "minimal")) == {}
    assert await b.readings(day) == {("web", "phone"): {"read": {day: 60}}} and await b.readings(day + 1) == {}
    assert await a.forget(CLOCK.now()) == 0
    assert await a.forget(CLOCK.now() + DAY_MS) == 4 and await a.forget(CLOCK.now() + DAY_MS) == 0


async def test_rooms_are_found_by_their_kind(two: Two) -> None:
    rooms, slots, stages = RoomStore(two.a), SlotStore(two.a), StageStore(two.b, CLOCK)
    kinds = {"one": ("group", False), "two": ("public", False), "three": ("group", True), "four": ("direct", False)}
    for name, (kind, external) in kinds.items():
        await rooms.keep(f"web/{name}", Roster((), True, 1, name, kind, external))  # type: ignore[arg-type]
    for name in ("one", "one", "two", "three", "unheard"):
        slot = Slot(Place("web", name), "card", f"m{len(name)}")
        message = MessageRef(slot.place, "1")
        await slots.keep(Shown(slot_id(slot), slot, message, (), "x", "", None, 1, {}))
    assert sorted(await stages.rooms("group/group")) == ["web/one", "web/unheard"]
    assert sorted(await stages.rooms("external_group/group")) == ["web/three", "web/unheard"]
    assert await stages.up() == {
        "group/group": (1, 1),
        "group/public": (1, 1),
        "external_group/group": (1, 1),
        "direct/direct": (1, 0),
    }


async def test_a_token_keeps_what_it_was_granted_and_ends_in_time(two: Two) -> None:
    clock = ShiftedClock()
    a, b = TokenStore(two.a, clock), TokenStore(two.b, clock)
    ends = clock.now() + 60_000
    made = Token("sms", frozenset({"read"}), reads=frozenset({"phone"}), writes=frozenset(), expires_at=ends)
    secret = await a.make(made)
    assert await b.read(secret) == made
    (known,) = [each for each in await b.known() if each.token.name == "sms"]
    assert known.token == made and known.used_at is not None
    clock.advance(61)
    assert await b.read(secret) is None
    assert await b.end_one(known.id) == "sms" and await a.end_one(known.id) is None
