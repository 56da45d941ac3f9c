"""Over many made-up policies, rooms and records: shrinking, compression, non-interference."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from channels.model import Sender
from crm.model import FieldValue, Item, Record
from identity import access as access_module
from identity.access import AccessPolicy
from identity.audience import attributes_in, audience, joined
from identity.disclosure import ORDER, Classes, disclose, item_class
from identity.model import BOTTOM, Attributes, Audience, Disclosed, Person, Sensitivity
from tests.identity.rooms import CLASSES, NOW, OURS, SOAK, people, person, record, roster, sender

ROUNDS = 400 if SOAK else 60
ROLES, TEAMS = ("rep", "manager", "admin", "employee", "marketing"), ("east", "west", "")


def policies(chance: random.Random) -> AccessPolicy:
    """Some permits and now and then a forbid, over every attribute; also ones that make no sense."""
    if chance.random() < 0.25:
        return OURS
    clauses = [
        "principal.external", "!principal.external", "principal.mapped", "context.owner", "!context.owner",
        "context.same_team", 'principal.team == "east"', 'resource.region == "sh"', "true",
        *(f'principal.roles.contains("{role}")' for role in ROLES),
        *(f'resource.sensitivity == Sensitivity::"{one}"' for one in ORDER),
        'context.scene == Scene::"group"', "context.minute < 700", "context.weekday == 3",
    ]  # fmt: skip
    text = ['@id("base") permit (principal, action, resource) when { context.minute < 2000 };'] * chance.randrange(2)
    for number in range(chance.randrange(1, 6)):
        effect = "permit" if chance.random() < 0.8 else "forbid"
        when = " && ".join(chance.sample(clauses, chance.randrange(1, 3)))
        text.append(f'@id("p{number}") {effect} (principal, action, resource) when {{ {when} }};')
    return AccessPolicy.of({"random.cedar": "\n".join(text)})


def company(chance: random.Random, size: int) -> tuple[list[Sender], dict[str, Person]]:
    senders = [
        sender(f"u{n}", chance.choices(["member", "guest", "outsider", "bot", "unknown"], [20, 1, 1, 1, 1])[0])
        for n in range(size)
    ]
    known = [
        (one, replace(person(one.id.id, *chance.sample(ROLES, chance.randrange(3)), team=chance.choice(TEAMS)),
                      active=chance.random() < 0.97, external=chance.random() < 0.03))
        for one in senders if chance.random() < 0.9
    ]  # fmt: skip
    return senders, people(*known)


def some_record(chance: random.Random) -> Record:
    items = tuple(
        Item(f"n{n}", "note", f"t{n}", sensitivity=chance.choice([None, *ORDER]),
             visible_until=chance.choice([None, NOW, NOW + 1 + n]))
        for n in range(chance.randrange(4))
    )  # fmt: skip
    ends = {name: chance.choice([NOW, NOW + 60_000]) for name in ("stage", "note") if chance.random() < 0.3}
    return record(team=chance.choice(TEAMS), related={"note": items}, visible_until=ends)


def show(one: Record, room: Audience, access: AccessPolicy, owners: frozenset[str]) -> Disclosed:
    return disclose(one, room, NOW, access, CLASSES, owners=owners, zone="Asia/Shanghai")


def everything(shown: Disclosed) -> set[str]:
    """All that is shown, down to the item."""
    items = {f"{kind}/{item.id}" for kind, list_ in shown.record.related.items() for item in list_}
    named = {"name"} if shown.name else set()
    return {*shown.record.fields, *shown.record.related, *items, *named, *(["url"] if shown.record.url else [])}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_compression_equals_asking_every_member_about_every_field(seed: int) -> None:
    chance = random.Random(seed)
    access, one = policies(chance), some_record(chance)
    senders, known = company(chance, chance.randrange(0, 40))
    room = audience(roster(senders, complete=chance.random() < 0.9), known, now=NOW)
    owners = frozenset(chance.sample([*(p.id for p in known.values()), "nobody"], min(2, len(known))))
    shown = show(one, room, access, owners)
    assert everything(shown) == brute(one, senders, known, room.complete, access, owners)


def brute(
    one: Record,
    senders: list[Sender],
    known: dict[str, Person],
    complete: bool,
    access: AccessPolicy,
    owners: frozenset[str],
) -> set[str]:
    """The definition, member by member and field by field."""
    everybody = [(attributes_in(who, known.get(who.id.key)), known.get(who.id.key)) for who in senders]
    readers = [(seen, who is not None and seen.mapped and who.id in owners) for seen, who in everybody]
    readers += [] if complete else [(BOTTOM, False)]

    def all_may(sensitivity: Sensitivity, end: int | None) -> bool:
        return (end is None or end > NOW) and bool(readers) and all(
            access.permit(seen, "view", sensitivity, "group", owner=owner, team=one.team, region=one.region, at=NOW,
                          zone="Asia/Shanghai").allowed
            for seen, owner in readers
        )  # fmt: skip

    if not all_may(CLASSES.name, one.visible_until.get("name")):
        return set()
    names = {"url", "note", "open_item", "risk", "contact", *one.fields}
    shown = {name for name in names if all_may(CLASSES.of(name), one.visible_until.get(name))}
    items = {f"note/{i.id}" for i in one.related["note"] if all_may(item_class(i, CLASSES), i.visible_until)}
    return {"name", *shown, *(items if "note" in shown else ())}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_join_only_shrinks_and_so_does_doubt_about_the_list(seed: int) -> None:
    chance = random.Random(f"join {seed}")
    access, one = policies(chance), some_record(chance)
    senders, known = company(chance, 12)
    owners = frozenset(chance.sample([p.id for p in known.values()], 1)) if known else frozenset[str]()
    room = audience(roster(senders[:3]), known, now=NOW)
    for who in senders[3:]:
        if not (before := everything(show(one, room, access, owners))) and not room.empty:
            break
        room = joined(room, who, known.get(who.id.key))
        after = everything(show(one, room, access, owners))
        assert after <= before
    sure, unsure = (audience(roster(senders, complete=complete), known, now=NOW) for complete in (True, False))
    assert everything(show(one, unsure, access, owners)) <= everything(show(one, sure, access, owners))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_joining_one_by_one_equals_reading_the_list(seed: int) -> None:
    chance = random.Random(f"list {seed}")
    senders, known = company(chance, 30)
    grown = audience(roster([]), known, now=NOW)
    for who in senders:
        grown = joined(grown, who, known.get(who.id.key))
    read = audience(roster(senders), known, now=NOW)
    assert (grown.counts, dict(grown.persons)) == (read.counts, dict(read.persons))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_records_equal_on_what_is_shown_are_disclosed_alike(seed: int) -> None:
    """Non-interference: whatever is done to what is hidden, the answer is the very same."""
    chance = random.Random(f"alike {seed}")
    access, one = policies(chance), some_record(chance)
    senders, known = company(chance, chance.randrange(0, 10))
    room = audience(roster(senders), known, now=NOW)
    owners = frozenset(chance.sample([p.id for p in known.values()], 1)) if known else frozenset[str]()
    shown = show(one, room, access, owners)
    twin = disturbed(one, everything(shown), chance)
    assert show(twin, room, access, owners) == shown
    assert repr(show(twin, room, access, owners)) == repr(shown)


def disturbed(one: Record, seen: set[str], chance: random.Random) -> Record:
    """Another record, equal on what is seen: the rest is changed, taken away or made up."""
    fields = {name: value for name, value in one.fields.items() if name in seen or chance.random() < 0.5}
    changed = {name: value if name in seen else FieldValue(chance.random()) for name, value in fields.items()}
    if "surprise" not in seen:
        changed["made up"] = FieldValue("x")
    more: dict[str, Any] = {
        "fields": changed, "version": chance.randrange(99), "modified": chance.randrange(99), "modified_by": "someone",
        "names": ("other",), "visible_until": {n: end for n, end in one.visible_until.items() if n in seen},
    }  # fmt: skip
    notes = tuple(item for item in one.related["note"] if f"note/{item.id}" in seen)
    secret = Item("secret", "note", "s", sensitivity="restricted")
    more["related"] = {"note": (*notes, secret)} if chance.random() < 0.5 or notes else {}
    hidden_ends = {n: NOW for n in ("stage", "margin") if n not in seen}
    more["visible_until"] |= hidden_ends | ({"note": NOW} if "note" not in seen else {})
    if "name" not in seen:
        more |= {"title": "another", "deleted": True}
    if "url" not in seen:
        more["url"] = "https://other.example"
    return replace(one, **more)


@pytest.mark.parametrize("seed", range(ROUNDS // 2))
def test_the_answer_holds_until_it_says_so(seed: int) -> None:
    """Looked at any minute before `valid_until`, everything is the same."""
    chance = random.Random(f"until {seed}")
    access, one = policies(chance), some_record(chance)
    senders, known = company(chance, 5)
    room = audience(roster(senders), known, now=NOW)
    shown = show(one, room, access, frozenset())
    end = shown.valid_until if shown.valid_until is not None else NOW + 3 * 86_400_000
    for _ in range(20):
        then = chance.randrange(NOW, end)
        later = disclose(one, room, then, access, CLASSES, owners=frozenset(), zone="Asia/Shanghai")
        assert everything(later) == everything(shown)
        assert later.editable == shown.editable


def test_a_large_room_costs_what_its_distinct_attributes_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 members of 16 kinds ask Cedar as often as 16 members do, whatever the number of fields; warm, never."""
    asked: list[object] = []
    real = access_module.ask

    def counted(*question: Any) -> access_module.Verdict:
        asked.append(question)
        return real(*question)

    monkeypatch.setattr(access_module, "ask", counted)
    kinds = [Attributes(("rep",), f"team{n}", "", external=False, mapped=True) for n in range(16)]
    fields = {f"f{n}": FieldValue(n) for n in range(40)}
    classes = Classes({name: ORDER[n % 4] for n, name in enumerate(fields)}, {})

    def cost(members: int) -> int:
        asked.clear()
        access = AccessPolicy.load(None)
        room = Audience("group", dict.fromkeys(kinds, members // 16), at=NOW)
        for _ in range(3):
            disclose(record(fields=fields), room, NOW, access, classes, owners=frozenset(), zone="")
        return len(asked)

    assert cost(16) == cost(5_008) <= 16 * 4 * 2
