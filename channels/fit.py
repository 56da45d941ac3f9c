"""Making a card light enough for a network that takes so many bytes of one message and no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import orjson

from cards.graphemes import cut
from cards.tree import Card, FormField

ItemT = TypeVar("ItemT")

STEPS = (2_000, 500, 120, 30, 8)
"""Characters left in each text, tried one after the other."""
KEPT = frozenset({"name", "action", "data", "token", "url", "locale", "tone", "style", "kind", "level"})


def within(items: Sequence[ItemT], most: int, gap: ItemT) -> list[ItemT]:
    """Too many lose their middle, never the last: a card's footer says how old it is."""
    return list(items) if len(items) <= most else [*items[: most - 2], gap, items[-1]]


def lightest(card: Card, draw: Callable[[Card], dict[str, Any]], most: int) -> dict[str, Any]:
    """`draw(card)` in at most `most` bytes of JSON, its texts cut as little as that takes."""
    drawn = draw(card)
    for step in STEPS:
        if weight(drawn) <= most:
            return drawn
        drawn = draw(_shortened(card, step))
    return drawn


def weight(drawn: object) -> int:
    try:
        return len(orjson.dumps(drawn))
    except TypeError:  # half a surrogate
        return len(json.dumps(drawn, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def _shortened(part: Any, limit: int) -> Any:
    if isinstance(part, str):
        return cut(part, limit)
    if isinstance(part, tuple):
        return tuple(_shortened(each, limit) for each in part)
    # A form's fields hold what will be saved again: nothing of it is cut.
    if isinstance(part, FormField) or not is_dataclass(part) or isinstance(part, type):
        return part
    texts = {each.name: getattr(part, each.name) for each in fields(part) if each.name not in KEPT}
    return replace(part, **{name: _shortened(value, limit) for name, value in texts.items()})
