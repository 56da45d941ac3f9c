"""What the page of conflicts shows: the queue, each with its sides, and those that are settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from cards.words import N_
from gateway.console.seeing import Eyes
from gateway.console.sheet import sheet
from gateway.errors import Refused
from gateway.handlers import desk
from gateway.store.console import ConsoleStore, Cursor, Held, OpenCase
from gateway.store.ledger import Challenger, FieldState
from identity.model import Person

PAGE: Final = 10
MOST: Final = 10_000
"""Conflicts of one export."""
AT_ONCE: Final = 200
SETTLED: Final = 25
OFFERED: Final = 300
DECIDERS: Final = frozenset({"admin", "manager", "rep"})

Which = Literal["open", "mine", "nobody", "settled"]
WHICH: Final[Mapping[Which, str]] = {
    "open": N_("All open"),
    "mine": N_("Asked of me"),
    "nobody": N_("Asked of nobody"),
    "settled": N_("Settled"),
}
ROLES: Final[Mapping[str, str]] = {
    "before": N_("Before"),
    "crm": N_("Now in the CRM"),
    "stands": N_("Stands"),
    "theirs": N_("Theirs"),
    "yours": N_("Yours"),
}


@dataclass(frozen=True, slots=True)
class Side:
    """`data`: what the form bears that settles for it; empty where this reader cannot. `there`: it is the CRM's."""

    role: str
    value: str
    who: str
    source: str
    at: int
    data: str
    there: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """`cards`: how many cards show the field's record and are repainted. `value`: what a settled one came to."""

    id: str
    key: str
    title: str
    field: str
    opened_at: int
    owner: str
    sides: Sequence[Side]
    hidden: bool
    mine: bool
    cards: int
    value: str = ""
    by: str = ""
    closed_at: int = 0
    decision: str = ""
    undo: str = ""

    @property
    def newest(self) -> str:
        """What settles for the latest value; empty where this reader cannot."""
        return max((each for each in self.sides if each.data), key=lambda each: each.at, default=_NO_SIDE).data

    @property
    def crm(self) -> str:
        """What settles for the value the CRM has, where it is one of those that compete."""
        return next((each.data for each in self.sides if each.there), "")


@dataclass(frozen=True, slots=True)
class Listed:
    which: Which
    field: str
    cases: Sequence[Case]
    total: int
    after: str
    offered: Sequence[tuple[str, str]]


async def listed(eyes: Eyes, store: ConsoleStore, which: Which, cursor: Cursor | None, field: str = "") -> Listed:
    found, size = await _found(eyes, store, which, cursor, field), _size(which)
    cases = [await _case(eyes, each) for each in found[:size]]
    last = found[size - 1].case if len(found) > size else None
    at = (last.closed_at or 0) if last is not None and which == "settled" else last.opened_at if last is not None else 0
    after = f"{at}.{last.id}" if last is not None else ""
    return Listed(which, field, cases, await store.open_count(), after, offered(eyes))


_NO_SIDE: Final = Side("", "", "", "", 0, "")


def fields(eyes: Eyes) -> list[tuple[str, str]]:
    """Those that may be in dispute: name and label."""
    named = ((name, eyes.label(name)) for name, spec in eyes.s.config.fields.items() if spec.editable)
    return sorted(named, key=lambda each: each[1])


def _size(which: Which) -> int:
    return SETTLED if which == "settled" else PAGE


async def _found(
    eyes: Eyes, store: ConsoleStore, which: Which, cursor: Cursor | None, field: str, most: int = 0
) -> list[OpenCase]:
    if which == "settled":
        return await store.settled_conflicts(cursor, most or SETTLED + 1)
    held: Held = "" if which == "open" else which
    return await store.open_conflicts(held, eyes.me.id, cursor, most or PAGE + 1, field)


def offered(eyes: Eyes) -> list[tuple[str, str]]:
    """Who may be asked; nobody by name where they are too many for a list."""
    may = [each for each in eyes.s.people.persons() if _decides(each)]
    return sorted(((each.id, each.name) for each in may), key=lambda each: each[1]) if len(may) <= OFFERED else []


def _decides(person: Person) -> bool:
    return person.active and not person.external and bool(DECIDERS & person.roles)


async def _case(eyes: Eyes, each: OpenCase) -> Case:
    case, s = each.case, eyes.s
    owner = eyes.who(each.owner) if each.owner else ""
    seen = await eyes.heard(case.record)
    if seen is None or case.field not in seen.record.fields:
        title = await eyes.title(case.record)
        return Case(case.id, "", title, "", case.opened_at, owner, (), True, False, 0, closed_at=case.closed_at or 0)
    state = await s.ledger.state(case.record, case.field)
    may = desk.may_edit(s, seen, case.field)
    cards = sum(shown.message is not None for shown in await s.slots.about(case.record))
    sides = _sides(eyes, state, may) if state is not None and state.conflict == case.id else ()
    title, label = seen.record.title, eyes.label(case.field)
    made = Case(case.id, case.record, title, label, case.opened_at, owner, sides, False, may, cards)
    return made if case.closed_at is None else await _settled(eyes, made, each, state)


async def _settled(eyes: Eyes, made: Case, each: OpenCase, state: FieldState | None) -> Case:
    case = each.case
    latest = state is not None and state.edit == case.settled_edit and state.conflict is None
    undo = desk.undoing(eyes.s, state) if latest and made.mine and state is not None and case.settled_by else ""
    return replace(
        made,
        value=await _value(eyes, case.field, case.settled_edit),
        by=eyes.who(case.settled_by) if case.settled_by else "",
        closed_at=case.closed_at or 0,
        decision=case.closed_by or "",
        undo=undo,
    )


async def _value(eyes: Eyes, field: str, edit: str | None) -> str:
    if edit is None:
        return ""
    try:
        return eyes.value(field, await eyes.s.ledger.value_of(edit))
    except Refused:
        return eyes.reader.say("an erased value")


def _sides(eyes: Eyes, state: FieldState, may: bool) -> list[Side]:
    base = state.base
    before = _side(eyes, state, "before", base, "") if base is not None else _nothing(eyes)
    crm = state.record.partition(":")[0]
    challengers = sorted(state.challengers, key=lambda each: (each.system != crm, each.at))
    return [before, *(_challenger(eyes, state, each, crm, may) for each in challengers)]


def _nothing(eyes: Eyes) -> Side:
    return Side(eyes.reader.say(ROLES["before"]), "—", "", "", 0, "")


def _challenger(eyes: Eyes, state: FieldState, each: Challenger, crm: str, may: bool) -> Side:
    there = (each.system == crm and not each.undoes) or (each.edit == state.edit and state.write == "in_crm")
    others = "stands" if each.edit == state.edit else "yours" if each.actor == eyes.me.id else "theirs"
    data = desk.settling(eyes.s, state, each.edit) if may and each.erased_at is None else ""
    return replace(_side(eyes, state, "crm" if there else others, each, data), there=there)


def _side(eyes: Eyes, state: FieldState, role: str, each: Challenger, data: str) -> Side:
    value = eyes.reader.say("an erased value") if each.erased_at else eyes.value(state.field, each.value)
    who = eyes.who(each.actor) if each.actor_kind == "person" else ""
    return Side(eyes.reader.say(ROLES[role]), value, who, each.source, each.at, data)


COLUMNS: Final = ("conflict", "opened", "record", "customer", "field", "asked", "role", "value", "source", "person")


async def exported(eyes: Eyes, store: ConsoleStore, which: Which, field: str) -> tuple[bytes, int]:
    """CSV: a row for each side of each conflict, at most `MOST` of these, as this reader may see them; and how many."""
    out, last, count = list[Sequence[str]]([COLUMNS]), None, 0
    while count < MOST and (found := await _found(eyes, store, which, last, field, min(AT_ONCE, MOST - count))):
        for each in found:
            out += _cells(eyes, await _case(eyes, each))
        end = found[-1].case
        last, count = (end.closed_at or 0 if which == "settled" else end.opened_at, end.id), count + len(found)
    return sheet(out), count


def _cells(eyes: Eyes, case: Case) -> list[list[str]]:
    """Of one whose values this reader may not see: that there is one. Of a settled one what it came to."""
    head = [case.id, eyes.reader.exact(case.opened_at), case.key, case.title, case.field, case.owner]
    sides = [[one.role, one.value, one.source, one.who] for one in case.sides]
    return [[*head, *side] for side in sides or [["", case.value, "", case.by]]]
