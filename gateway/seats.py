"""Few work at a time, since they share one processor with the door; whoever waits for the other side makes room.

A seat is given back once and not taken again: nobody who holds a lock ever waits for one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar


class _Seat:
    __slots__ = ("_free", "_left")

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free, self._left = free, False

    def leave(self) -> None:
        if not self._left:
            self._left = True
            self._free.release()


_mine: ContextVar[_Seat | None] = ContextVar("seat", default=None)


class Seats:
    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        await self._free.acquire()
        seat = _Seat(self._free)
        token = _mine.set(seat)
        try:
            yield
        finally:
            _mine.reset(token)
            seat.leave()


def step_aside() -> None:
    """Whoever is about to wait for a network lets another one work; nothing, for who has no seat."""
    seat = _mine.get()
    if seat is not None:
        seat.leave()
