"""What the pages of customers show: a page of them, one record with each value's source, and how a value came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cards.tree import Tone
from cards.words import N_
from crm.model import FieldValue, Item
from gateway.console.seeing import Eyes
from gateway.console.sheet import sheet
from gateway.handlers import desk, view
from gateway.handlers.hearing import Heard
from gateway.store.console import ConsoleStore
from gateway.store.ledger import Challenger, FieldState, HistoryRow
from gateway.story import REASONS
from reconcile.policy import LIFE

PAGE: Final = 25
FOUND: Final = 1_000
MOST: Final = 10_000
"""Rows of one export."""
AT_ONCE: Final = 200
LINES: Final = 20
ITEMS: Final = 20

Which = Literal["all", "disputed", "refused"]
WHICH: Final[Mapping[Which, str]] = {
    "all": N_("All"),
    "disputed": N_("With an open conflict"),
    "refused": N_("With a value the CRM refused"),
}
WRITES: Final[Mapping[str, tuple[str, Tone]]] = {
    "saved_here": (N_("saved here, not yet in the CRM"), "warning"),
    "in_crm": (N_("in the CRM"), "info"),
    "refused": (N_("the CRM refused it"), "danger"),
    "in_doubt": (N_("saved here; sent to the CRM, and whether it took it is not known yet"), "warning"),
    "disputed": (N_("the CRM keeps writing over it"), "danger"),
}
DID: Final[Mapping[str, str]] = {
    "set": N_("{source} set {field} to {value}"),
    "clear": N_("{source} cleared {field}"),
    "revert": N_("{source} put {field} back to {value}"),
    "resolve": N_("{source} settled {field} as {value}"),
    "snapshot": N_("{source} was found with {field} as {value}"),
    "proposal": N_("{source} proposed {value} for {field}"),
}
LIVED: Final[Mapping[str, str]] = {
    "live": N_("{source} restored it"),
    "deleted": N_("{source} deleted it"),
    "merged_into": N_("{source} merged it into another"),
    "None": N_("an erased value"),
}
LEVELS: Final[Mapping[str, str]] = {"high": N_("high"), "medium": N_("medium"), "low": N_("low")}


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    title: str
    tags: Sequence[str]
    owner: str
    undecided: int


@dataclass(frozen=True, slots=True)
class Listed:
    """`after`: where the next page begins, empty at the end. `total`: of all customers known here."""

    which: Which
    query: str
    rows: Sequence[Row]
    after: str
    hidden: int
    total: int
    crowded: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """An open proposal. `data`: what its form bears; empty where this reader may not take it."""

    value: str
    source: str
    who: str
    at: int
    data: str


@dataclass(frozen=True, slots=True)
class Fact:
    """`undo`: what its form bears, empty where nothing can be undone."""

    field: str
    label: str
    value: str
    source: str
    who: str
    at: int
    write: str
    tone: Tone
    why: str
    decision: str
    undecided: bool
    undo: str
    offers: Sequence[Offer] = ()


@dataclass(frozen=True, slots=True)
class Line:
    n: int
    at: str
    text: str
    who: str
    reason: str
    stands: bool
    conflict: bool
    decision: str
    turn: str
    flags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Past:
    field: str
    label: str
    lines: Sequence[Line]
    before: int


@dataclass(frozen=True, slots=True)
class Entry:
    text: str
    about: str
    at: int


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of its record in a CRM."""

    at: str
    text: str
    decision: str
    turn: str


@dataclass(frozen=True, slots=True)
class One:
    key: str
    title: str
    url: str
    facts: Sequence[Fact]
    lists: Sequence[tuple[str, int, Sequence[Entry]]]
    withheld: Sequence[str]
    rooms: int
    past: Past | None
    gone: str = ""
    """Why nobody may edit it."""
    heir: str = ""
    """The customer it was merged into, where this reader may see that one."""
    life: Sequence[Lived] = ()


async def _keys(eyes: Eyes, store: ConsoleStore, which: Which, query: str, after: str, limit: int) -> list[str]:
    """In order, from behind `after` on. A search looks through the names, and then who of them has trouble."""
    s, wanted = eyes.s, query.strip()
    if wanted:
        named = [key for key in _searched(eyes, wanted)[0] if key > after]
        kept = named if which == "all" else sorted({*named} & {*await store.troubled(which, after, FOUND)})
        return kept[:limit]
    return await (s.mirror.keys(after, limit) if which == "all" else store.troubled(which, after, limit))


async def listed(eyes: Eyes, store: ConsoleStore, which: Which, query: str, after: str) -> Listed:
    s, page = eyes.s, await _keys(eyes, store, which, query, after, PAGE + 1)
    crowded = bool(query.strip()) and _searched(eyes, query.strip())[1]
    found = [await eyes.heard(key) for key in page[:PAGE]]
    rows = [_row(eyes, each) for each in found if each is not None]
    on = page[PAGE - 1] if len(page) > PAGE else ""
    return Listed(which, query, rows, on, sum(each is None for each in found), len(s.records.names), crowded)


def _searched(eyes: Eyes, wanted: str) -> tuple[list[str], bool]:
    """Those whose name has it as a part, or is in it, and the one whose key it is; never read from the store."""
    names = eyes.s.records.names
    parts = names.within(wanted, FOUND + 1)
    named = {each.ref for mention in names.find(wanted) for each in mention.candidates}
    exact = {wanted} if wanted.count(":") >= 2 else set()
    return sorted({*parts[:FOUND], *named, *exact}), len(parts) > FOUND


async def exported(eyes: Eyes, store: ConsoleStore, which: Which, query: str) -> tuple[bytes, int]:
    """CSV of the same list, with each field this reader may see; and how many customers are in it."""
    names = sorted(eyes.s.config.fields)
    rows, after = [["key", "name", *names]], ""
    while len(rows) <= MOST:
        keys = await _keys(eyes, store, which, query, after, min(AT_ONCE, MOST + 1 - len(rows)))
        found = [each for key in keys if (each := await desk.seen(eyes.s, key, eyes.me)) is not None]
        rows += [_cells(eyes, each, names) for each in found]
        if len(keys) < AT_ONCE:
            break
        after = keys[-1]
    return sheet(rows), len(rows) - 1


def _cells(eyes: Eyes, each: Heard, names: Sequence[str]) -> list[str]:
    fields = each.record.fields
    told = [eyes.value(name, fields[name].value) if name in fields else "" for name in names]
    return [each.record.ref.key, each.record.title, *told]


def _row(eyes: Eyes, each: Heard) -> Row:
    record, specs = each.record, eyes.s.config.fields
    tags = [name for name, value in record.fields.items() if name in specs and specs[name].tag and value.value]
    owner = record.fields.get("owner", FieldValue(None)).value
    return Row(
        key=record.ref.key,
        title=record.title,
        tags=[eyes.value(name, record.fields[name].value) for name in sorted(tags)],
        owner=str(owner or ""),
        undecided=sum(value.undecided for value in record.fields.values()),
    )


async def one(eyes: Eyes, key: str, field: str, before: int | None) -> One | None:
    """None when it is gone or this reader may not see it."""
    each = await eyes.heard(key)
    if each is None:
        return None
    names = sorted(each.record.fields, key=lambda name: (_place(eyes, name), name))
    up = await eyes.s.slots.about(key)
    return One(
        key=key,
        title=each.record.title,
        url=each.record.url,
        facts=[_fact(eyes, each, name) for name in names],
        lists=[_list(eyes, each, kind) for kind in ("note", "open_item", "risk", "contact")],
        withheld=sorted(eyes.label(name) for name in each.disclosed.withheld),
        rooms=len({shown.slot.place.room_key for shown in up if shown.message is not None}),
        past=await _past(eyes, key, field, before) if field in each.record.fields else None,
        gone=eyes.reader.say(view.why_gone(each.record)) if each.record.deleted else "",
        heir=await _heir(eyes, key),
        life=await _life(eyes, each),
    )


async def _heir(eyes: Eyes, key: str) -> str:
    heir = await eyes.s.records.heir(key)
    return heir if heir != key and await eyes.heard(heir) is not None else ""


async def _life(eyes: Eyes, each: Heard) -> Sequence[Lived]:
    """Of its record in every CRM, the newest first."""
    fields = sorted(name for name in each.standing.states if name.startswith(LIFE))
    rows = [row for name in fields for row in await eyes.s.ledger.history(each.record.ref.key, name, LINES)]
    return [_lived(eyes, row) for row in sorted(rows, key=lambda row: (-row.at, -row.n))]


def _lived(eyes: Eyes, row: HistoryRow) -> Lived:
    text = eyes.reader.say(LIVED[str(row.edit.value).partition(" ")[0]], source=row.edit.source)
    return Lived(eyes.precise(row.at), text, row.decision, row.trace)


def _place(eyes: Eyes, name: str) -> int:
    spec = eyes.s.config.fields.get(name)
    return (0 if spec.tag else spec.card or 50) if spec is not None else 99


def _fact(eyes: Eyes, each: Heard, name: str) -> Fact:
    value, state = each.record.fields[name], each.standing.states.get(name)
    write = each.standing.writes.get(name)
    says, tone = WRITES.get(write.write if write is not None else "", ("", "neutral"))
    return Fact(
        field=name,
        label=eyes.label(name),
        value=eyes.value(name, value.value),
        source=value.source,
        who=value.actor,
        at=value.as_of,
        write=_written(eyes, write, says),
        tone=tone,
        why=view.why_not(write, eyes.reader.locale) if write is not None else "",
        decision=value.decision or "",
        undecided=value.undecided,
        undo=desk.undoing(eyes.s, state) if _undoable(eyes, each, name, state) and state is not None else "",
        offers=[_offer(eyes, each, state, one) for one in state.proposed] if state is not None else (),
    )


def _written(eyes: Eyes, write: FieldState | None, says: str) -> str:
    if write is not None and write.write == "in_crm" and write.written_at:
        return eyes.reader.say("in the CRM at {time}", time=eyes.reader.moment(write.written_at))
    return eyes.reader.say(says) if says else ""


def _offer(eyes: Eyes, each: Heard, state: FieldState, one: Challenger) -> Offer:
    mine = desk.may_edit(eyes.s, each, state.field) and one.erased_at is None
    return Offer(
        value=eyes.reader.say("an erased value") if one.erased_at else eyes.value(state.field, one.value),
        source=one.source,
        who=eyes.who(one.actor) if one.actor_kind == "person" else "",
        at=one.at,
        data=desk.taking(eyes.s, state, one.edit) if mine else "",
    )


def _undoable(eyes: Eyes, each: Heard, name: str, state: FieldState | None) -> bool:
    """Whether there was a value before is asked at the press."""
    known = state is not None and state.conflict is None and state.edit is not None and state.erased_at is None
    return known and state is not None and state.actor_kind == "person" and desk.may_edit(eyes.s, each, name)


def _list(eyes: Eyes, each: Heard, kind: str) -> tuple[str, int, Sequence[Entry]]:
    items = each.record.related.get(kind, ())  # type: ignore[call-overload]
    newest = sorted(items, key=lambda item: -item.at)
    return eyes.reader.say(view.LISTS[kind]), len(newest), [_entry(eyes, item) for item in newest[:ITEMS]]


def _entry(eyes: Eyes, item: Item) -> Entry:
    level = eyes.reader.say(LEVELS[item.level]) if item.level else ""
    due = eyes.reader.say("due {date}", date=eyes.reader.date(item.due)) if item.due else ""
    done = eyes.reader.say("done") if item.done else ""
    detail = [str(text) for text in item.detail.values() if text]
    return Entry(item.text, " · ".join(part for part in (item.who, level, due, done, *detail) if part), item.at)


async def _past(eyes: Eyes, key: str, field: str, before: int | None) -> Past:
    rows = await eyes.s.ledger.history(key, field, LINES + 1, before)
    state = await eyes.s.ledger.state(key, field)
    shown = rows[:LINES]
    lines = [_line(eyes, field, each, state) for each in shown]
    return Past(field, eyes.label(field), lines, shown[-1].n if len(rows) > LINES else 0)


def _line(eyes: Eyes, field: str, row: HistoryRow, state: FieldState | None) -> Line:
    edit, say = row.edit, eyes.reader.say
    value = say("an erased value") if edit.erased_at else eyes.value(field, edit.value)
    kind = "clear" if edit.kind == "set" and edit.value is None and not edit.erased_at else edit.kind
    flags = [
        say(words)
        for words, holds in (
            (N_("sent again with other contents: kept aside"), row.quarantined),
            (N_("its clock was wrong"), row.skewed),
            (N_("a proposal"), not row.binding),
        )
        if holds
    ]
    return Line(
        n=row.n,
        at=eyes.precise(edit.at),
        text=say(DID.get(kind, DID["set"]), source=edit.source, field=eyes.label(field), value=value),
        who=eyes.who(edit.actor) if edit.actor_kind == "person" else "",
        reason=say(REASONS[row.reason]),
        stands=state is not None and state.edit == edit.edit,
        conflict=row.conflict,
        decision=row.decision,
        turn=row.trace,
        flags=flags,
    )
