"""A partner's field history, from what Odoo tracks (`mail.tracking.value`, which only its administrators may read)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.mapping import FieldMapping
from crm.model import Past
from crm.odoo.reading import MODEL
from crm.odoo.rpc import Rpc
from crm.odoo.values import Offered, linked, moment, second, text
from gateway.errors import Refused
from reconcile.model import Json

MOST = 1000
_VALUES = ("char", "text", "datetime", "float", "integer")


async def read(rpc: Rpc, mapping: FieldMapping, offered: Offered, id_: int, since: int) -> tuple[Past, ...]:
    """Oldest first. A model that is absent or closed to us is no history."""
    try:
        messages = await _messages(rpc, id_, since)
        rows = await _tracked(rpc, list(messages))
        names = await _names(rpc, rows)
    except Refused:
        return ()
    keys = {name: _keys(about) for name, about in offered.items()}
    found = [_past(row, mapping, names, messages, keys) for row in rows]
    return tuple(each for each in found if each is not None)


async def _messages(rpc: Rpc, id_: int, since: int) -> dict[int, dict[str, Json]]:
    about: Json = [
        ["model", "=", MODEL],
        ["res_id", "=", id_],
        ["date", ">=", moment(since / 1000)],
        ["tracking_value_ids", "!=", False],
    ]
    rows = await rpc.rows("mail.message", about, ["date", "author_id"], order="id desc", limit=MOST)
    return {int(str(row["id"])): row for row in rows}


async def _tracked(rpc: Rpc, messages: list[int]) -> list[dict[str, Json]]:
    asked = ["field_id", "mail_message_id", *(f"new_value_{kind}" for kind in _VALUES)]
    wanted: Json = [["mail_message_id", "in", list(messages)]]
    return await rpc.rows("mail.tracking.value", wanted, asked, order="id asc", limit=MOST) if messages else []


async def _names(rpc: Rpc, rows: list[dict[str, Json]]) -> dict[int, tuple[str, str]]:
    """Field id -> its technical name and its type."""
    ids: list[Json] = list({linked(row.get("field_id"))[0] for row in rows} - {0})
    found = await rpc.rows("ir.model.fields", [["id", "in", ids]], ["name", "ttype"]) if ids else []
    return {int(str(row["id"])): (text(row.get("name")), text(row.get("ttype"))) for row in found}


def _past(
    row: dict[str, Json],
    mapping: FieldMapping,
    names: Mapping[int, tuple[str, str]],
    messages: Mapping[int, dict[str, Json]],
    keys: Mapping[str, Mapping[str, str]],
) -> Past | None:
    theirs, type_ = names.get(linked(row.get("field_id"))[0], ("", ""))
    message = messages.get(linked(row.get("mail_message_id"))[0])
    ours = next((name for name, spec in mapping if spec.reads and spec.theirs == theirs), None)
    if ours is None or message is None:
        return None
    at, value = second(message.get("date")) * 1000, _value(row, type_)
    value = keys.get(theirs, {}).get(value, value) if isinstance(value, str) else value
    return Past(ours, mapping.rendered(ours, value), at, linked(message.get("author_id"))[1], "odoo")


def _keys(about: Mapping[str, Any]) -> dict[str, str]:
    """Of a choice Odoo tracks what people read, in the language of whoever chose it."""
    return {str(label): str(key) for key, label in about.get("selection") or []}


def _value(row: dict[str, Json], type_: str) -> Json:
    column = {"monetary": "float", "boolean": "integer", "date": "datetime", "html": "text"}.get(type_, type_)
    value = row.get(f"new_value_{column if column in _VALUES else 'char'}")
    if value is None or value is False or value == "":
        return None
    if type_ == "boolean":
        return "true" if value else "false"
    return text(value)[:10] if type_ == "date" else text(value)
