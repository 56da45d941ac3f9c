"""The deck, with a span for each card it draws."""

from __future__ import annotations

from typing import Any

from cards.deck import Deck
from cards.tree import Card
from gateway.telemetry import span


class TracedDeck(Deck):
    def draw(self, name: str, *, locale: str = "en", zone: str = "UTC", now: int, **facts: Any) -> Card:
        with span("draw", kind=name):
            return super().draw(name, locale=locale, zone=zone, now=now, **facts)
