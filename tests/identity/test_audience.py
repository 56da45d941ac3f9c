"""Who counts as what in a room; in doubt as nobody known."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import pytest

from identity.audience import (
    UNMAPPED,
    Overlay,
    attributes_of,
    audience,
    audience_hash,
    direct,
    joined,
    left,
    others,
    readers,
)
from identity.model import BOTTOM, Attributes, Audience, Person
from tests.identity.rooms import NOW, REP, people, person, roster, sender

LI, WANG = person("li", "rep"), person("wang", "rep")
A, B = sender("a"), sender("b")
MAPPED = people((A, LI), (B, WANG))


@pytest.mark.parametrize(
    ("kind", "linked", "counts_as"),
    [
        ("member", LI, REP),
        ("unknown", LI, REP),
        ("member", None, UNMAPPED),
        ("unknown", None, BOTTOM),
        ("guest", LI, BOTTOM),
        ("guest", None, BOTTOM),
        ("outsider", LI, BOTTOM),
        ("bot", LI, BOTTOM),
        ("bot", None, BOTTOM),
        ("member", person("gone", "admin", active=False), BOTTOM),
        ("member", person("ext", external=True), Attributes((), "east", "sh", external=True, mapped=True)),
    ],
)
def test_what_a_member_counts_as(kind: str, linked: Person | None, counts_as: Attributes) -> None:
    who = sender("x", kind)
    room = audience(roster([who]), people((who, linked)) if linked else {}, now=NOW)
    assert room.counts == {counts_as: 1}
    assert room.scene == "group"
    assert joined(audience(roster([]), {}, now=NOW), who, linked).counts == {counts_as: 1}


def test_unmapped_is_internal_and_without_a_role() -> None:
    assert Attributes(roles=(), external=False, mapped=False) == UNMAPPED


def test_equal_attributes_are_counted_together_and_persons_kept() -> None:
    room = audience(roster([A, B, sender("c")]), MAPPED, now=NOW)
    assert room.counts == {REP: 2, UNMAPPED: 1}
    assert dict(room.persons) == {"li": REP, "wang": REP}


@pytest.mark.parametrize(
    "more", [{"complete": False}, {"at": NOW - 600_001}, {"at": NOW + 600_001}, {"external": True}]
)
def test_a_list_in_doubt_and_a_shared_room_add_somebody_unknown(more: dict[str, object]) -> None:
    room = audience(roster([A], **more), MAPPED, now=NOW)
    assert room.counts == {REP: 1, BOTTOM: 1}
    assert room.scene == ("external_group" if "external" in more else "group")
    assert {who: n for who, n in room.listed.items() if n} == {REP: 1}, "nobody on the list is that"
    assert [*others(room)] == ["shared" if "external" in more else "incomplete"]


def test_ten_minutes_are_fresh_enough() -> None:
    assert audience(roster([A], at=NOW - 600_000), MAPPED, now=NOW).complete
    assert not audience(roster([A], at=NOW - 5), MAPPED, now=NOW, max_age=4).complete


def test_a_failed_list_is_not_an_empty_room() -> None:
    room = audience(roster([], complete=False), {}, now=NOW)
    assert room.counts == {BOTTOM: 1}
    assert readers(Audience("group", {}, complete=False), ()) == ((BOTTOM, False),)


def test_a_public_room_is_read_by_the_whole_workspace() -> None:
    public = roster([A], kind="public")
    assert audience(public, MAPPED, now=NOW).counts == {REP: 1, UNMAPPED: 1}
    assert [*others(audience(public, MAPPED, now=NOW))] == ["public"]
    assert not [*others(audience(roster([A]), MAPPED, now=NOW))]
    assert audience(public, MAPPED, now=NOW, public_channel_audience="members").counts == {REP: 1}
    assert audience(roster([A]), MAPPED, now=NOW, room_kind="public").counts == {REP: 1, UNMAPPED: 1}


def test_bots_hear_too_unless_exempt() -> None:
    ours, theirs = sender("ours", "bot"), sender("theirs", "bot")
    room = audience(roster([A, ours, theirs]), MAPPED, now=NOW, exempt_bots=frozenset({ours.id.key}))
    assert room.counts == {REP: 1, BOTTOM: 1}
    impostor = sender("ours")  # exempt by id, but no bot
    assert audience(roster([impostor]), {}, now=NOW, exempt_bots=frozenset({ours.id.key})).counts == {UNMAPPED: 1}


def test_a_direct_room_is_one_reader() -> None:
    assert audience(roster([A], kind="direct"), MAPPED, now=NOW).scene == "direct"
    assert direct(LI) == Audience("direct", {REP: 1}, {"li": REP})
    assert direct(None).counts == {BOTTOM: 1}
    assert direct(None, sender("m")).counts == {UNMAPPED: 1}
    assert direct(None, sender("g", "guest")).counts == {BOTTOM: 1}
    assert direct(person("x", "admin", active=False)).counts == {BOTTOM: 1}
    assert direct(LI, scene="document").scene == "document"


class Counted(Mapping[str, Attributes]):
    """Counts how often somebody walks or looks."""

    def __init__(self, size: int) -> None:
        self.size, self.steps = size, 0

    def __getitem__(self, key: str) -> Attributes:
        self.steps += 1
        if not key.startswith("p"):
            raise KeyError(key)
        return REP

    def __iter__(self) -> Iterator[str]:
        for number in range(self.size):
            self.steps += 1
            yield f"p{number}"

    def __len__(self) -> int:
        return self.size


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_join_and_a_leave_do_not_walk_the_members(size: int) -> None:
    persons = Counted(size)
    room = Audience("group", {REP: size}, persons, True, NOW)
    for number in range(20):
        room = joined(room, sender(f"s{number}"), person(f"new{number}", "rep"))
    for number in range(20):
        room = left(room, sender(f"s{number}"), person(f"new{number}", "rep"))
    assert room.counts == {REP: size}
    assert persons.steps <= 40


def test_many_changes_are_folded_in() -> None:
    held: Mapping[str, int] = {"a": 1}
    plain = {"a": 1}
    chance = random.Random(5)
    for _ in range(1000):
        key, value = str(chance.randrange(50)), chance.choice([None, 1, 2])
        held = Overlay.put(held, key, value)
        if value is None:
            plain.pop(key, None)
        else:
            plain[key] = value
        assert dict(held) == plain
        assert len(held) == len(plain)
    assert held.get("nobody") is None


def test_after_join_and_leave_a_known_person_is_gone_and_others_stay_counted() -> None:
    room = audience(roster([A, B]), MAPPED, now=NOW)
    assert left(left(room, A, LI), B, WANG).empty
    guest = sender("g", "guest")
    with_guest = joined(room, guest, None)
    assert left(with_guest, guest, None).counts[BOTTOM] == 1  # until the list is read afresh
    two = joined(joined(room, guest, None), sender("h", "guest"), None)
    once = left(two, guest, None)
    assert left(left(once, guest, None), guest, None).counts[BOTTOM] == 1


def test_a_leave_of_somebody_never_counted_changes_nothing() -> None:
    room = audience(roster([A]), MAPPED, now=NOW)
    assert left(room, B, WANG) == room
    assert left(room, sender("g", "guest"), None) == room


def test_a_leave_keeps_the_doubt_about_a_list() -> None:
    room = audience(roster([A], complete=False), MAPPED, now=NOW)
    assert left(room, sender("g", "guest"), None).counts[BOTTOM] == 1


def test_the_hash_is_of_the_readers_not_of_the_order_or_the_time() -> None:
    room = audience(roster([A, B, sender("c")]), MAPPED, now=NOW)
    assert audience_hash(audience(roster([sender("c"), B, A], at=NOW - 9), MAPPED, now=NOW)) == audience_hash(room)
    others = [
        joined(room, sender("g", "guest"), None),
        joined(room, sender("d"), None),
        left(room, A, LI),
        audience(roster([A, B, sender("c")], complete=False), MAPPED, now=NOW),
        audience(roster([A, B, sender("c")], kind="direct"), MAPPED, now=NOW),
    ]
    assert len({audience_hash(other) for other in [room, *others]}) == 6


def test_owners_are_judged_by_id_and_others_of_their_attributes_stay() -> None:
    room = audience(roster([A, B]), MAPPED, now=NOW)
    assert readers(room, {"li"}) == ((REP, False), (REP, True))
    assert readers(room, {"li", "wang"}) == ((REP, True),)
    assert readers(room, {"somebody"}) == ((REP, False),)


def test_roles_are_sorted_so_that_equal_people_are_equal() -> None:
    one, two = person("a", "rep", "admin"), person("b", "admin", "rep")
    assert attributes_of(one) == attributes_of(two)
