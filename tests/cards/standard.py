"""The standard cards: every template with its standard facts, for every test that draws cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_origin, get_type_hints

from cards.deck import Deck
from cards.samples import NOW, Facts, samples
from cards.tree import Card

STANDARD: Final[Mapping[str, Facts]] = {name: cases[0] for name, cases in samples("en").items()}
"""The standard facts of each template, in English."""

ZONE: Final = "Asia/Shanghai"


@lru_cache(maxsize=1)
def deck() -> Deck:
    return Deck()


def draw(name: str, facts: Facts, locale: str = "en") -> Card:
    return deck().draw(name, locale=locale, zone=ZONE, now=NOW, **facts)


def standard_cards(locale: str = "en") -> dict[str, Card]:
    """One card of each template, by its name."""
    return {name: draw(name, cases[0], locale) for name, cases in samples(locale).items()}


def every_card(locale: str = "en") -> Iterator[Card]:
    """The standard cards and all of their other states."""
    for name, cases in samples(locale).items():
        for facts in cases:
            yield draw(name, facts, locale)


def hostile_cards(text: str, locale: str = "en") -> dict[str, Card]:
    """The standard cards with `text` in the place of every string that is not an address, a name or a token of ours."""
    return {name: draw(name, _replaced(dict(facts), text), locale) for name, facts in STANDARD.items()}


_OURS: Final = {"url", "action", "data", "token", "name", "field", "rule", "locale", "options", "trace"}


def _replaced(value: Any, text: str) -> Any:
    """The same facts with `text` for every string in them."""
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(_replaced(part, text) for part in value)
    if isinstance(value, dict):
        return {key: part if _is_ours(key, part) else _replaced(part, text) for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**_replaced_fields(value, text))
    return value


def _is_ours(key: str, part: Any) -> bool:
    return key == "tone" or (key in _OURS and isinstance(part, str))


def _replaced_fields(value: Any, text: str) -> dict[str, Any]:
    hints = get_type_hints(type(value))
    return {
        field.name: part
        if get_origin(hints[field.name]) is Literal or _kept(value, field.name, part)
        else _replaced(part, text)
        for field in fields(value)
        for part in [getattr(value, field.name)]
    }


def _kept(owner: Any, name: str, part: Any) -> bool:
    """Ours, unless it is a contact's name; choices of a form are ours too, and an empty text stays empty."""
    if type(owner).__name__ == "ContactView" and name == "name":
        return False
    of_strings = isinstance(part, tuple) and all(isinstance(each, str) for each in part)
    return part == "" or (name in _OURS and (isinstance(part, str) or (name == "options" and of_strings)))
