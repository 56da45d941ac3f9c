"""Has a card changed? Equal cards have equal digests; a moment passing is no change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Final

from cards.tree import Button, Card, Footer, Form, FormField

_VOLATILE: Final[dict[type, frozenset[str]]] = {Footer: frozenset({"as_of", "at"})}
_TOKENS: Final[dict[type, frozenset[str]]] = {
    Button: frozenset({"data"}),
    Form: frozenset({"data"}),
    FormField: frozenset({"token"}),
}


def _same(token: str) -> str:
    return token


def digest(card: Card, meaning: Callable[[str], str] = _same) -> str:
    """32 hex digits over everything a reader sees and every press does, the same in every process and release.

    Left out is only the footer's *as of*, which moves each time a card is computed. Words for times are in:
    a template writes absolute ones, and they change at midnight at most ("10:32" becomes "Nov 21 10:32"), when
    the card is due to be drawn afresh anyway. `meaning` says what a signed token stands for, without signature
    and expiry: give it when tokens differ each time they are minted, else every card would look changed.
    """
    parts: list[bytes] = []
    _feed(parts.append, card, meaning)
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()


def _feed(put: Callable[[bytes], None], value: Any, meaning: Callable[[str], str]) -> None:
    """Each value with its kind and length before it, so that no two trees write the same bytes."""
    kind: Any = type(value)
    if isinstance(value, str):
        encoded = value.encode("utf-8", "surrogatepass")
        put(b"s%d:%b" % (len(encoded), encoded))
    elif isinstance(value, tuple):
        put(b"(%d:" % len(value))
        for part in value:
            _feed(put, part, meaning)
    elif _is_block(kind):
        _feed_block(put, kind, value, meaning)
    else:
        put(b"v%r;" % (value,))


def _feed_block(put: Callable[[bytes], None], kind: Any, block: Any, meaning: Callable[[str], str]) -> None:
    put(b"<%b:" % kind.__name__.encode())
    for name, key, is_token in _stable(kind):
        put(key)
        value = getattr(block, name)
        _feed(put, meaning(value) if is_token else value, meaning)
    put(b">")


@lru_cache(maxsize=64)
def _is_block(kind: Any) -> bool:
    return is_dataclass(kind)


@lru_cache(maxsize=64)
def _stable(kind: Any) -> tuple[tuple[str, bytes, bool], ...]:
    """Of each field that counts its name, what stands before its value, and whether it is a token."""
    names = [field.name for field in fields(kind) if field.name not in _VOLATILE.get(kind, ())]
    return tuple((name, b"%b=" % name.encode(), name in _TOKENS.get(kind, ())) for name in names)
