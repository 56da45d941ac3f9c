"""What all connectors to one CRM in one process share: one writer at a time per record, and what was answered.

A CRM without a precondition, or without keys of its own for a repeated call, is made up for here. It lasts as long as
the process: after a restart the outbox reads what became of a write before it sends anything again. Every gateway
writes to a CRM, each at a desk of its own. The outbox gives out one write of a record at a time, to one of them; and
what each counts as a version is the same for all as soon as its second is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

from crm.model import GATEWAY, Absent, Applied, Change, Conflict, Item, Record, RecordRef
from crm.values import bounded, short
from gateway.errors import Refused, Retry, Unsure
from reconcile.model import Json

KEPT = 20_000
"""Answers remembered, the newest."""
UNREAD_S = 5.0
"""Until a record is read again that was refused to us after our own write."""


@dataclass(slots=True)
class Told:
    """What was asked under one key, and what came of it."""

    asked: str
    answer: Applied | Item | None = None
    """None: a conflict, answered again with the record as it is by then; or, with `doubt`, not known."""
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a record held, the second it bore, and what was added to that when it was told first and last."""

    second: int
    content: str
    first: int
    last: int


class Versions:
    """Versions of a CRM whose times are whole seconds, in which a record may change more than once.

    A version is the time in milliseconds, where the last three digits tell the changes of one second apart. They are
    counted as they are seen, by each process for itself, up to when the second is over: what is seen then is told as
    `LATER` at least, above whatever was counted while it lasted, and by every process alike. Only what becomes another
    later still without a new time, as a linked record's name does, is counted on by whoever has seen it before.
    """

    LATER = 900

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def of(self, key: str, second: int, content: str, *, over: bool) -> int:
        """`over`: no change can get this time any more."""
        was, least = self._seen.pop(key, None), self.LATER if over else 0
        if was is None or was.second != second:
            seen = _Seen(second, content, least, least)
        elif was.content == content:
            seen = _Seen(second, content, was.first, max(was.last, least))
        else:
            count = max(min(was.last + 1, 999), least)
            seen = _Seen(second, content, count, count)
        self._seen[key] = seen
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return second * 1000 + seen.last

    def stands(self, record: Record, version: int) -> bool:
        """Whether it is what it was at `version`, also where this process told that before the second was over: what
        is its own last write mostly is."""
        seen = self._seen.get(record.ref.key)
        told = {seen.second * 1000 + count for count in (seen.first, seen.last)} if seen is not None else set[int]()
        return record.version == version or {record.version, version} <= told


@dataclass(slots=True, weakref_slot=True)
class Desk:
    told: OrderedDict[str, Told] = field(default_factory=OrderedDict)
    versions: Versions = field(default_factory=Versions)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncIterator[None]:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            yield

    def before(self, once: str, asked: str) -> Told | None:
        """Raises `Refused` when the key stood for something else."""
        told = self.told.get(once)
        if told is not None and told.asked != asked:
            raise Refused("This key was used for another change before. Send the change again under a key of its own.")
        return told

    def moved(self, before: Record, change: Change) -> bool:
        """Whether the record, as it was just read, is not any more what the change was decided on."""
        if change.precondition is None:
            return False
        return before.deleted or not self.versions.stands(before, change.precondition)

    def note(self, once: str, told: Told) -> None:
        self.told[once] = told
        while len(self.told) > KEPT:
            self.told.popitem(last=False)


_DESKS: WeakValueDictionary[tuple[str, ...], Desk] = WeakValueDictionary()


def desk(*names: str) -> Desk:
    """The one of the CRM that `names` (its address, its database) say; it goes when the last connector goes."""
    found = _DESKS.get(names)
    if found is None:
        found = _DESKS[names] = Desk()
    return found


def digest(*asked: Json) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class Writer(Protocol):
    """What a connector brings so that `apply` can be the same for all."""

    desk: Desk

    async def get(self, ref: RecordRef) -> Record: ...

    async def swap(self, change: Change) -> Applied | Conflict:
        """Compare, then write; nobody else of this process writes to the record meanwhile."""
        ...


async def apply(crm: Writer, change: Change, once: str) -> Applied | Conflict:
    """The promise of `Crm.apply`, kept by memory and by reading."""
    asked = digest("apply", change.ref.key, change.field, change.value)  # tried again it may go under another version
    async with crm.desk.alone(change.ref.key):
        told = crm.desk.before(once, asked)
        if told is not None and not told.doubt:
            return told.answer if isinstance(told.answer, Applied) else Conflict(await crm.get(change.ref))
        if told is not None and (taken := _taken(await crm.get(change.ref), change)) is not None:
            crm.desk.note(once, Told(asked, taken))
            return taken
        return await _swap(crm, change, once, asked)


@contextmanager
def taken() -> Iterator[None]:
    """Around what is asked once a write was taken: that it cannot be read, or may not, does not undo it."""
    try:
        yield
    except Retry as tired:
        raise Unsure(tired.after, str(tired), limit=tired.limit) from tired
    except Refused as refused:
        raise Unsure(UNREAD_S, f"written, and not read since: {refused.say}") from refused


async def _swap(crm: Writer, change: Change, once: str, asked: str) -> Applied | Conflict:
    try:
        answer = await crm.swap(change)
    except Unsure:
        crm.desk.note(once, Told(asked, doubt=True))
        raise
    crm.desk.note(once, Told(asked, answer if isinstance(answer, Applied) else None))
    return answer


def _taken(current: Record, change: Change) -> Applied | None:
    """A write in doubt that happened: the value stands there, and the newest change is our own."""
    there = current.fields[change.field].value if change.field in current.fields else None
    if current.deleted or current.modified_by != GATEWAY or there != change.value:
        return None
    return Applied(current.version, there)


async def note(crm: Desk, once: str, asked: str, post: Callable[[bool], Awaitable[Item]]) -> Item:
    """Written once. `post` is told whether an earlier try is in doubt, so that it looks before it writes."""
    async with crm.alone(f"note {once}"):
        told = crm.before(once, asked)
        if told is not None and isinstance(told.answer, Item):
            return told.answer
        try:
            item = await post(told is not None)
        except Unsure:
            crm.note(once, Told(asked, doubt=True))
            raise
        crm.note(once, Told(asked, item))
        return item


class Notes(Protocol):
    """What a connector brings so that `add_note` can be the same for those whose notes stand there as our own."""

    desk: Desk

    async def get(self, ref: RecordRef) -> Record: ...

    async def post(self, ref: RecordRef, body: str, who: str) -> Item: ...

    async def posted(self, ref: RecordRef, body: str) -> Item | None:
        """The note of an earlier try whose answer was lost."""
        ...


async def add_note(crm: Notes, ref: RecordRef, text: str, who: str, *, limit: int, once: str) -> Item:
    """`who` is its beginning, since it stands there under our own account."""
    said = bounded("note", text, limit)
    body = f"{who}: {said}" if who else said
    if (await crm.get(ref)).deleted:
        raise not_live()

    async def write(doubt: bool) -> Item:
        earlier = await crm.posted(ref, body) if doubt else None
        return earlier or await crm.post(ref, body, who)

    return await note(crm.desk, once, digest("note", ref.key, text, who), write)


def not_live() -> Refused:
    return Refused("This customer was deleted in the CRM. Restore it there before you change it.")


def absent(ref: RecordRef) -> Absent:
    return Absent("The CRM has no customer {record}. It may have been removed there.", record=short(ref.id))
