"""The fields of an account: their types, and how a value is spelled here."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from crm.model import FieldInfo
from gateway.errors import Refused
from reconcile.model import Json

TIERS = ("VIP", "key", "standard", "trial")
STAGES = ("lead", "qualified", "negotiation", "won", "lost")

FIELDS: tuple[FieldInfo, ...] = (
    FieldInfo("phone", "Phone", "phone"),
    FieldInfo("email", "Email", "email"),
    FieldInfo("address", "Address", "text"),
    FieldInfo("city", "City", "text"),
    FieldInfo("industry", "Industry", "text"),
    FieldInfo("tier", "Tier", "choice", TIERS),
    FieldInfo("stage", "Stage", "choice", STAGES),
    FieldInfo("renewal", "Renewal", "date"),
    FieldInfo("amount", "Amount", "decimal"),
    FieldInfo("credit_limit", "Credit limit", "decimal"),
    FieldInfo("website", "Website", "text"),
    FieldInfo("description", "Description", "text"),
)
KNOWN = {info.name: info for info in FIELDS}

NAME_LIMIT = 200
NOTE_LIMIT = 20_000
LIMITS = {"description": 20_000}
LIMIT = 2_000

_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,6})?")
_GROUPS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?:[^0-9]|$))")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def scrub(text: str) -> str:
    """Without the surrounding blanks; NUL and lone surrogates, which no database text holds, as U+FFFD."""
    return _UNSTORABLE.sub("�", text).strip()


def short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


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


def clean(field: str, value: Json) -> str | None:
    """The value as this CRM spells it; None clears. Raises `Refused` for a field or value it does not take."""
    info = KNOWN.get(field)
    if info is None:
        raise Refused("The CRM has no field called {field}.", field=short(field))
    if isinstance(value, int) and not isinstance(value, bool) and info.type == "decimal":
        value = str(value)
    text = "" if value is None else bounded(info.label, value, LIMITS.get(field, LIMIT))
    return _spelled(info, text) if text else None


def _spelled(info: FieldInfo, text: str) -> str:
    match info.type:
        case "decimal":
            return _decimal(info.label, text)
        case "date":
            return _day(info.label, text)
        case "choice":
            return _choice(info, text)
        case "email" if not _EMAIL.fullmatch(text):
            raise Refused("{field}: {value} is not an e-mail address.", field=info.label, value=short(text))
        case "phone" if not any(char.isdigit() for char in text):
            raise Refused("{field}: {value} is not a phone number.", field=info.label, value=short(text))
        case _:
            return text


def _decimal(label: str, text: str) -> str:
    plain = re.sub(r"\s", "", ungrouped(unicodedata.normalize("NFKC", text)))
    if not _DECIMAL.fullmatch(plain):
        raise Refused("{field}: {value} is not a number. Write it as 480000.00.", field=label, value=short(text))
    return plain.removeprefix("+")


def ungrouped(number: str) -> str:
    """Without the commas between thousands; a comma anywhere else stays, and makes it no number."""
    return _GROUPS.sub("", number)


def _day(label: str, text: str) -> str:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise Refused("{field}: {value} is not a date. Write it as 2026-12-01.", field=label, value=short(text))


def _choice(info: FieldInfo, text: str) -> str:
    for option in info.options:
        if option.casefold() == text.casefold():
            return option
    raise Refused(
        "{field}: {value} is not one of {options}.",
        field=info.label,
        value=short(text),
        options=", ".join(info.options),
    )
