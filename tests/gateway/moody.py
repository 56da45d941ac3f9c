"""A CRM that can be told to be down, to refuse, or to fall silent after it has written: loaded like anybody's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from crm.local.config import Config
from crm.local.crm import LocalCrm
from crm.model import Applied, Change, Conflict, Record, RecordRef
from gateway.errors import Refused, Retry

Mood: TypeAlias = Literal["well", "down", "refusing", "silent"]


class Crm(LocalCrm):
    mood: Mood = "well"
    writes = 0
    """Changes it really made for us."""
    visible_until: Mapping[str, int] = {}
    """Until when a field of any record may be seen."""

    async def get(self, ref: RecordRef) -> Record:
        if self.mood == "down":
            raise Retry(1, "down")
        return replace(await super().get(ref), visible_until=self.visible_until)

    async def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        async for record, here in super().changes(cursor):
            yield replace(record, visible_until=self.visible_until), here

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        if self.mood == "down":
            raise Retry(1, "down")
        if self.mood == "refusing":
            raise Refused("Reconnect the CRM.")
        answer = await super().apply(change, once=once)
        self.writes += isinstance(answer, Applied)
        if self.mood == "silent":
            raise ConnectionError("the answer was lost")
        return answer


__all__ = ["Config", "Crm"]
