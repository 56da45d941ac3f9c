"""Where Odoo's changes are found: partners, and the messages, activities and contacts that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crm.model import Record
from crm.odoo.reading import ALL, MODEL, Reader
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
        newest: dict[str, int] = {}
        after: Json = ["write_date", ">=", moment(floor / 1000)]
        for model, about, column in self._streams():
            if model != MODEL and not await self.reader.offered(model):
                continue
            for id_, at in await self._newest(model, [after, *about], column, since):
                newest[id_] = max(at, newest.pop(id_, 0))
        return newest

    def _streams(self) -> Iterator[tuple[str, list[Json], str]]:
        yield "mail.message", [["model", "=", MODEL]], "res_id"
        yield "mail.activity", [["res_model", "=", MODEL]], "res_id"
        yield MODEL, [["parent_id", "!=", False], ["is_company", "=", False], ALL], "parent_id"
        yield MODEL, [ALL, *self.customers], "id"

    async def _newest(self, model: str, wanted: Json, column: str, since: int) -> list[tuple[str, int]]:
        fields = list(dict.fromkeys(["id", column, "write_date"]))
        rows = await self.reader.rpc.rows(model, wanted, fields, order="write_date asc, id asc", limit=WINDOW)
        if len(rows) == WINDOW and second(rows[-1]["write_date"]) * 1000 <= since:  # a great change in one second
            rows = await self.reader.rpc.rows(model, wanted, fields, order="write_date asc, id asc")
        pairs = ((linked(row[column])[0] if column == "parent_id" else row[column], row["write_date"]) for row in rows)
        return [(str(id_), second(at) * 1000) for id_, at in pairs if isinstance(id_, int) and id_]
