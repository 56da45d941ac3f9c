"""A card as JSON, one object per block."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from cards import tree
from cards.inert import inert, legal, safe_url
from cards.tree import Card
from channels import model
from channels.fit import lightest, within

LIMITS = model.Limits(
    text=10_000,
    title=300,
    button_label=80,
    button_data=2_000,
    buttons=10,
    blocks=200,
    bytes=500_000,
    form_fields=50,
    room_rate=1_000.0,  # the other end is ours as well: no more than what keeps one room from taking all of it
    total_rate=4_000.0,
    deadline=5.0,
    editable_for=None,
    room_burst=200,
    total_burst=800,
    idempotent=True,
)
_RETURNING = frozenset({"action", "data", "name", "token"})  # come back to us as they went out
_ONE_LINE = frozenset({"label", "title", "date", "who", "when", "due", "word", "as_of", "trace"})
_SHORT = {(tree.Title, "text"): LIMITS.title, (tree.Button, "label"): LIMITS.button_label}
_PARTS = (
    *(tree.Title, tree.Text, tree.Heading, tree.Fact, tree.Note, tree.OpenItem, tree.Risk, tree.Row, tree.Columns),
    *(tree.Divider, tree.Link, tree.Code, tree.Actions, tree.Form, tree.Footer),
    *(tree.Badge, tree.Button, tree.Column, tree.FormField),
)


def draw(card: Card) -> dict[str, Any]:
    """The card as JSON, one object per block: `type` and the block's own fields. Text is raw and inert."""
    return lightest(card, _card, LIMITS.bytes)


def _card(card: Card) -> dict[str, Any]:
    blocks = within(card.blocks, LIMITS.blocks, tree.Text("…"))
    return {
        "name": card.name,
        "summary": inert(card.summary, limit=LIMITS.title, lines=False),
        "tone": card.tone,
        "locale": card.locale,
        "blocks": [{"type": _snake(type(block).__name__), **_part(block)} for block in blocks],
    }


def _part(part: object) -> dict[str, Any]:
    if type(part) not in _PARTS:
        raise TypeError(f"channels.web cannot draw a {type(part).__name__}")
    names = [field.name for field in fields(part)]  # type: ignore[arg-type]
    drawn = {name: _value(name, getattr(part, name), _SHORT.get((type(part), name), LIMITS.text)) for name in names}
    if isinstance(part, tree.FormField):
        # What is saved again unchanged must be what was there.
        drawn |= {"value": legal(part.value), "options": [legal(option) for option in part.options]}
    return drawn


def _value(key: str, value: object, limit: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _string(key, value, limit)
    if isinstance(value, tuple):
        return [_value(key, item, limit) for item in value]
    return _part(value)


def _string(key: str, value: str, limit: int) -> str:
    if key in _RETURNING:
        return value
    return safe_url(value) if key == "url" else inert(value, limit=limit, lines=key not in _ONE_LINE)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
