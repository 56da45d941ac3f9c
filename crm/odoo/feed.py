"""Where Odoo's changes are found: partners, and the messages, activities and contacts that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from crm.late import Merged
from crm.model import Record
from crm.odoo import merges
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
    _merged: dict[int, merges.Merged] = field(default_factory=dict)
    """Those that the last look was told of."""

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
        numbers = [int(id_) for id_ in ids]
        found = await self.reader.partners(numbers, *(self.customers if customers else ()))
        gone = [id_ for id_ in numbers if id_ not in found and id_ in self._merged]
        gone = sorted(set(gone) - await self.reader.there(gone))
        return {str(id_): record for id_, record in found.items()} | {
            str(id_): self.reader.gone(self._merged[id_]) for id_ in gone
        }

    async def touched(self, floor: int, since: int) -> Mapping[str, int]:
        found = Merged()
        for model, about, column in self._streams():
            if model == MODEL or await self.reader.offered(model):
                told = await self._newest(_Stream(model, about, column), floor // 1000, since // 1000)
                found.add(*told)
                if model == "mail.message" and told[0]:
                    found.add(*await self._merges(floor // 1000))
        return found.touched()

    async def _merges(self, floor: int) -> tuple[list[tuple[str, int]], int | None]:
        wanted: Json = [["write_date", ">=", moment(floor)], *merges.about()]
        asked, order = ["res_id", "body", "write_date"], "write_date asc, id asc"
        rows = await self.reader.rpc.rows("mail.message", wanted, asked, order=order, limit=WINDOW)
        self._merged = {each[0]: each for row in rows for each in merges.of(row)}
        return [(str(id_), at * 1000) for id_, _, at in self._merged.values()], _cut(rows)

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
