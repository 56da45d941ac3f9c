"""Where text may be cut: never inside what a reader sees as one character.

The rules are those of Unicode's UAX #29 for extended grapheme clusters, simplified to the safe side: a cut is
refused in a few places where it would be allowed, never the reverse, for the scripts that Python's own
character data can tell.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_ZWJ: Final = "\u200d"
_BACK: Final = 64
"""How far a cut is moved back; a cluster longer than this is an attack and is cut through."""


def _joins_left(char: str) -> bool:
    if char < "\u0300":
        return False
    if char == _ZWJ or char == "\u200c" or "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f":
        return True
    return unicodedata.category(char) in {"Mn", "Me", "Mc"}


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _splits_flag(text: str, at: int) -> bool:
    if not (_is_flag_half(text[at]) and _is_flag_half(text[at - 1])):
        return False
    start = at
    while start and _is_flag_half(text[start - 1]):
        start -= 1
    return (at - start) % 2 == 1


def _is_virama(char: str) -> bool:
    return char >= "\u0900" and unicodedata.combining(char) == 9


def _splits_hangul(left: str, right: str) -> bool:
    if "\u1160" <= right <= "\u11ff" or "\ud7b0" <= right <= "\ud7ff":
        return "\u1100" <= left <= "\u11ff" or "\uac00" <= left <= "\ud7ff"
    leads = "\u1100" <= left <= "\u115f" or "\ua960" <= left <= "\ua97f"
    return leads and ("\u1100" <= right <= "\u115f" or "\uac00" <= right <= "\ud7a3")


def is_boundary(text: str, at: int) -> bool:
    """May `text` be cut before index `at`?"""
    if at <= 0 or at >= len(text):
        return True
    left, right = text[at - 1], text[at]
    if left == "\n" or (left == "\r" and right != "\n"):
        return True
    if left == "\r" or _joins_left(right):
        return False
    if right < "\u0300":
        return True
    if left == _ZWJ or _is_virama(left):
        return False
    return not (_splits_hangul(left, right) or _splits_flag(text, at))


def head(text: str, limit: int) -> str:
    """The longest beginning of at most `limit` characters that ends between graphemes."""
    if len(text) <= limit:
        return text
    for at in range(limit, max(limit - _BACK, 0), -1):
        if is_boundary(text, at):
            return text[:at]
    return text[: max(limit, 0)] if limit > _BACK else ""


def cut(text: str, limit: int) -> str:
    """`text` when it has at most `limit` characters, else its head and `…`, together at most `limit`."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    return head(text, limit - 1).rstrip() + "…"
