"""Which partner one was merged into: Odoo erases it, and posts a message on the other that says `<mail> (ID 7)`."""

from __future__ import annotations

import re

from crm.markup import plain
from crm.model import Record, RecordRef
from crm.odoo.rpc import Rpc
from crm.odoo.values import second
from crm.once import Versions, digest
from reconcile.model import Json

MODEL = "res.partner"
_ENDS = re.compile(r"> \(ID ([0-9]{1,10})\)")
_NEWEST = 20

Merged = tuple[int, int, int]
"""The partner that is gone, the one it became, and when, in seconds."""


def of(row: dict[str, Json]) -> list[Merged]:
    into, at = row.get("res_id"), second(row.get("write_date"))
    gone = (int(number) for number in _ENDS.findall(plain(str(row.get("body") or ""))))
    return [(id_, into, at) for id_ in gone if isinstance(into, int) and into and id_ != into]


def about(id_: int | None = None) -> list[Json]:
    """Messages that could tell of it, or of any."""
    told: Json = f"(ID {id_})" if id_ else "(ID "
    return [["model", "=", MODEL], ["message_type", "=", "notification"], ["body", "like", told]]


async def find(rpc: Rpc, id_: int) -> Merged | None:
    """Of one that is not there any more. Later merges of the other have taken the message along."""
    rows = await rpc.rows("mail.message", about(id_), ["res_id", "body", "write_date"], order="id desc", limit=_NEWEST)
    return next((each for row in rows for each in of(row) if each[0] == id_), None)


def told(crm: str, kind: str, merged: Merged, versions: Versions, *, now: float, settled: float) -> Record:
    id_, into, at = merged
    ref = RecordRef(crm, kind, str(id_))
    return Record(
        ref=ref,
        title="",
        url="",
        version=versions.of(ref.key, at, digest("merged", into), over=now - at >= settled),
        fields={},
        related={},
        modified=at * 1000,
        deleted=True,
        merged_into=str(into),
    )
