"""What all connectors to one CRM in one process share: one writer at a time per record, and what was answered.

A CRM without a precondition, or without keys of its own for a repeated call, is made up for here. It lasts as long as
the process: after a restart the outbox reads what became of a write before it sends anything again. Two gateways do
not write to one CRM at a time, by the lease under which the outbox is worked off.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

from crm.http import Unsure
from crm.model import GATEWAY, Applied, Change, Conflict, Item, Record, RecordRef
from gateway.errors import Refused
from reconcile.model import Json

KEPT = 20_000
"""Answers remembered, the newest."""


@dataclass(slots=True)
class _Told:
    asked: str
    answer: Applied | Item | None = None
    """None: a conflict, answered again with the record as it is by then; or, with `doubt`, not known."""
    doubt: bool = False


@dataclass(slots=True, weakref_slot=True)
class Desk:
    told: OrderedDict[str, _Told] = field(default_factory=OrderedDict)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncIterator[None]:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            yield

    def before(self, once: str, asked: str) -> _Told | None:
        """Raises `Refused` when the key stood for something else."""
        told = self.told.get(once)
        if told is not None and told.asked != asked:
            raise Refused("This key was used for another change before. Send the change again under a key of its own.")
        return told

    def note(self, once: str, told: _Told) -> None:
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
    asked = digest("apply", change.ref.key, change.field, change.value, change.precondition)
    async with crm.desk.alone(change.ref.key):
        told = crm.desk.before(once, asked)
        if told is not None and not told.doubt:
            return told.answer if isinstance(told.answer, Applied) else Conflict(await crm.get(change.ref))
        if told is not None and (taken := _taken(await crm.get(change.ref), change)) is not None:
            crm.desk.note(once, _Told(asked, taken))
            return taken
        return await _swap(crm, change, once, asked)


async def _swap(crm: Writer, change: Change, once: str, asked: str) -> Applied | Conflict:
    try:
        answer = await crm.swap(change)
    except Unsure:
        crm.desk.note(once, _Told(asked, doubt=True))
        raise
    crm.desk.note(once, _Told(asked, answer if isinstance(answer, Applied) else None))
    return answer


def _taken(current: Record, change: Change) -> Applied | None:
    """A write in doubt that happened: the value stands there, and the newest change is our own."""
    there = current.fields[change.field].value if change.field in current.fields else None
    if current.deleted or current.modified_by != GATEWAY or there != change.value:
        return None
    return Applied(current.version, there)
