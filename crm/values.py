"""How a value is spelled for a CRM, and what is made of what a CRM says. Nothing a CRM says is ever dropped."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from gateway.errors import Refused
from reconcile.canonical import canonical
from reconcile.model import Json

Type = Literal["text", "phone", "email", "decimal", "date", "choice"]
Odd = Literal["", "not_a_text", "not_a_number", "not_a_date", "unknown_choice"]
"""Why a value is not of the type it was declared to be. It is kept as the CRM spells it, and counted."""

_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,6})?")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_GROUPS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?:[^0-9]|$))")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9:.]+(Z|[+-][0-9:]+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def scrub(text: str) -> str:
    """Without the surrounding blanks; NUL and lone surrogates, which no database text holds, as U+FFFD."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text).strip()


def short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


# -- from us to a CRM


def bounded(field: str, value: Json, limit: int) -> str:
    if not isinstance(value, str):
        raise Refused("{field}: a text is expected here.", field=field)
    text = scrub(value)
    if len(text) > limit:
        raise Refused(
            "{field}: at most {limit} characters fit, this has {length}.", field=field, limit=limit, length=len(text)
        )
    return text


def required(field: str, value: Json, limit: int) -> str:
    text = bounded(field, value, limit)
    if not text:
        raise Refused("{field}: it may not be empty.", field=field)
    return text


def spelled(label: str, type_: Type, value: Json, *, limit: int, options: Collection[str] = ()) -> str | None:
    """The value as a text of its type; None clears. Raises `Refused` saying what would be taken."""
    if isinstance(value, int) and not isinstance(value, bool) and type_ == "decimal":
        value = str(value)
    text = "" if value is None else bounded(label, value, limit)
    return _of_type(label, type_, text, options) if text else None


def _of_type(label: str, type_: Type, text: str, options: Collection[str]) -> str:
    match type_:
        case "decimal":
            return _decimal(label, text)
        case "date":
            return _day(label, text)
        case "choice" if options:
            return _choice(label, text, options)
        case "email" if not _EMAIL.fullmatch(text):
            raise Refused("{field}: {value} is not an e-mail address.", field=label, value=short(text))
        case "phone" if not any(char.isdigit() for char in text):
            raise Refused("{field}: {value} is not a phone number.", field=label, value=short(text))
        case _:
            return text


def _decimal(label: str, text: str) -> str:
    plain = _plain(text)
    if not _DECIMAL.fullmatch(plain):
        raise Refused("{field}: {value} is not a number. Write it as 480000.00.", field=label, value=short(text))
    return plain.removeprefix("+")


def _plain(text: str) -> str:
    return re.sub(r"\s", "", ungrouped(unicodedata.normalize("NFKC", text)))


def ungrouped(number: str) -> str:
    """Without the commas between thousands; a comma anywhere else stays, and makes it no number."""
    return _GROUPS.sub("", number)


def _day(label: str, text: str) -> str:
    found = _iso(text) if _DAY.fullmatch(text) else None
    if found is None:
        raise Refused("{field}: {value} is not a date. Write it as 2026-12-01.", field=label, value=short(text))
    return found


def _iso(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _choice(label: str, text: str, options: Collection[str]) -> str:
    for option in options:
        if option.casefold() == text.casefold():
            return option
    raise Refused(
        "{field}: {value} is not one of {options}.", field=label, value=short(text), options=", ".join(options)
    )


# -- from a CRM to us


def heard(type_: Type, raw: object, options: Mapping[str, str] | None = None) -> tuple[Json, Odd]:
    """What a CRM says, as text of the declared type; None where it is empty there.

    `options`: ours by theirs. What is not of its type stays as it is spelled there, with the reason beside it.
    """
    if raw is None or (isinstance(raw, str) and not scrub(raw)):
        return None, ""
    match type_:
        case "decimal":
            return _number_heard(raw)
        case "date":
            return _day_heard(raw)
        case "choice":
            text, odd = _text_heard(raw)
            known = None if options is None else options.get(text)
            return (text, odd or ("unknown_choice" if options else "")) if known is None else (known, "")
        case _:
            return _text_heard(raw)


def _text_heard(raw: object) -> tuple[str, Odd]:
    match raw:
        case str():
            return scrub(raw), ""
        case bool():
            return ("true" if raw else "false"), ""
        case int() | float() | Decimal():
            return _number(raw), ""
        case date():  # a datetime is one
            return raw.isoformat(), ""
        case _:
            return scrub(_as_text(raw)), "not_a_text"


def _as_text(raw: object) -> str:
    try:
        return canonical(raw).decode()  # type: ignore[arg-type]  # what came out of JSON; anything else raises
    except (TypeError, ValueError):
        return str(raw)


def _number(raw: float | Decimal) -> str:
    """A float's own shortest spelling without an exponent; a whole one without a point."""
    if not math.isfinite(raw):
        return str(raw)
    text = format(Decimal(str(raw)), "f")
    return text.removesuffix(".0") if isinstance(raw, float) else text


def _number_heard(raw: object) -> tuple[str, Odd]:
    if isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        return _number(raw), ("" if math.isfinite(raw) else "not_a_number")
    text, odd = _text_heard(raw)
    plain = _plain(text)
    if odd or not _NUMBER.fullmatch(plain) or isinstance(raw, bool):
        return text, odd or "not_a_number"
    return format(Decimal(plain), "f"), ""


def _day_heard(raw: object) -> tuple[str, Odd]:
    if isinstance(raw, datetime):
        return raw.date().isoformat(), ""
    text, odd = _text_heard(raw)
    moment = _MOMENT.fullmatch(text)
    found = _iso(moment[1] if moment else text) if moment or _DAY.fullmatch(text) else None
    return (text, odd or "not_a_date") if found is None else (found, "")
