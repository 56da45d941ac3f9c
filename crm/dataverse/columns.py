"""What Dataverse says of its columns: their types, their choices, and how a value is written into each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crm.dataverse.api import FORMATTED, Api, Row, text
from crm.http import rows
from crm.mapping import LIMIT, FieldMap
from crm.model import FieldInfo
from crm.values import spelled as written
from gateway.errors import Refused, Retry
from reconcile.model import Json

KNOWN_S = 600.0
SPACE = "Microsoft.Dynamics.CRM"
_ASKED = "LogicalName,AttributeType,DisplayName,IsValidForRead,IsValidForUpdate,IsSecured,AttributeOf"
_TYPES = {
    "String": "text",
    "Memo": "text",
    "Integer": "decimal",
    "BigInt": "decimal",
    "Decimal": "decimal",
    "Double": "decimal",
    "Money": "decimal",
    "DateTime": "date",
    "Boolean": "choice",
    "Picklist": "choice",
    "State": "choice",
    "Status": "choice",
    "Lookup": "other",
    "Customer": "other",
    "Owner": "other",
}
_CHOICES = ("Picklist", "State", "Status")
_LOOKUPS = ("Lookup", "Customer", "Owner")


@dataclass(frozen=True, slots=True)
class Column:
    info: FieldInfo
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of a choice: each number with what people read."""
    day: bool = False
    """A date and nothing else; any other date carries a time on the wire."""
    secured: bool = False
    """By column security: who may not read it is told that it is empty."""


@dataclass(slots=True)
class Columns:
    api: Api
    table: str
    _known: dict[str, Column] = field(default_factory=dict)
    _at: float = float("-inf")

    async def known(self) -> Mapping[str, Column]:
        """Asked for anew every ten minutes."""
        if time.monotonic() - self._at > KNOWN_S:
            self._known, self._at = await self._ask(), time.monotonic()
        return self._known

    async def _ask(self) -> dict[str, Column]:
        every, days, sets = await asyncio.gather(
            self._attributes("", ("$select", _ASKED)),
            self._attributes(f"/{SPACE}.DateTimeAttributeMetadata", ("$select", "LogicalName,DateTimeBehavior")),
            asyncio.gather(*(self._choices(kind) for kind in _CHOICES)),
        )
        labels = {name: found for each in sets for name, found in each.items()}
        only = {text(row.get("LogicalName")) for row in days if _table(row.get("DateTimeBehavior")) == _DAY}
        found = [_column(row, labels, only) for row in every if _offered(row)]
        if not found:
            raise Retry(60.0, "answered no columns")
        return {column.info.name: column for column in found}

    async def _attributes(self, cast: str, *params: tuple[str, str]) -> list[Row]:
        answer = await self.api.get(f"/EntityDefinitions(LogicalName='{self.table}')/Attributes{cast}", *params)
        return rows(answer.table.get("value"))

    async def _choices(self, kind: str) -> dict[str, dict[str, str]]:
        """Column -> number -> label. A choice that several columns share stands in the other set."""
        expand = "OptionSet($select=Options),GlobalOptionSet($select=Options)"
        asked = ("$select", "LogicalName"), ("$expand", expand)
        found = await self._attributes(f"/{SPACE}.{kind}AttributeMetadata", *asked)
        return {text(row.get("LogicalName")): _labels(row) for row in found}


_DAY: Row = {"Value": "DateOnly"}


def _table(value: Json) -> Row:
    return value if isinstance(value, dict) else {}


def _labels(row: Row) -> dict[str, str]:
    found = _table(row.get("OptionSet")).get("Options") or _table(row.get("GlobalOptionSet")).get("Options")
    options = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return {text(each.get("Value")): _label(each.get("Label")) or text(each.get("Value")) for each in options}


def _label(value: Json) -> str:
    return text(_table(_table(value).get("UserLocalizedLabel")).get("Label"))


def _offered(row: Row) -> bool:
    """Not what is derived from another column, such as the name of a choice, nor what cannot be read."""
    known = text(row.get("AttributeType")) in _TYPES
    return known and row.get("IsValidForRead") is not False and not row.get("AttributeOf")


def _column(row: Row, labels: Mapping[str, dict[str, str]], only_days: set[str]) -> Column:
    name, native = text(row.get("LogicalName")), text(row.get("AttributeType"))
    of = labels.get(name, {})
    info = FieldInfo(
        name=f"_{name}_value" if native in _LOOKUPS else name,
        label=_label(row.get("DisplayName")) or name,
        type=_TYPES[native],  # type: ignore[arg-type]
        options=("true", "false") if native == "Boolean" else tuple(of),
        writable=row.get("IsValidForUpdate") is True and native not in _LOOKUPS,
        native=native,
        labels=tuple(of.values()),
    )
    return Column(info, of, name in only_days, row.get("IsSecured") is True)


def heard(spec: FieldMap, column: Column | None, row: Row) -> Json:
    """The value as people read it, where it is a choice without options of ours, or somebody's name."""
    value = row[spec.theirs]
    shown = row.get(f"{spec.theirs}@{FORMATTED}")
    if column is None or value is None or not isinstance(shown, str):
        return value
    reads = column.info.native in _LOOKUPS or (column.labels and not spec.options)
    return shown if reads else value


def spelled(ours: str, value: str | None, column: Column) -> Json:
    """As the wire wants it; None clears. Raises `Refused` for a choice that is none."""
    if value is None:
        return None
    match column.info.native:
        case "Picklist" | "State" | "Status":
            return int(_number(ours, value, column))
        case "Boolean":
            return _yes(ours, value)
        case "DateTime":
            return value if column.day else f"{value}T00:00:00Z"
        case "Integer" | "BigInt" | "Decimal" | "Double" | "Money":
            number = written(ours, "decimal", value, limit=LIMIT) or "0"
            return float(number) if "." in number else int(number)
        case _:
            return value


def _number(ours: str, value: str, column: Column) -> str:
    if value in column.labels:
        return value
    found = [number for number, label in column.labels.items() if label.casefold() == value.casefold()]
    if len(found) != 1:
        raise _none_of(ours, value, tuple(column.labels.values()))
    return found[0]


def _yes(ours: str, value: str) -> bool:
    if value.casefold() not in ("true", "false"):
        raise _none_of(ours, value, ("true", "false"))
    return value.casefold() == "true"


def _none_of(ours: str, value: str, options: Sequence[str]) -> Refused:
    return Refused(
        "{field}: {value} is not one of {options}.", field=ours, value=value[:40], options=", ".join(options)
    )
