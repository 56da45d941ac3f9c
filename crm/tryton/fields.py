"""What the server says its fields are, and how a value goes there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from crm.model import FieldInfo
from crm.tryton.config import NEVER
from crm.values import short
from gateway.errors import Refused

Ours = Literal["text", "phone", "email", "decimal", "date", "choice", "other"]
TYPES: Mapping[str, Ours] = {
    "char": "text",
    "text": "text",
    "selection": "choice",
    "numeric": "decimal",
    "float": "decimal",
    "integer": "decimal",
    "date": "date",
}
MECHANISMS: Mapping[str, Ours] = {"phone": "phone", "mobile": "phone", "fax": "phone", "email": "email"}


def offered(model: Mapping[str, Any]) -> Iterator[FieldInfo]:
    """Of a `fields_get`; a reference to another record is offered as the name of that."""
    for name, told in sorted(model.items()):
        native = str(told.get("type"))
        label = str(told.get("string") or name)
        if native == "many2one":
            yield FieldInfo(f"{name}.rec_name", label, "other", writable=False, native=native)
            continue
        type_ = TYPES.get(native, "other")
        writable = not told.get("readonly") and name not in NEVER and type_ != "other"
        yield FieldInfo(name, label, type_, _options(told), writable, native)


def _options(told: Mapping[str, Any]) -> tuple[str, ...]:
    listed = told.get("selection")
    pairs = listed if isinstance(listed, list) else []
    return tuple(str(each[0]) for each in pairs if isinstance(each, list) and each and each[0])


def of_mechanisms(model: Mapping[str, Any]) -> Iterator[FieldInfo]:
    kinds = _options(model.get("type", {})) or ("phone", "mobile", "fax", "email", "website")
    for kind in kinds:
        yield FieldInfo(f"contact_mechanisms.{kind}", kind, MECHANISMS.get(kind, "text"), native="contact mechanism")


def of_addresses(model: Mapping[str, Any]) -> Iterator[FieldInfo]:
    for info in offered(model):
        if info.type != "other":
            yield FieldInfo(f"addresses.{info.name}", info.label, info.type, info.options, info.writable, info.native)


def as_theirs(name: str, native: str, text: str | None) -> Any:
    """Raises `Refused` for what a field of that type does not take."""
    if text is None:
        return None
    match native:
        case "numeric":
            return Decimal(text)
        case "float":
            return float(text)
        case "integer":
            return _whole(name, text)
        case "date":
            return date.fromisoformat(text)
        case "char" | "text" | "selection":
            return text
        case _:
            raise Refused("{field} is only read from the CRM. Change it there.", field=short(name))


def _whole(name: str, text: str) -> int:
    number = Decimal(text)
    if number != number.to_integral_value():
        raise Refused("{field}: {value} is not a whole number.", field=short(name), value=short(text))
    return int(number)
