"""A share's code as it stands in a company's names: `600519.SH`, `SZSE:000001`, `(NASDAQ: AAPL)`, `0700.HK`.

Whoever writes one with its exchange means the company; the code alone is a number or a word as well, and says less.
Codes of fewer than three letters are heard with their exchange alone. Facts: the exchanges' own listings and the
suffixes that Reuters and Bloomberg write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

WITH_EXCHANGE = 0.95
NUMBER = 0.05  # six digits, as Shanghai and Shenzhen have, are an invoice's as well: only where the room speaks for it
LETTERS = 0.7

_EXCHANGES = "NASDAQ|NYSE|AMEX|SSE|SZSE|BSE|NSE|HKEX|SEHK|HKG|LSE|TSE|TYO|KRX|TWSE|FRA|XETRA|ETR|EPA|SIX|SWX|ASX|TSX"
_CODE = r"[A-Z0-9]{1,6}(?:[.-][A-Z])?"
_BEFORE = re.compile(rf"\b(?P<exchange>{_EXCHANGES})\s*[:：]\s*(?P<code>{_CODE})(?![A-Za-z0-9])")
_PLACES = "SH|SS|SZ|BJ|HK|US|OQ|O|N|L|T|KS|TW|DE|PA|SW|AX|TO"
_AFTER = re.compile(rf"(?<![A-Za-z0-9.])(?P<code>\d{{4,6}}|[A-Z]{{1,5}})\.(?P<exchange>{_PLACES})(?![A-Za-z0-9])")
_JOINED = re.compile(r"(?<![A-Za-z0-9])(?P<exchange>SH|SZ|BJ)(?P<code>\d{6})(?!\d)", re.IGNORECASE)
_ANY = "|".join(re.sub(r"\(\?P<\w+>", "(?:", form.pattern) for form in (_BEFORE, _AFTER, _JOINED))
_BRACKETED = re.compile(rf"\s*[(（\[【]\s*(?:{_ANY}|\d{{6}})\s*[)）\]】]")
_DIGITS = re.compile(r"\d{6}")
_CHINA = {"SH": "SH", "SS": "SH", "SSE": "SH", "SZ": "SZ", "SZSE": "SZ", "BJ": "BJ"}


def tickers(names: Iterable[str]) -> Iterator[tuple[str, float]]:
    """How people write the codes that stand in these names, each with its prior."""
    for name in names:
        plain = " ".join(name.split())[:200]
        for form in (_BEFORE, _AFTER, _JOINED):
            for found in form.finditer(plain):
                yield from _said(found["code"], found["exchange"].upper(), found[0])


def _said(code: str, exchange: str, written: str) -> Iterator[tuple[str, float]]:
    yield written, WITH_EXCHANGE
    if (place := _CHINA.get(exchange)) and _DIGITS.fullmatch(code):
        yield f"{code}.{place}", WITH_EXCHANGE
        yield f"{place}{code}", WITH_EXCHANGE
        yield code, NUMBER
    elif code.isalpha() and len(code) > 2:
        yield code, LETTERS


def without(name: str) -> str:
    """A name without its codes in brackets: of `Apple Inc. (NASDAQ: AAPL)`, `Apple Inc.`."""
    return _BRACKETED.sub("", name)
