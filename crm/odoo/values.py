"""Odoo's values and ours: `False` for empty, pairs for links, HTML for notes, times in UTC without saying so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crm.markup import marked_up, plain
from crm.model import FieldInfo
from gateway.errors import Refused
from reconcile.model import Json

Offered = Mapping[str, Mapping[str, Any]]
"""What `fields_get` tells: by field, its `string`, `type`, `selection`, `readonly`, `store`, `relation`."""

MOMENT = "%Y-%m-%d %H:%M:%S"
_TYPES = {
    "char": "text",
    "text": "text",
    "html": "text",
    "many2one": "text",
    "integer": "decimal",
    "float": "decimal",
    "monetary": "decimal",
    "date": "date",
    "datetime": "date",
    "selection": "choice",
    "boolean": "choice",
}
_KNOWN = {"phone": "phone", "mobile": "phone", "email": "email"}


def second(text: Json) -> int:
    """Seconds since the epoch of `2026-11-20 10:00:00`, which is UTC; 0 for what is none."""
    try:
        return int(datetime.strptime(str(text)[:19], MOMENT).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(MOMENT)


def day(text: Json) -> int | None:
    """Milliseconds of `2026-11-20`, or None."""
    return second(f"{text} 00:00:00") * 1000 or None


def text(value: Json) -> str:
    return "" if value is None or value is False else str(value)


def linked(value: Json) -> tuple[int, str]:
    """A many2one's `[id, name]`; (0, "") for none."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], int):
        return value[0], text(value[1])
    return 0, ""


def heard(row: Mapping[str, Json], offered: Offered) -> dict[str, Json]:
    """The row with empty as None, links as their names, and HTML as plain text."""
    return {name: _heard(value, str(offered.get(name, {}).get("type", ""))) for name, value in row.items()}


def _heard(value: Json, type_: str) -> Json:
    if value is False and type_ != "boolean":
        return None
    match type_:
        case "many2one":
            return linked(value)[1] or None
        case "html":
            return plain(text(value)) or None
        case "boolean":
            return "true" if value else "false"
        case _:
            return value


def spelled(ours: str, value: str | None, about: Mapping[str, Any]) -> Json:
    """For `write`; a link's name has to be turned into its id before."""
    if value is None:
        return False
    match about.get("type"):
        case "boolean":
            return _yes_or_no(ours, value)
        case "integer" if re.fullmatch(r"-?[0-9]+", value):
            return int(value)
        case "integer" | "float" | "monetary":
            return float(value)
        case "html":
            return marked_up(value)
        case "datetime":
            return f"{value} 00:00:00"
        case "selection":
            return _one_of(ours, value, [str(key) for key, _ in about.get("selection") or []])
        case _:
            return value


def _yes_or_no(ours: str, value: str) -> bool:
    return _one_of(ours, value.casefold(), ["true", "false"]) == "true"


def _one_of(ours: str, value: str, options: list[str]) -> str:
    if value in options:
        return value
    raise Refused("{field}: {value} is not one of {options}.", field=ours, value=value[:40], options=", ".join(options))


def info(name: str, about: Mapping[str, Any]) -> FieldInfo:
    type_ = str(about.get("type", ""))
    options = [str(key) for key, _ in about.get("selection") or []]
    return FieldInfo(
        name=name,
        label=str(about.get("string") or name),
        type=_KNOWN.get(name) or _TYPES.get(type_, "other"),  # type: ignore[arg-type]
        options=("true", "false") if type_ == "boolean" else tuple(options),
        writable=not about.get("readonly") and type_ in _TYPES,
        native=type_,
    )
