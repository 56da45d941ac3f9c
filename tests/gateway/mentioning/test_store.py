"""What rooms know and use taught, kept: the same on both databases, whatever the names are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from gateway.errors import Refused
from gateway.mentioning.naming import MOST, Naming
from gateway.mentioning.spoken import LONGEST, spoken
from gateway.mentioning.weights import name_weight
from gateway.store.aging import AgingStore
from gateway.store.engine import Store
from gateway.store.mentioning import MOST_COUNTED, Lesson, MentioningStore
from gateway.store.naming import NamingStore
from gateway.store.rooms import RoomStore
from tests.gateway.store.world import quick

ROOM = "web/deal"
HOSTILE = (
    "<!channel>",
    "o'; DROP TABLE lesson; --",
    "\u202eabc",
    "a\x00b",
    "\ud800x",
    "😀" * 300,
    "长" * 5000,
    "%s {name} \\",
)


@dataclass
class Kept:
    store: Store
    mentioning: MentioningStore
    naming: Naming
    rooms: RoomStore


def at(told: int) -> Callable[[], int]:
    return lambda: told


@pytest.fixture
async def kept(store_url: str) -> AsyncIterator[Kept]:
    store = quick(store_url)
    yield Kept(store, MentioningStore(store), Naming(NamingStore(store)), RoomStore(store))
    await store.close()


def lesson(name: str, kind: str, message: str = "m1", at: int = 10, record: str = "") -> Lesson:
    return Lesson(name, ROOM, message, kind, at, record, "p_li")


async def test_lessons_are_counted_once_and_forgotten_when_old(kept: Kept) -> None:
    told = [lesson("北陌", "none"), lesson("北陌", "none"), lesson("北陌", "wrong", "m2", 20), lesson("x", "shown")]
    assert await kept.mentioning.teach(told) == 3
    assert await kept.mentioning.teach(told) == 0
    known = await kept.mentioning.known(ROOM, ["北陌", "x"], since=0, taught_since=0)
    assert known.names == {"北陌": {"none": 1, "wrong": 1}, "x": {"shown": 1}}
    assert known.room == {"none": 1, "wrong": 1}
    (learned,) = await kept.mentioning.learned(0)
    assert (learned.name, dict(learned.counts)) == ("北陌", {"none": 1, "wrong": 1})
    assert await AgingStore(kept.store).lessons(15) == 2
    assert (await kept.mentioning.known(ROOM, ["北陌"], since=0, taught_since=0)).names == {"北陌": {"wrong": 1}}


async def test_of_one_kind_no_more_are_counted_than_weigh(kept: Kept) -> None:
    many = range(MOST_COUNTED + 20)
    await kept.mentioning.teach([lesson("x", "shown", f"m{n}", 10 + n) for n in many])
    await kept.mentioning.teach([lesson("x", "used", "m1"), lesson("y", "used", "m1"), lesson("z", "shown", "m1")])
    known = await kept.mentioning.known(ROOM, ["x", "y"], since=0, taught_since=15)
    assert known.names == {"x": {"shown": MOST_COUNTED}}, "and none that is older"
    learned = {each.name: dict(each.counts) for each in await kept.mentioning.learned(0)}
    assert learned == {"x": {"shown": MOST_COUNTED, "used": 1}, "y": {"used": 1}}
    assert name_weight({"shown": MOST_COUNTED}) == name_weight({"shown": MOST_COUNTED + 20})


async def test_a_room_reads_no_more_than_was_named_there_of_late(kept: Kept) -> None:
    await kept.mentioning.name(ROOM, ["c:a:1"], 10)
    await kept.mentioning.name(ROOM, ["c:a:2"], 20)
    assert (await kept.mentioning.known(ROOM, [], since=15, taught_since=0)).recent == {"c:a:2": 20}
    assert await AgingStore(kept.store).named(15) == 1
    assert (await kept.mentioning.known(ROOM, [], since=0, taught_since=0)).recent == {"c:a:2": 20}


async def test_one_report_is_taken_back_with_what_the_room_was_told_and_no_other(kept: Kept) -> None:
    await kept.mentioning.teach([lesson("北陌", "none"), lesson("云栖", "picked", "m2", 20, "c:a:1")])
    await kept.rooms.choose(ROOM, "北陌", "", "p_li", 10)
    await kept.rooms.choose(ROOM, "云栖", "c:a:1", "p_li", 20)
    picked, none = await kept.mentioning.reported()
    assert [each.lesson.kind for each in (picked, none)] == ["picked", "none"]
    assert await kept.mentioning.end(none.id, "p_zhao", 30)
    assert not await kept.mentioning.end(none.id, "p_zhao", 31), "once"
    assert await kept.rooms.choice(ROOM, "北陌") is None
    assert await kept.rooms.choice(ROOM, "云栖") == "c:a:1"
    assert (await kept.mentioning.known(ROOM, ["北陌"], since=0, taught_since=0)).names == {}
    ended = {each.id: (each.ended_at, each.ended_by) for each in await kept.mentioning.reported()}
    assert ended == {none.id: (30, "p_zhao"), picked.id: (0, "")}
    assert await kept.mentioning.end(picked.id, "p_zhao", 40)
    assert await kept.rooms.choice(ROOM, "云栖") is None


async def test_a_choice_made_since_stays_when_an_older_report_is_taken_back(kept: Kept) -> None:
    await kept.mentioning.teach([lesson("北陌", "none")])
    await kept.rooms.choose(ROOM, "北陌", "c:a:2", "p_chen", 20)
    (none,) = await kept.mentioning.reported()
    await kept.mentioning.end(none.id, "p_zhao", 30)
    assert await kept.rooms.choice(ROOM, "北陌") == "c:a:2"


async def test_what_was_counted_along_the_way_is_no_report(kept: Kept) -> None:
    await kept.mentioning.teach([lesson("x", "shown"), lesson("x", "used")])
    assert await kept.mentioning.reported() == []
    assert not await kept.mentioning.end(lesson("x", "used").id, "p_zhao", 30)


async def test_rooms_are_bound_named_in_and_have_a_budget(kept: Kept) -> None:
    await kept.mentioning.bind(ROOM, "c:a:1", "p_li", 5)
    await kept.mentioning.budget(ROOM, 3)
    await kept.mentioning.name(ROOM, ["c:a:1", "c:a:2"], 7)
    await kept.mentioning.name(ROOM, ["c:a:2"], 9)
    await kept.mentioning.unname(ROOM, "c:a:1")
    known = await kept.mentioning.known(ROOM, [], since=0, taught_since=0)
    assert (known.bound, known.budget, known.recent) == ("c:a:1", 3, {"c:a:2": 9})
    await kept.mentioning.teach([lesson("x", "shown", f"m{n}", n) for n in range(5)])
    assert await kept.mentioning.floated(ROOM, 1, "m4") == 2


async def test_a_word_on_a_name_is_taken_back_and_all_lessons_with_it(kept: Kept) -> None:
    await kept.mentioning.teach([lesson("x", "none", f"m{n}") for n in range(3)])
    await kept.rooms.choose(ROOM, "x", "", "p_li", 1)
    for state in ("accepted", "refused", ""):
        await kept.mentioning.decide("x", state, "p_zhao", 5)
        assert [each.common for each in await kept.mentioning.learned(0)] == [state]
    assert await kept.mentioning.take_back("x", "p_zhao", 6) == 3
    assert await kept.mentioning.learned(0) == []
    assert await kept.rooms.choice(ROOM, "x") is None


@pytest.mark.parametrize("words", HOSTILE)
async def test_any_name_can_be_remembered_and_is_found_again(kept: Kept, words: str) -> None:
    name = spoken(words)
    assert len(name) <= LONGEST
    assert await kept.mentioning.teach([lesson(name, "none")]) == 1
    await kept.rooms.choose(ROOM, name, "", "p_li", 1)
    await kept.mentioning.decide(name, "accepted", "p_zhao", 5)
    known = await kept.mentioning.known(ROOM, [name], since=0, taught_since=0)
    assert (known.names, known.answered, known.common) == (
        {name: {"none": 1}},
        {name: ""},
        {name: "accepted"},
    )


def test_long_names_that_differ_at_their_end_stay_two() -> None:
    assert spoken("长" * 300 + "甲") != spoken("长" * 300 + "乙")
    assert spoken("华星") == spoken("華星") == "华星"


async def test_an_admins_names_outlive_a_start_and_are_followed_elsewhere(kept: Kept) -> None:
    elsewhere = Naming(NamingStore(kept.store))
    await kept.naming.say("c:a:1", "星星  医院", "alias", "p_zhao", at(10))
    await kept.naming.say("c:a:1", "小星", "never", "p_zhao", at(11))
    assert await elsewhere.since(10) == ["c:a:1"] and await elsewhere.since(0) == [], "told once"
    await kept.naming.say("c:a:1", "小星", "", "p_zhao", at(12))
    assert await elsewhere.since(12) == ["c:a:1"]
    fresh = Naming(NamingStore(kept.store))
    await fresh.load()
    for naming in (kept.naming, elsewhere, fresh):
        assert [(each.text, each.kind) for each in naming.of("c:a:1")] == [("星星 医院", "alias")]


async def test_a_customer_has_so_many_names_and_no_more(kept: Kept) -> None:
    for number in range(MOST):
        await kept.naming.say("c:a:1", f"name {number}", "alias", "p_zhao", at(number))
    with pytest.raises(Refused):
        await kept.naming.say("c:a:1", "one more", "alias", "p_zhao", at(200))
    await kept.naming.say("c:a:1", "name 3", "never", "p_zhao", at(201))
    await kept.naming.say("c:a:1", "name 4", "", "p_zhao", at(202))
    await kept.naming.say("c:a:1", "one more", "alias", "p_zhao", at(203))
