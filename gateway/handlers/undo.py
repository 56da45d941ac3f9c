"""The undo that stands on a customer's card for an hour after somebody edited it here."""

from __future__ import annotations

from cards.tree import Button
from gateway.handlers.conflicts import undo_of
from gateway.handlers.hearing import Heard
from gateway.services import Services

UNDO_MS = 3_600_000


def undo_button(s: Services, each: Heard, locale: str) -> Button | None:
    """For the newest value that a person set from a card, while nobody has built on it."""
    record = each.record
    recent = [
        (state.as_of, name, state)
        for name, state in each.standing.states.items()
        if name in record.fields
        and state.conflict is None
        and state.system in s.channels
        and s.clock.now() - state.as_of < UNDO_MS
        and name in s.config.fields
        and s.config.fields[name].editable
    ]
    if not recent:
        return None
    _, name, state = max(recent, key=lambda each: each[:2])
    return undo_of(s, record.ref.key, name, state, locale)
