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
    found = hashlib.blake2b(digest_size=16)
    _feed(found.update, card, meaning)
    return found.hexdigest()


def _feed(put: Callable[[bytes], None], value: Any, meaning: Callable[[str], str]) -> None:
    """Each value with its kind and length before it, so that no two trees write the same bytes."""
    if isinstance(value, str):
        encoded = value.encode("utf-8", "surrogatepass")
        put(b"s%d:" % len(encoded) + encoded)
    elif isinstance(value, tuple):
        put(b"(%d:" % len(value))
        for part in value:
            _feed(put, part, meaning)
    elif is_dataclass(value) and not isinstance(value, type):
        _feed_block(put, value, meaning)
    else:
        put(b"v%r;" % (value,))


def _feed_block(put: Callable[[bytes], None], block: Any, meaning: Callable[[str], str]) -> None:
    kind: Any = type(block)
    tokens = _TOKENS.get(kind, frozenset())
    put(b"<%s:" % kind.__name__.encode())
    for name in _stable(kind):
        value = getattr(block, name)
        put(b"%s=" % name.encode())
        _feed(put, meaning(value) if name in tokens else value, meaning)
    put(b">")


@lru_cache(maxsize=64)
def _stable(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in _VOLATILE.get(kind, frozenset()))
