"""Wakes whoever waits for something new, and carries what must never be stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.chat.model import Json


class Bell:
    """Take `next()` before looking; if there was nothing, wait for it: no ring is missed in between."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def next(self) -> asyncio.Event:
        return self._event

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()


class Windows:
    """The open windows of each person: where a form asked for with a trigger appears."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str, asyncio.Queue[Json | None]]] = []

    @contextmanager
    def opened(self, person: str, window: str) -> Iterator[asyncio.Queue[Json | None]]:
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        seat = (person, window, queue)
        self._open.append(seat)
        try:
            yield queue
        finally:
            self._open.remove(seat)

    def put(self, person: str, window: str, what: Json) -> bool:
        """False when nobody looks. A named window that is still open gets it alone."""
        theirs = [seat for seat in self._open if seat[0] == person]
        exact = [seat for seat in theirs if seat[1] == window]
        for _, _, queue in exact or theirs:
            queue.put_nowait(what)
        return bool(theirs)

    def close(self) -> None:
        """Tells every open window that the house closes."""
        for _, _, queue in self._open:
            queue.put_nowait(None)
