"""What the page of the audit shows: decisions and the edits they were made for, found by code, person or customer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from cards.words import N_, join
from gateway import weighed
from gateway.console import policies
from gateway.console.seeing import Eyes
from gateway.console.sheet import safe as safe
from gateway.console.sheet import sheet
from gateway.handlers.retold import retold
from gateway.store.console import AuditRow, ConsoleStore, Cursor
from gateway.store.ledger import Challenger
from gateway.story import REASONS, Line, Teller, worded
from gateway.telemetry import plain
from identity.audience import direct
from identity.model import Person
from reconcile.chain import read_trace_code

PAGE: Final = 50
MOST: Final = 10_000
"""Rows of one export."""
AT_ONCE: Final = 500
NEAR: Final = 20

TURN: Final = re.compile(r"[0-9a-f]{10}")
CAUSES: Final[Mapping[str, str]] = {"edit": N_("an edit"), "policy": N_("a change of policy")}
KINDS: Final[Mapping[str, str]] = {
    "set": N_("set"),
    "clear": N_("cleared"),
    "resolve": N_("settled"),
    "revert": N_("undone"),
    "snapshot": N_("found in the CRM"),
    "proposal": N_("proposed"),
}
COLUMNS: Final = (
    "at",
    "decision",
    "record",
    "customer",
    "field",
    "did",
    "value",
    "source",
    "actor",
    "person",
    "reason",
    "conflict",
    "policy",
    "edit",
    "turn",
)
"""In the same order whatever the reader's language: a program reads them."""


@dataclass(frozen=True, slots=True)
class Row:
    """`value`, `field`: empty where this reader may not see them, and `hidden`."""

    at: int
    decision: str
    key: str
    title: str
    field: str
    did: str
    value: str
    source: str
    who: str
    person: str
    reason: str
    conflict: bool
    turn: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Near:
    """What a search may mean."""

    persons: Sequence[tuple[str, str]]
    records: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """`about`: whose rows these are, in words. `total`: how many there are of them altogether."""

    query: str
    record: str
    person: str
    about: str
    rows: Sequence[Row]
    after: str
    total: int
    near: Near | None
    explained: policies.Explained | None
    code: str
    turn: Sequence[Line]
    nothing: bool


async def found(eyes: Eyes, store: ConsoleStore, query: str, record: str, person: str, after: str) -> Found:
    """`record` and `person` are ids; `query` is what somebody typed: a code, or a part of a name."""
    wanted, near = query.strip(), None
    explained, code, turn = await _by_code(eyes, wanted)
    if wanted and explained is None and not turn:
        near = await _near(eyes, wanted)
        if len(near.persons) + len(near.records) == 1:
            person = person or next((id_ for id_, _ in near.persons), "")
            record = record or next((key for key, _ in near.records), "")
            near = None
    listing = bool(record or person or not wanted)
    rows, on = await _rows(eyes, store, record, person, after) if listing else ([], "")
    return Found(
        query=query,
        record=record,
        person=person,
        about=await eyes.title(record) if record else eyes.who(person) if person else "",
        rows=rows,
        after=on,
        total=await store.audit_count(record, person) if listing else 0,
        near=near if near is not None and (near.persons or near.records) else None,
        explained=explained,
        code=code,
        turn=turn,
        nothing=bool(wanted) and not (listing or explained or turn or (near and (near.persons or near.records))),
    )


async def _by_code(eyes: Eyes, wanted: str) -> tuple[policies.Explained | None, str, list[Line]]:
    code = read_trace_code(wanted) or ""
    explained = await policies.explained(eyes.s, eyes.reader, eyes.me, code, "") if code else None
    turn = await _turn(eyes, wanted.lower()) if TURN.fullmatch(wanted.lower()) else []
    return explained, code, turn


async def _turn(eyes: Eyes, id_: str) -> list[Line]:
    """The steps of one turn, as this reader may be told them."""
    s = eyes.s
    steps = await retold(s, await s.trail.turn(id_), direct(eyes.me, scene="console"))
    teller = Teller(s.records, s.people, s.config, eyes.reader.locale)
    return [await worded(teller, each) for each in steps]


async def _near(eyes: Eyes, wanted: str) -> Near:
    part, people = wanted.casefold(), eyes.s.people.persons()
    persons = islice(((each.id, each.name) for each in people if _called(each, part)), NEAR)
    names = eyes.s.records.names
    named = [each.ref for mention in names.find(wanted) for each in mention.candidates]
    exact = [wanted] if wanted.count(":") >= 2 else []
    keys = list(dict.fromkeys([*exact, *named, *names.within(wanted, NEAR)]))[:NEAR]
    seen = [(key, each) for key in keys if (each := await eyes.heard(key)) is not None]
    return Near(list(persons), [(key, each.record.title) for key, each in seen])


def _called(person: Person, part: str) -> bool:
    return person.id.casefold() == part or part in person.name.casefold() or part in person.emails


async def _rows(eyes: Eyes, store: ConsoleStore, record: str, person: str, after: str) -> tuple[list[Row], str]:
    rows, on = await page(store, record, person, after, PAGE)
    return await told(eyes, rows), on


async def page(store: ConsoleStore, record: str, person: str, after: str, limit: int) -> tuple[list[AuditRow], str]:
    """The next rows and where to go on, empty at the end. By a person within a record: that record's alone."""
    if not record and not person:
        return await _latest(store, after, limit)
    before = cursor(after)
    found = await (store.of_record(record, before, limit + 1) if record else store.of_person(person, before, limit + 1))
    rows = found[:limit]
    on = f"{rows[-1].at}.{rows[-1].edit}" if len(found) > limit else ""
    return [each for each in rows if not (record and person) or each.actor == person], on


async def _latest(store: ConsoleStore, after: str, limit: int) -> tuple[list[AuditRow], str]:
    rows, below = await store.latest(_below(after), limit)
    on = "-".join(f"{shard}.{seq}" for shard, seq in sorted(below.items()) if seq < 2**62)
    return rows, on if len(rows) == limit else ""


def _below(after: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for part in after.split("-")[:64]:
        shard, _, seq = part.partition(".")
        if shard.isascii() and seq.isascii() and shard.isdigit() and seq.isdigit() and len(shard) < 6 and len(seq) < 18:
            found[int(shard)] = int(seq)
    return found


def cursor(after: str) -> Cursor | None:
    at, dot, id_ = after.partition(".")
    fits = bool(dot) and at.isascii() and at.isdigit() and len(at) < 18
    return (int(at), id_[:64]) if fits else None


async def told(eyes: Eyes, rows: Sequence[AuditRow]) -> list[Row]:
    ids = {id_ for each in rows for id_ in (each.edit, each.standing, *_weighed(each)) if id_}
    edits = await eyes.s.ledger.edits(sorted(ids))
    return [await _row(eyes, each, edits.get(each.edit), edits) for each in rows]


def _weighed(each: AuditRow) -> Sequence[str]:
    """What a person chose among; what is undecided again once a settlement is undone."""
    return {"resolve": each.parents, "revert": each.heads if each.conflict else each.parents}.get(each.kind, ())


async def _row(eyes: Eyes, each: AuditRow, edit: Challenger | None, edits: Mapping[str, Challenger]) -> Row:
    say, seen = eyes.reader.say, await eyes.sees(each.record, each.field)
    known = await eyes.heard(each.record) is not None
    did = KINDS.get(each.kind, each.kind) if each.edit else CAUSES.get(each.cause, each.cause)
    return Row(
        at=each.at,
        decision=each.decision,
        key=each.record if known else "",
        title=await eyes.title(each.record),
        field=eyes.label(each.field) if seen else "",
        did=say(did),
        value=_value(eyes, each, edit, edits) if seen and edit is not None else "",
        source=edit.source if edit is not None else "",
        who=eyes.who(each.actor) if each.actor_kind == "person" else each.system,
        person=each.actor if each.actor_kind == "person" else "",
        reason=_reason(eyes, each, edit, edits) if seen else say(REASONS.get(each.reason, each.reason)),
        conflict=each.conflict,
        turn=plain(each.trace),
        hidden=not seen,
    )


def _value(eyes: Eyes, each: AuditRow, edit: Challenger, edits: Mapping[str, Challenger]) -> str:
    sides = [edits[id_] for id_ in each.heads if id_ in edits] if _reopened(each, edit) else [edit]
    told = (weighed.worded(eyes.s, eyes.reader, each.field, one) for one in sorted(sides, key=_said))
    return join(eyes.reader.locale, list(dict.fromkeys(told)))


def _said(edit: Challenger) -> tuple[int, str]:
    return edit.at, edit.edit


def _reopened(each: AuditRow, edit: Challenger) -> bool:
    return bool(edit.undoes) and each.conflict


def _reason(eyes: Eyes, each: AuditRow, edit: Challenger | None, edits: Mapping[str, Challenger]) -> str:
    """Of what a person decided: among which."""
    kept, told = edits.get(each.standing), ""
    if edit is not None and _reopened(each, edit):
        told = eyes.reader.say("The settlement was undone: nobody has decided.")
        if kept is not None:
            value = weighed.worded(eyes.s, eyes.reader, each.field, kept)
            msgid = N_("The settlement was undone: nobody has decided. {value} is shown meanwhile.")
            told = eyes.reader.say(msgid, value=value)
    elif edit is not None and each.standing == each.edit and not each.conflict:
        sides = {id_: edits[id_] for id_ in _weighed(each) if id_ in edits}
        told = weighed.chosen(eyes.s, eyes.reader, each.field, edit, sides)
    return told or eyes.reader.say(REASONS.get(each.reason, each.reason))


# -- out


async def exported(eyes: Eyes, store: ConsoleStore, record: str, person: str) -> tuple[bytes, int]:
    """CSV of the newest rows, at most `MOST`; and how many."""
    out, after, count = list[Sequence[str]]([COLUMNS]), "", 0
    while count < MOST:
        rows, after = await page(store, record, person, after, min(AT_ONCE, MOST - count))
        for line, row in zip(rows, await told(eyes, rows), strict=True):
            out.append(_cells(eyes, line, row))
        count += len(rows)
        if not after:
            break
    return sheet(out), count


def _cells(eyes: Eyes, line: AuditRow, row: Row) -> list[str]:
    named = line.field if not row.hidden else ""
    return [
        eyes.reader.exact(line.at),
        line.decision,
        row.key,
        row.title,
        named,
        line.kind or line.cause,
        row.value,
        row.source,
        line.actor or line.system,
        row.who if row.person else "",
        line.reason,
        "yes" if line.conflict else "no",
        line.policy,
        line.edit,
        row.turn,
    ]
