"""One spelling per value: canonical JSON, the fields' normalisers, and what a field of a type may hold."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from json.encoder import encode_basestring
from math import isfinite
from typing import Final

import phonenumbers

from reconcile.model import Json

NORMALISER_VERSION: Final = "1"
MAX_LENGTH: Final = 3000
_MAX_DEPTH: Final = 64

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\.]+(\.[^\s@,;:<>()\[\]\"\\.]+)+")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_PHONE = re.compile(r"\+?[0-9*#][0-9\s().,;/*#-]*((ext|x|转)\.?\s*[0-9]{1,8})?", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def canonical(value: Json) -> bytes:
    """The one spelling of a JSON value, as UTF-8: keys sorted by code point, no space, strings in NFC.

    A number with a fraction is written as the string of its decimal digits, one without as an integer, so 7.0 is
    7 and 1.5 is "1.5". Raises ValueError for what JSON cannot say for sure: NaN, infinities, lone surrogates,
    two keys that NFC makes one, more than 64 levels.
    """
    if isinstance(value, str):
        return encode_basestring(_text(value)).encode("utf-8")
    return _ENCODE(_plain(value, 0)).encode("utf-8")


def _plain(value: Json, depth: int) -> Json:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if depth >= _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return _object(value, depth + 1)
    raise ValueError(f"not a JSON value: {type(value).__name__}")


def _text(value: str) -> str:
    return value if value.isascii() else _nfc(value)


def _nfc(text: str) -> str:
    text.encode("utf-8")  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    return unicodedata.normalize("NFC", text)


def _number(value: float) -> Json:
    if not isfinite(value):
        raise ValueError("not a finite number")
    return int(value) if value.is_integer() else format(Decimal(repr(value)), "f")


def _object(value: Mapping[str, Json], depth: int) -> Json:
    if not all(isinstance(key, str) for key in value):
        raise ValueError("a key that is not a string")
    out = {_nfc(key): _plain(item, depth) for key, item in value.items()}
    if len(out) != len(value):
        raise ValueError("two keys are the same after NFC")
    return out


def sound(value: Json) -> bool:
    """Whether `value` has a canonical spelling."""
    if value is None or isinstance(value, bool) or (isinstance(value, str) and value.isascii()):
        return True
    try:
        canonical(value)
    except ValueError:
        return False
    return True


def normalise(normaliser: str, value: Json) -> Json:
    """The image `value` is compared by. What the normaliser rejects is returned as it is.

    `phone:CN` reads numbers without a country code as Chinese. Raises ValueError for an unknown normaliser.
    """
    name, _, region = normaliser.partition(":")
    image = _phone(value, region or None) if name == "phone" else _rule(name)(value)
    return value if image is None else image


def _rule(name: str) -> Callable[[Json], Json]:
    try:
        return _RULES[name]
    except KeyError:
        raise ValueError(f"no normaliser is called {name!r}") from None


def known_normaliser(normaliser: str) -> bool:
    name, _, region = normaliser.partition(":")
    if name == "phone":
        return not region or region in phonenumbers.SUPPORTED_REGIONS
    return name in _RULES and not region


def _trimmed(value: Json) -> Json:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else None


def _email(value: Json) -> Json:
    text = unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""
    return text.casefold() if _EMAIL.fullmatch(text) else None


def _decimal(value: Json) -> Json:
    number = as_decimal(value)
    return None if number is None else decimal_text(number)


def as_decimal(value: Json) -> Decimal | None:
    """The number a JSON number or plain decimal string says, exactly; None for anything else, exponents included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if isfinite(value) else None
    if not isinstance(value, str):
        return None
    text = unicodedata.normalize("NFKC", value).strip()
    return Decimal(text) if len(text) <= MAX_LENGTH and _DECIMAL.fullmatch(text) else None


def decimal_text(number: Decimal) -> str:
    """Plain digits, no exponent, no trailing zero, no negative zero."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = text.lstrip("+")
    return "0" if text in {"-0", ""} else text


def _phone(value: Json, region: str | None) -> Json:
    if not isinstance(value, str):
        return None
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # E.164 has no room for an extension, and two desks behind one switchboard are not one number
    return f"{e164};ext={number.extension}" if number.extension else e164


_RULES: Final[Mapping[str, Callable[[Json], Json]]] = {
    "identity": lambda value: value,
    "trimmed": _trimmed,
    "email": _email,
    "decimal": _decimal,
}


def image(normaliser: str, value: Json) -> bytes:
    """What two values are compared by; equal bytes are one value. Raises ValueError like `canonical`."""
    return canonical(value if normaliser == "identity" else normalise(normaliser, value))


def equal(normaliser: str, a: Json, b: Json) -> bool:
    return image(normaliser, a) == image(normaliser, b)


def valid(type_: str, value: Json, choices: Sequence[str] = ()) -> str | None:
    """What is wrong with `value` for a field of this type, as an English message id; None when nothing is.

    Types: text, phone, email, decimal, date, choice. null is always right: it clears the field. Raises ValueError
    for an unknown type.
    """
    check = _TYPES.get(type_.partition(":")[0])
    if check is None:
        raise ValueError(f"no field type is called {type_!r}")
    if value is None:
        return None
    return _storable(type_, value) or check(value, choices)


def _storable(type_: str, value: Json) -> str | None:
    if type_ == "decimal" and isinstance(value, int | float) and not isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return "This field takes text."
    if len(value) > MAX_LENGTH:
        return "This is too long: at most 3000 characters."
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\r\t" for c in value):
        return "This contains characters that cannot be stored."
    return None


def _check_text(value: Json, choices: Sequence[str]) -> str | None:
    return None


def _check_phone(value: Json, choices: Sequence[str]) -> str | None:
    text = unicodedata.normalize("NFKC", str(value)).strip()
    right = len(text) <= 64 and _PHONE.fullmatch(text) and 3 <= sum(c.isdigit() for c in text) <= 24
    return None if right else "This is not a phone number."


def _check_email(value: Json, choices: Sequence[str]) -> str | None:
    text = str(value).strip()
    return None if len(text) <= 254 and _EMAIL.fullmatch(text) else "This is not an e-mail address."


def _check_decimal(value: Json, choices: Sequence[str]) -> str | None:
    return "This is not a number." if as_decimal(value) is None else None


def _check_date(value: Json, choices: Sequence[str]) -> str | None:
    text = str(value).strip()
    try:
        right = _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        right = False
    return None if right else "This is not a date; write it as 2026-12-31."


def _check_choice(value: Json, choices: Sequence[str]) -> str | None:
    right = value in choices if choices else bool(str(value).strip())
    return None if right else "This is not one of the choices."


_TYPES: Final[Mapping[str, Callable[[Json, Sequence[str]], str | None]]] = {
    "text": _check_text,
    "phone": _check_phone,
    "email": _check_email,
    "decimal": _check_decimal,
    "date": _check_date,
    "choice": _check_choice,
}
