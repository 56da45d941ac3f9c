"""Many askers, one call at a time: whoever comes while one is on its way goes with the next."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

I = TypeVar("I")  # noqa: E741 -- what is asked
R = TypeVar("R")
SLOW_S = 1.0
"""What took longer than this to fail is everybody's: nobody waits through it once more."""


class Together(Generic[I, R]):
    """`call(items) -> results`, one an item. Raising, it fails those items alone; having taken `SLOW_S` for it,
    whoever waits as well.

    At most `count` items go in one call, and so many that their `weight` together stays within `heavy`; one that is
    heavier than that goes alone. Whoever is cancelled takes nothing back: what was asked is on its way.
    """

    def __init__(
        self, call: Callable[[Sequence[I]], Awaitable[Sequence[R]]], count: int, weight: Callable[[I], int], heavy: int
    ) -> None:
        self._call = call
        self._count = count
        self._weight = weight
        self._heavy = heavy
        self._waiting: deque[tuple[I, asyncio.Future[R]]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closed: Exception | None = None

    async def ask(self, item: I) -> R:
        if self._closed is not None:
            raise self._closed
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await answer

    async def close(self, why: Exception) -> None:
        """Whoever still waits is told `why`."""
        self._closed = why
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self._tell_all(why)  # also those whom a run would have served that never began

    async def _run(self) -> None:
        try:
            while self._waiting and self._closed is None:
                await self._some(self._next())
        finally:
            self._running = None
            self._tell_all(self._closed or asyncio.CancelledError())

    def _next(self) -> list[tuple[I, asyncio.Future[R]]]:
        some = [self._waiting.popleft()]
        room = self._heavy - self._weight(some[0][0])
        while self._waiting and len(some) < self._count and (room := room - self._weight(self._waiting[0][0])) >= 0:
            some.append(self._waiting.popleft())
        return some

    async def _some(self, some: list[tuple[I, asyncio.Future[R]]]) -> None:
        answers = [answer for _, answer in some]
        began = time.monotonic()
        try:
            results = await self._call([item for item, _ in some])
            told = list(zip(answers, results, strict=True))
        except asyncio.CancelledError as cut:
            _tell(answers, self._closed or cut)
            raise
        except Exception as broke:
            _tell(answers, broke)
            if time.monotonic() - began > SLOW_S:
                self._tell_all(broke)
            return
        for answer, result in told:
            if not answer.done():
                answer.set_result(result)

    def _tell_all(self, broke: BaseException) -> None:
        _tell([answer for _, answer in self._waiting], broke)
        self._waiting.clear()


def _tell(answers: Sequence[asyncio.Future[R]], broke: BaseException) -> None:
    for answer in answers:
        if answer.done():
            continue
        if isinstance(broke, asyncio.CancelledError):
            answer.cancel()
        else:
            answer.set_exception(broke)
