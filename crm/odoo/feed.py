"""Where Odoo's changes are found: partners, and the messages, activities and contacts that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crm.late import Merged
from crm.model import Record
from crm.odoo.reading import ALL, MODEL, Reader, Row
from crm.odoo.values import linked, moment, second
from reconcile.model import Json

WINDOW = 20_000
"""Changes looked at in one go."""


@dataclass(slots=True)
class Changes:
    """Times are whole seconds, and those of a long transaction are the times of its beginning."""

    reader: Reader
    page: int
    late_ms: int = 60_000

    async def now(self) -> int:
        await self.reader.rpc.uid()  # the first answer tells what time it is there
        return int(self.reader.rpc.now()) * 1000

    @property
    def customers(self) -> list[Json]:
        """Whoever is a company, or belongs to none; never a user of Odoo itself."""
        which: list[Json] = [["is_company", "=", True]]
        if self.reader.config.customers == "all":
            which = ["|", ["is_company", "=", True], ["parent_id", "=", False]]
        return [["partner_share", "=", True], *which]

    async def count(self) -> int:
        told = await self.reader.rpc.call(MODEL, "search_count", [[ALL, *self.customers]], reads=True)
        return told if isinstance(told, int) else 0

    async def after(self, last: str) -> list[str]:
        wanted: Json = [["id", ">", int(last or 0)], ALL, *self.customers]
        rows = await self.reader.rpc.rows(MODEL, wanted, ["id"], order="id asc", limit=self.page)
        return [str(row["id"]) for row in rows]

    async def read(self, ids: Sequence[str], *, customers: bool) -> Mapping[str, Record]:
        found = await self.reader.partners([int(id_) for id_ in ids], *(self.customers if customers else ()))
        return {str(id_): record for id_, record in found.items()}

    async def touched(self, floor: int, since: int) -> Mapping[str, int]:
        found = Merged()
        for model, about, column in self._streams():
            if model == MODEL or await self.reader.offered(model):
                found.add(*await self._newest(_Stream(model, about, column), floor // 1000, since // 1000))
        return found.touched()

    def _streams(self) -> Iterator[tuple[str, list[Json], str]]:
        yield "mail.message", [["model", "=", MODEL]], "res_id"
        yield "mail.activity", [["res_model", "=", MODEL]], "res_id"
        yield MODEL, [["parent_id", "!=", False], ["is_company", "=", False], ALL], "parent_id"
        yield MODEL, [ALL, *self.customers], "id"

    async def _newest(self, stream: _Stream, floor: int, since: int) -> tuple[list[tuple[str, int]], int | None]:
        """And the time of the last of them, when there may be more; beyond `since`, so that the next look goes on."""
        rows = await self._window(stream, floor)
        if len(rows) == WINDOW and second(rows[-1]["write_date"]) <= since:  # a great change in a short time
            known = await self._between(stream, floor, since + 1)
            rows = await self._window(stream, since + 1)
            return stream.pairs(known + rows), _cut(rows)
        return stream.pairs(rows), _cut(rows)

    async def _window(self, stream: _Stream, start: int) -> list[Row]:
        wanted: Json = [["write_date", ">=", moment(start)], *stream.about]
        order = "write_date asc, id asc"
        return await self.reader.rpc.rows(stream.model, wanted, stream.fields, order=order, limit=WINDOW)

    async def _between(self, stream: _Stream, start: int, end: int) -> list[Row]:
        """All of them, by id: of those of one second the times tell no order."""
        rows: list[Row] = []
        about: list[Json] = [["write_date", ">=", moment(start)], ["write_date", "<", moment(end)], *stream.about]
        while True:
            beyond: Json = ["id", ">", rows[-1]["id"] if rows else 0]
            more = await self.reader.rpc.rows(
                stream.model, [beyond, *about], stream.fields, order="id asc", limit=WINDOW
            )
            rows += more
            if len(more) < WINDOW:
                return rows


@dataclass(frozen=True, slots=True)
class _Stream:
    model: str
    about: list[Json]
    column: str
    """Where it names the partner."""

    @property
    def fields(self) -> list[str]:
        return list(dict.fromkeys(["id", self.column, "write_date"]))

    def pairs(self, rows: Sequence[Row]) -> list[tuple[str, int]]:
        told = ((self._partner(row[self.column]), second(row["write_date"]) * 1000) for row in rows)
        return [(str(id_), at) for id_, at in told if isinstance(id_, int) and id_]

    def _partner(self, value: Json) -> Json:
        return linked(value)[0] if self.column == "parent_id" else value


def _cut(rows: Sequence[Row]) -> int | None:
    return second(rows[-1]["write_date"]) * 1000 if len(rows) == WINDOW else None
