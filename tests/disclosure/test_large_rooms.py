"""Large rooms: what is asked grows with what tells readers apart, what is kept with members, a join with neither."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from channels.model import ImId, Place, Roster, Sender
from crm.model import FieldValue
from identity import access as access_module
from identity.access import AccessPolicy
from identity.audience import audience, audience_hash, joined, left
from identity.disclosure import ORDER, Classes, disclose
from identity.model import Attributes, Audience, Person
from tests.gateway.house import opened
from tests.identity.rooms import NOW, SOAK, record, roster, sender

MANY = 100_000 if SOAK else 5_000
ROLES = ("rep", "manager", "admin", "employee", "marketing")
FIELDS = {f"f{n}": FieldValue(n) for n in range(40)}
CLASSES = Classes({name: ORDER[n % 4] for n, name in enumerate(FIELDS)}, {})
KINDS = [Attributes((ROLES[n % 5],), f"t{n}", f"r{n // 100}", external=False, mapped=True) for n in range(400)]


def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    found: list[object] = []
    real = access_module.ask

    def counted(*question: Any) -> access_module.Verdict:
        found.append(question)
        return real(*question)

    monkeypatch.setattr(access_module, "ask", counted)
    return found


def test_five_thousand_members_of_four_hundred_kinds_are_asked_about_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """What our policies ask tells some twenty kinds of these apart; warm, nothing is asked."""
    questions, access = asked(monkeypatch), AccessPolicy.load(None)
    room = Audience("group", dict.fromkeys(KINDS, 5_000 // len(KINDS)), at=NOW)
    disclose(record(fields=FIELDS), room, NOW, access, CLASSES, owners=frozenset(), zone="")
    assert 0 < len(questions) <= 100
    questions.clear()
    shown = disclose(record(fields=FIELDS), room, NOW + 1, access, CLASSES, owners=frozenset(), zone="")
    assert not questions and len(shown.record.fields) == 20


def test_a_join_and_a_leave_ask_about_nobody_who_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    questions, access = asked(monkeypatch), AccessPolicy.load(None)
    room = Audience("group", dict.fromkeys(KINDS, 12), at=NOW)
    disclose(record(fields=FIELDS), room, NOW, access, CLASSES, owners=frozenset(), zone="")
    questions.clear()
    newcomer = Person("new", "New", frozenset({"rep"}), "t-new", "r0")
    grown = joined(room, sender("new"), newcomer)
    disclose(record(fields=FIELDS), grown, NOW, access, CLASSES, owners=frozenset(), zone="")
    again = left(grown, sender("new"), newcomer)
    assert not questions and again.counts == room.counts and not again.persons


def people_of(size: int) -> tuple[Roster, dict[str, Person]]:
    senders = [sender(f"u{n}") for n in range(size)]
    teams = [Person(f"p{n}", "", frozenset({ROLES[n % 5]}), f"t{n // 5 % 80}", f"r{n % 4}") for n in range(size)]
    return roster(senders), {who.id.key: one for who, one in zip(senders, teams, strict=True)}


def test_a_list_of_a_hundred_thousand_is_counted_once_and_followed() -> None:
    listed, persons = people_of(100_000)
    room = audience(listed, persons, now=NOW)
    assert len(room.counts) == 400 and sum(room.counts.values()) == 100_000
    tracemalloc.start()
    grown = room
    for n in range(200):
        grown = joined(grown, sender(f"new{n}"), Person(f"n{n}", "", frozenset({"rep"}), "t1", "r1"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(grown.counts.values()) == 100_200
    assert peak < 60 << 20, "a join does not copy the list: a few in a hundred of them fold it once"
    assert audience_hash(grown) != audience_hash(room)


async def test_a_room_of_very_many_is_read_once_and_a_join_is_counted_at_once(tmp_path: Path) -> None:
    """Through the gateway: the network's list is asked for once, however many cards there are."""
    async with opened(tmp_path) as live:
        many = {f"u_{n}": (f"name {n}", "member") for n in range(MANY)}
        live.chat.room("all", {**many, "u_liting": ("李婷", "member")})
        place = Place("web", "all")
        first = await live.s.rooms.audience(place)
        assert sum(first.counts.values()) == MANY + 1 and first.complete
        lists = len([one for one in live.chat.sent if one.path.endswith("rooms/all")])
        guest = Sender(ImId("web", "demo", "user", "g1"), "g", "guest")
        await live.s.rooms.joined(place, guest, None)
        for _ in range(20):
            again = await live.s.rooms.audience(place)
        assert any(who.external for who in again.counts) and sum(again.counts.values()) == MANY + 2
        assert len([one for one in live.chat.sent if one.path.endswith("rooms/all")]) == lists


async def test_who_leaves_is_taken_off_the_count_and_a_guest_only_by_a_list_read_afresh(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        place, rooms, people = Place("web", "deal"), live.s.rooms, live.s.people
        live.chat.rooms["deal"].members["u_guest"] = ("David", "guest")
        before = await rooms.audience(place)
        asked = len([one for one in live.chat.sent if one.path.endswith("rooms/deal")])
        chen = people.linked("im", "web/demo/user/u_chenwei")
        assert chen is not None and chen.id in before.persons
        ours = Sender(ImId.parse("web/demo/user/u_chenwei"), "", "unknown")
        for _ in range(2):  # told twice, it takes nobody else off
            await rooms.left(place, ours, chen) if chen.id in (await rooms.audience(place)).persons else None
            after = await rooms.audience(place)
            assert sum(after.counts.values()) == sum(before.counts.values()) - 1 and chen.id not in after.persons
        assert len([one for one in live.chat.sent if one.path.endswith("rooms/deal")]) == asked
        guest = Sender(ImId.parse("web/demo/user/u_guest"), "", "unknown")
        li = people.linked("im", "web/demo/user/u_liting")
        await rooms.left(place, guest, li)  # a guest's account that is linked to one of ours
        assert any(who.external for who in (await rooms.audience(place)).counts), "the network still lists them"
        del live.chat.rooms["deal"].members["u_guest"]
        await rooms.left(place, guest, li)
        again = await rooms.audience(place)
        assert not any(who.external for who in again.counts) and li is not None and li.id in again.persons


async def test_who_is_back_stays_in_the_audience_when_the_leave_is_told_late(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        place, rooms, people = Place("web", "deal"), live.s.rooms, live.s.people
        chen = people.linked("im", "web/demo/user/u_chenwei")
        assert chen is not None and chen.id in (await rooms.audience(place)).persons
        ours = Sender(ImId.parse("web/demo/user/u_chenwei"), "", "member")
        gone = live.clock.now()
        live.clock.ahead(hours=1 / 60)
        await rooms.joined(place, ours, chen)
        await rooms.left(place, ours, chen, at=gone)
        assert chen.id in (await rooms.audience(place)).persons
        assert await rooms.store.lists(place.room_key, ["web/demo/user/u_chenwei"])
        del live.chat.rooms["deal"].members["u_chenwei"]
        live.clock.ahead(hours=1 / 60 + 0.001)  # past the time for which a newcomer counts whatever the list says
        await rooms.left(place, ours, chen, at=live.clock.now() - 60_000)
        assert chen.id not in (await rooms.audience(place)).persons, "the list says who is there"
