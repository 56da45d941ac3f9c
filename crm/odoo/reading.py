"""From partners to records, with their notes, activities and contacts."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from crm.each import first_of_each
from crm.mapping import FieldMapping
from crm.markup import plain
from crm.model import GATEWAY, Item, Kind, Record, RecordRef
from crm.odoo import merges
from crm.odoo.config import USUAL, Config
from crm.odoo.rpc import Rpc
from crm.odoo.values import Offered, day, heard, linked, second, text
from crm.once import Versions, digest
from gateway.errors import Refused
from reconcile.model import Json

MODEL = "res.partner"
KIND = "account"
ITEMS = 40
"""Notes, activities and contacts of one record, the newest."""
SETTLED_S = 2.0
"""So long after a second nothing is written any more that carries it, long transactions apart."""
KNOWN_S = 600.0
TOLD_BY_US = "Floatcard ["
"""How the notes begin that tell the source of a change: they are no notes of a person."""
ALL: Json = ["active", "in", [True, False]]
_OWN = ("id", "name", "active", "write_date", "write_uid", "user_id", "create_date")
_ALSO = ("team_id", "state_id", "commercial_company_name")
_ATTRIBUTES: Json = ["string", "type", "selection", "readonly", "required", "store", "relation"]

Row = dict[str, Json]


@dataclass(slots=True)
class Reader:
    """What `fields_get` offers is asked for anew every ten minutes."""

    crm: str
    config: Config
    rpc: Rpc
    versions: Versions
    _offered: dict[str, Offered] = field(default_factory=dict)
    _at: float = 0.0

    async def offered(self, model: str = MODEL) -> Offered:
        """Nothing for a model that is not installed, or that we may not read."""
        if time.monotonic() - self._at > KNOWN_S:
            self._offered, self._at = {}, time.monotonic()
        if model not in self._offered:
            self._offered[model] = await self._fields(model)
        return self._offered[model]

    async def _fields(self, model: str) -> Offered:
        try:
            told = await self.rpc.call(model, "fields_get", [], {"attributes": _ATTRIBUTES}, reads=True)
        except Refused:
            if model == MODEL:
                raise
            return {}
        fields = told if isinstance(told, dict) else {}
        return {name: about for name, about in fields.items() if isinstance(about, dict)}

    async def mapping(self) -> FieldMapping:
        """Of the usual mapping what this Odoo has; one that was configured holds as it is."""
        whole = self.config.mapping
        if self.config.fields:
            return whole
        offered = await self.offered()
        return FieldMapping({ours: spec for ours, spec in USUAL.items() if spec.theirs in offered})

    async def partners(self, ids: Sequence[int], *customers: Json) -> dict[int, Record]:
        """Those that exist, archived ones too, and that also meet `customers`."""
        offered, mapping = await asyncio.gather(self.offered(), self.mapping())
        own = [*_OWN, *(name for name in _ALSO if name in offered)]
        asked = list(dict.fromkeys([*own, *(name for name in mapping.asked if name in offered)]))
        wanted: Json = [["id", "in", list(ids)], ALL, *customers]
        found = await self.rpc.rows(MODEL, wanted, asked)
        related = await self._related([_id(row) for row in found])
        uid = await self.rpc.uid()
        return {_id(row): self._record(row, offered, mapping, related[_id(row)], uid) for row in found}

    async def there(self, ids: Sequence[int], *more: Json) -> set[int]:
        """Which of them exist, archived ones too unless `more` says otherwise."""
        wanted: Json = [["id", "in", list(ids)], *(more or (ALL,))]
        return {_id(row) for row in await self.rpc.rows(MODEL, wanted, ["id"])} if ids else set()

    async def merged(self, id_: int) -> Record | None:
        """What is left of one that does not exist any more; None when nothing tells that it was merged."""
        found = await merges.find(self.rpc, id_) if await self.offered("mail.message") else None
        return self.gone(found) if found is not None else None

    def gone(self, merged: merges.Merged) -> Record:
        return merges.told(self.crm, KIND, merged, self.versions, now=self.rpc.now(), settled=SETTLED_S)

    def _record(
        self, row: Row, offered: Offered, mapping: FieldMapping, related: Mapping[Kind, tuple[Item, ...]], uid: int
    ) -> Record:
        ref = RecordRef(self.crm, KIND, str(_id(row)))
        said = heard(row, offered)
        at, writer = second(row.get("write_date")), linked(row.get("write_uid"))[0]
        content = digest({name: said[name] for name in sorted(said) if name not in ("write_date", "write_uid")})
        owner = linked(row.get("user_id"))[0]
        return Record(
            ref=ref,
            title=text(row.get("name")),
            url=self._url(ref.id),
            version=self.versions.of(ref.key, at, content, over=self.rpc.now() - at >= SETTLED_S),
            fields=mapping.hear(said, as_of=at * 1000).fields,
            related=related,
            names=tuple(filter(None, [text(row.get("commercial_company_name"))])),
            owners=(str(owner),) if owner else (),
            team=linked(row.get("team_id"))[1],
            region=linked(row.get("state_id"))[1],
            modified=at * 1000,
            modified_by=GATEWAY if writer == uid else str(writer or ""),
            deleted=row.get("active") is False,
        )

    def _url(self, id_: str) -> str:
        link = self.config.link or f"{self.config.url}/web#id={{id}}&model={MODEL}&view_type=form"
        return link.replace("{id}", id_)

    async def _related(self, ids: Sequence[int]) -> dict[int, dict[Kind, tuple[Item, ...]]]:
        empty: dict[Kind, tuple[Item, ...]] = {"note": (), "open_item": (), "contact": ()}
        found = {id_: dict(empty) for id_ in ids}
        if ids:
            notes, activities, contacts = await asyncio.gather(
                self._notes(ids), self._activities(ids), self._contacts(ids)
            )
            for kind, items in (("note", notes), ("open_item", activities), ("contact", contacts)):
                for id_, of in items.items():
                    found[id_][kind] = tuple(of[:ITEMS])  # type: ignore[index]
        return found

    async def _notes(self, ids: Sequence[int]) -> dict[int, list[Item]]:
        offered = await self.offered("mail.message")
        if not offered:
            return {}
        asked = ["res_id", "body", "date", "author_id", "message_type"]
        about: list[Json] = [
            ["model", "=", MODEL],
            ["message_type", "in", ["comment", "email", "notification"]],
            ["body", "!=", False],
            ["body", "!=", ""],
        ]
        told: list[Json] = ["!", ["body", "=like", f"<p>{TOLD_BY_US}%"]]
        if "is_internal" in offered:  # what Odoo itself logs, such as that a contact was created
            told = ["&", ["is_internal", "=", False], *told]
        rows = await self._of_each(
            ids,
            "mail.message",
            "res_id",
            [*about, "|", ["message_type", "!=", "notification"], *told],
            asked,
            "id desc",
        )
        return _grouped((_int(row.get("res_id")), note(row)) for row in rows)

    async def _activities(self, ids: Sequence[int]) -> dict[int, list[Item]]:
        if not await self.offered("mail.activity"):
            return {}
        asked = ["res_id", "summary", "note", "date_deadline", "user_id", "activity_type_id", "create_date"]
        about: list[Json] = [["res_model", "=", MODEL]]
        rows = await self._of_each(ids, "mail.activity", "res_id", about, asked, "date_deadline asc, id asc")
        return _grouped((_int(row.get("res_id")), _activity(row)) for row in rows)

    async def _contacts(self, ids: Sequence[int]) -> dict[int, list[Item]]:
        asked = ["parent_id", "name", "function", "phone", "email", "create_date"]
        about: list[Json] = [["is_company", "=", False], ["type", "=", "contact"]]
        rows = await self._of_each(ids, MODEL, "parent_id", about, asked, "id asc")
        return _grouped((_owner(row, "parent_id"), _contact(row)) for row in rows)

    async def _of_each(
        self, ids: Sequence[int], model: str, column: str, about: list[Json], asked: list[str], order: str
    ) -> list[Row]:
        async def ask(some: Sequence[int], most: int) -> list[Row]:
            wanted: Json = [[column, "in", list(some)], *about]
            return await self.rpc.rows(model, wanted, asked, order=order, limit=most)

        return await first_of_each(ids, ITEMS, lambda row: _owner(row, column), ask)


def _owner(row: Row, column: str) -> int:
    return linked(row.get(column))[0] or _int(row.get(column))


def _grouped(pairs: Iterable[tuple[int, Item | None]]) -> dict[int, list[Item]]:
    found: dict[int, list[Item]] = defaultdict(list)
    for id_, item in pairs:
        if item is not None:
            found[id_].append(item)
    return found


def _id(row: Row) -> int:
    return _int(row.get("id"))


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0


def note(row: Row) -> Item | None:
    """None for what a person did not write: an empty body, and what tells the source of a change of ours."""
    said = plain(text(row.get("body")))
    if not said or (row.get("message_type") == "notification" and said.startswith(TOLD_BY_US)):
        return None
    at = second(row.get("date")) * 1000
    return Item(str(row["id"]), "note", said, at, linked(row.get("author_id"))[1])


def _activity(row: Row) -> Item:
    what = text(row.get("summary")) or linked(row.get("activity_type_id"))[1]
    more = plain(text(row.get("note")))
    said = f"{what}: {more}" if what and more else what or more
    at, due = second(row.get("create_date")) * 1000, day(row.get("date_deadline"))
    return Item(str(row["id"]), "open_item", said, at, linked(row.get("user_id"))[1], due=due)


def _contact(row: Row) -> Item:
    told = {"title": row.get("function"), "phone": row.get("phone"), "email": row.get("email")}
    detail = {name: text(value) for name, value in told.items() if text(value)}
    return Item(str(row["id"]), "contact", text(row.get("name")), second(row.get("create_date")) * 1000, detail=detail)
