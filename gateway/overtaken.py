"""Messages that were edited or deleted lately: their first words, told only then, are no news any more."""

from __future__ import annotations

KEPT = 20_000
"""In the memory of one process: a delivery that was overtaken comes within minutes, and a room has one lane."""


class Overtaken:
    def __init__(self) -> None:
        self._known: dict[tuple[str, str], None] = {}

    def note(self, room_key: str, message: str) -> None:
        self._known.pop((room_key, message), None)
        self._known[room_key, message] = None
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]

    def knows(self, room_key: str, message: str) -> bool:
        return (room_key, message) in self._known
