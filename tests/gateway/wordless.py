"""A CRM that erases without a word: its feed says nothing of it, and a read says that there is no such record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from crm.local.config import Config
from crm.model import Applied, Change, Conflict, Record, RecordRef
from crm.once import absent
from tests.gateway.moody import Crm as Moody


class Crm(Moody):
    erased: frozenset[str] = frozenset()

    async def get(self, ref: RecordRef) -> Record:
        if ref.id in self.erased:
            raise absent(ref)
        return await super().get(ref)

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        async for record, here in super().changes(cursor):
            if record.ref.id not in self.erased:
                yield record, here

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        if change.ref.id in self.erased:
            raise absent(change.ref)
        return await super().apply(change, once=once)

    async def live(self, ids: Sequence[str]) -> frozenset[str]:
        return frozenset(ids) - self.erased


__all__ = ["Config", "Crm"]
