"""Where HubSpot's changes are found: by search, whose index lags behind; archived records by their own list."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crm.http import rows
from crm.hubspot.reading import MODIFIED, Reader, Row, table, when
from crm.model import Record
from gateway.errors import Retry
from reconcile.model import Json

SEARCHED = 10_000
"""Of one search HubSpot gives no more."""
PAGE = 200


@dataclass(slots=True)
class Changes:
    reader: Reader
    page: int
    late_ms: int = 60_000
    _looked: float = float("-inf")
    _gone: dict[str, tuple[int, Record]] = field(default_factory=dict)
    """What was archived, and when, as the list last said. It is told of until the list is read again, whoever took it:
    that is for the marks of the cursor to say."""

    async def now(self) -> int:
        await self.reader.offered()  # the first answer tells what time it is there
        return time.time_ns() // 1_000_000 + self.reader.api.offset_ms

    async def count(self) -> int:
        total = (await self._search([], "hs_object_id", 0, 1)).get("total")
        return total if isinstance(total, int) else 0

    async def after(self, last: str) -> list[str]:
        beyond: list[Json] = [{"propertyName": "hs_object_id", "operator": "GT", "value": last or "0"}]
        return [
            str(row.get("id"))
            for row in rows((await self._search(beyond, "hs_object_id", 0, self.page)).get("results"))
        ]

    async def read(self, ids: Sequence[str], *, customers: bool) -> Mapping[str, Record]:
        found = await self.reader.many(ids)
        return found | {id_: self._gone[id_][1] for id_ in ids if id_ in self._gone and id_ not in found}

    def lasting(self, id_: str) -> bool:
        return id_ in self._gone

    async def touched(self, floor: int, since: int) -> Mapping[str, int]:
        """Each time the search has given all it can, it begins again at the last time it gave."""
        newest: dict[str, int] = {}
        begins = floor
        while True:
            last = await self._some(newest, begins)
            if last is None:
                break
            if last <= begins:
                raise Retry(60.0, f"more than {SEARCHED} changes carry one time")
            begins = last
        await self._archived(floor)
        return newest | {id_: max(at, newest.get(id_, 0)) for id_, (at, _) in self._gone.items()}

    async def _some(self, newest: dict[str, int], floor: int) -> int | None:
        """The last time found, when there is more behind it than one search gives."""
        by, after, last = MODIFIED[self.reader.config.kind], 0, floor
        since: list[Json] = [{"propertyName": by, "operator": "GTE", "value": str(floor)}]
        while after < SEARCHED:
            found = rows((await self._search(since, by, after, PAGE)).get("results"))
            for row in found:
                last = when(row.get("updatedAt")) or when(table(row.get("properties")).get(by))
                newest[str(row.get("id"))] = last
            if len(found) < PAGE:
                return None
            after += PAGE
        return last

    async def _search(self, filters: Sequence[Json], sort: str, after: int, limit: int) -> Row:
        return (await self.reader.api.search(self.reader.objects, filters, sort, after, limit)).table

    async def _archived(self, floor: int) -> None:
        """The list has no order and no filter by time, so it is read whole, and not often."""
        every = self.reader.config.deleted_every
        if time.monotonic() - self._looked < every:
            return
        found: dict[str, tuple[int, Record]] = {}
        floor -= int(every * 2000)
        asked = ("archived", "true"), ("limit", "100"), ("properties", ",".join(await self.reader.asked()))
        after = ""
        while True:
            answer = (await self.reader.api.get(self.reader.path, *asked, *([("after", after)] if after else []))).table
            for row in rows(answer.get("results")):
                at = when(row.get("archivedAt")) or when(row.get("updatedAt"))
                if at >= floor:
                    found[str(row.get("id"))] = at, self.reader.archived(row)
            last, after = after, str(table(table(answer.get("paging")).get("next")).get("after") or "")
            if after in ("", last):
                self._gone, self._looked = found, time.monotonic()
                return
