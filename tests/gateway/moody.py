"""A CRM that can be told to be down, to refuse, or to fall silent after it has written: loaded like anybody's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from crm.local.config import Config
from crm.local.crm import LocalCrm
from crm.model import Applied, Change, Conflict, Record, RecordRef
from gateway.errors import Refused, Retry, Unsure

Mood: TypeAlias = Literal["well", "down", "refusing", "silent", "mute", "deaf"]
"""`mute`: it writes and says nothing, `deaf`: it does neither, and in both its connector cannot tell which."""


class Crm(LocalCrm):
    mood: Mood = "well"
    writes = 0
    """Changes it really made for us."""
    visible_until: Mapping[str, int] = {}
    """Until when a field of any record may be seen."""
    merged: Mapping[str, str] = {}

    async def get(self, ref: RecordRef) -> Record:
        if self.mood == "down":
            raise Retry(1, "down")
        return self._told(await super().get(ref))

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        async for record, here in super().changes(cursor):
            yield self._told(record), here

    def _told(self, record: Record) -> Record:
        into = self.merged.get(record.ref.id, "") if record.deleted else ""
        return replace(record, visible_until=self.visible_until, merged_into=into)

    async def merge(self, ref: RecordRef, into: RecordRef, by: str) -> None:
        """As a CRM does that can: what is left of the one is that it is gone, and where it went."""
        self.merged = {**self.merged, ref.id: into.id}
        await self.delete(ref, by)

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        if self.mood == "down":
            raise Retry(1, "down")
        if self.mood == "refusing":
            raise Refused("Reconnect the CRM.")
        if self.mood == "deaf":
            raise Unsure(1, "answered 502")
        answer = await super().apply(change, once=once)
        self.writes += isinstance(answer, Applied)
        if self.mood == "silent":
            raise ConnectionError("the answer was lost")
        if self.mood == "mute":
            raise Unsure(1, "the answer was lost")
        return answer


__all__ = ["Config", "Crm"]
