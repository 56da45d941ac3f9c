"""Two gateways on one store: what one of them may have, the other has not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection

from channels.model import ImId, MessageRef, Place, Roster, Sender
from gateway.clock import ShiftedClock
from gateway.errors import Refused
from gateway.store.counters import counts
from gateway.store.due import LEASE_MS, Due, DueStore
from gateway.store.engine import Store
from gateway.store.leases import Fenced, LeaseStore, guard
from gateway.store.people import PeopleStore
from gateway.store.rooms import RoomStore
from gateway.store.slots import Shown, SlotStore, slot_id
from gateway.store.tokens import Token, TokenStore
from gateway.turn import Slot
from identity.model import Person
from tests.gateway.store.outside import tamper
from tests.gateway.store.world import quick

CLOCK = ShiftedClock()
PLACE = Place("web", "sales")


@dataclass
class Two:
    a: Store
    b: Store
    url: str


@pytest.fixture
async def two(store_url: str) -> AsyncIterator[Two]:
    both = Two(quick(store_url), quick(store_url), store_url)
    yield both
    await both.a.close()
    await both.b.close()


async def people(two: Two) -> tuple[PeopleStore, PeopleStore]:
    one, other = PeopleStore(two.a, CLOCK), PeopleStore(two.b, CLOCK)
    for name in ("ann", "bob"):
        await one.put(Person(name, name.title(), frozenset({"sales"}), emails=(f"{name}@x.cn",)))
    await other.load()
    return one, other


async def test_a_lease_is_one_owners_and_each_new_owner_has_a_greater_fence(two: Two) -> None:
    a, b = LeaseStore(two.a), LeaseStore(two.b)
    first = await a.take("sweep", "a", 60_000)
    assert first is not None
    assert await b.take("sweep", "b", 60_000) is None
    assert await a.take("sweep", "a", 60_000) == first
    assert await a.renew("sweep", "a", first, 60_000)
    await a.release("sweep", "a", first)
    second = await b.take("sweep", "b", 60_000)
    assert second is not None
    assert second > first
    assert not await a.renew("sweep", "a", first, 60_000)
    await a.release("sweep", "a", first)
    assert await a.take("sweep", "a", 60_000) is None


async def test_a_lease_that_ran_out_is_anybodys(two: Two) -> None:
    a, b = LeaseStore(two.a), LeaseStore(two.b)
    first = await a.take("sweep", "a", 60_000)
    tamper(two.url, "UPDATE lease SET until = 1 WHERE name = ?", "sweep")
    second = await b.take("sweep", "b", 60_000)
    assert first is not None
    assert second == first + 1


async def test_of_many_that_ask_at_once_one_gets_it(two: Two) -> None:
    asked = [LeaseStore((two.a, two.b)[n % 2]).take("sweep", f"o{n}", 60_000) for n in range(20)]
    assert sum(each is not None for each in await asyncio.gather(*asked)) == 1


async def test_what_a_former_owner_writes_under_its_fence_is_refused(two: Two) -> None:
    leases = LeaseStore(two.a)
    old = await leases.take("sweep", "a", 0)
    await leases.take("sweep", "b", 60_000)

    def fenced(connection: Connection, fences: Sequence[int]) -> list[None]:
        for fence in fences:
            guard(connection, "sweep", fence)
        return [None] * len(fences)

    assert old is not None
    with pytest.raises(Fenced, match="taken over sweep"):
        await two.b.write(fenced, old)
    await two.b.write(fenced, old + 1)


async def test_one_account_is_one_persons_when_two_link_it_at_once(two: Two) -> None:
    one, other = await people(two)
    for n in range(10):
        links = [
            store.link(who, "im", f"web/x/user/u{n}", step="code", evidence="", made_by=who)
            for store, who in ((one, "ann"), (other, "bob"))
        ]
        done = await asyncio.gather(*links, return_exceptions=True)
        assert sorted(isinstance(each, Refused) for each in done) == [False, True]


async def test_a_code_and_a_login_link_are_used_once(two: Two) -> None:
    one, other = await people(two)
    a, b = TokenStore(two.a, CLOCK), TokenStore(two.b, CLOCK)
    for n in range(10):
        await one.keep_code(f"h{n}", "im", CLOCK.now() + 60_000)
        pressing = ((one, "web/demo/user/a"), (other, "web/demo/user/b"))
        used = await asyncio.gather(*(people.use_code(f"h{n}", by) for people, by in pressing))
        assert sorted(used, key=str) == [None, "im"]
        link = await a.login_link("ann")
        opened = await asyncio.gather(a.open_session(link), b.open_session(link))
        assert sum(each is not None for each in opened) == 1
    secret = await a.make(Token("t", frozenset({"read"})))
    assert (await b.read(secret)) == Token("t", frozenset({"read"}))
    assert await b.end("t") == 1
    assert await a.read(secret) is None


async def test_what_another_gateway_changed_of_people_is_followed(two: Two) -> None:
    one, other = await people(two)
    await other.follow((await counts(two.b))["people"])
    other.take_changed()
    link = await one.link("ann", "im", "web/x/user/u1", step="admin", evidence="", made_by="ann")
    assert other.linked("im", "web/x/user/u1") is None
    await other.follow((await counts(two.b))["people"])
    assert other.linked("im", "web/x/user/u1") == one.person("ann")
    assert other.take_changed() == {"ann": {"web/x/user/u1"}}
    await one.unlink(link.id, "ann")
    with pytest.raises(Refused):
        await other.unlink(link.id, "bob")
    before = other.version
    await other.follow((await counts(two.b))["people"])
    assert other.linked("im", "web/x/user/u1") is None
    assert other.take_changed() == {"ann": {"web/x/user/u1"}}
    await other.follow((await counts(two.b))["people"])
    assert other.version == before + 2


async def test_what_is_due_is_taken_by_one(two: Two) -> None:
    a, b = DueStore(two.a), DueStore(two.b)
    for n in range(40):
        await a.put(Due(f"k{n}", "slot", 1000, {"n": n}))
    taken = await asyncio.gather(*(store.take(2000, 7) for store in (a, b) * 4))
    keys = [each.key for some in taken for each in some]
    assert len(keys) == len(set(keys))
    rest = [each.key for _ in range(8) for each in await a.take(2000, 7)]
    assert len({*keys, *rest}) == 40
    assert not set(keys) & set(rest)
    assert await b.take(2000) == []
    assert len(await b.take(2000 + LEASE_MS)) == 40
    await a.done(Due("k1", "slot", 999, {}))
    await b.done(Due("k2", "slot", 1000, {}))
    await a.cancel("k3")
    assert len(await b.take(2000 + 2 * LEASE_MS)) == 38
    assert await a.next_at() == 1000


async def test_what_was_taken_before_the_clock_was_set_back_is_taken_again(two: Two) -> None:
    a, b = DueStore(two.a), DueStore(two.b)
    hour = 3_600_000
    await a.put(Due("k", "alert", 1000, {}))
    assert len(await a.take(2 * hour)) == 1
    assert await b.take(2 * hour - LEASE_MS // 2) == [], "a clock that goes a little after the other's"
    assert len(await b.take(hour)) == 1
    assert await a.take(hour) == []


async def test_slots_and_rooms_are_the_same_for_both(two: Two) -> None:
    slots, key = SlotStore(two.a), Slot(PLACE, "card", "m1", "")
    shown = Shown(
        slot_id(key), key, MessageRef(PLACE, "7"), ("local:account:1", "local:account:2"), "d", state={"k": "值"}
    )
    await slots.keep(shown)
    await SlotStore(two.b).keep(shown)
    assert await SlotStore(two.b).get(key) == shown
    assert [each.id for each in await slots.about("local:account:2")] == [shown.id]
    assert [each.id for each in await slots.about("local:account:2", shown.slot.place.room_key)] == [shown.id]
    assert await slots.about("local:account:2", "another/room") == []
    await slots.drop(shown.id)
    dropped = await SlotStore(two.b).by_id(shown.id)
    assert dropped is not None
    assert (dropped.message, dropped.records) == (None, ())
    who = Sender(ImId("web", "x", "user", "u1"), "<!channel> \u202e*x*", "member")
    rooms, other = RoomStore(two.a), RoomStore(two.b)
    roster = Roster((who,), complete=True, at=5, title="T", kind="group", external=False)
    await asyncio.gather(*(store.keep(PLACE.room_key, roster) for store in (rooms, other) * 3))
    assert await other.roster(PLACE.room_key) == roster
    await other.leave(PLACE.room_key, who.id.key)
    assert (await rooms.roster(PLACE.room_key) or roster).members == ()
    await rooms.quiet(PLACE.room_key, 2**53)
    assert (await other.state(PLACE.room_key)).quiet_until == 2**53
