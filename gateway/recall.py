"""What was looked up within one pass over a room's cards: forty customers are read once, not once a card."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Recall:
    """Lives as long as a pass. What was read counts only while nothing changed: `at` another epoch all is forgotten."""

    def __init__(self) -> None:
        self._epoch = -1
        self._known: dict[tuple[object, ...], tuple[object, asyncio.Future[Any]]] = {}

    def at(self, epoch: int) -> None:
        """Told before anything is drawn, with the epoch the drawing will be judged by."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._known = {}

    async def once(self, key: tuple[object, ...], holds: object, ask: Callable[[], Awaitable[T]]) -> T:
        """`holds` is kept alive as long as what was read for it: a part of the key may be its `id`."""
        found = self._known.get(key)
        if found is not None:
            known: T = await asyncio.shield(found[1])
            return known
        mine: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._known[key] = (holds, mine)
        try:
            result = await ask()
        except BaseException as broke:
            self._known.pop(key, None)
            mine.set_exception(broke if isinstance(broke, Exception) else RuntimeError("given up"))
            mine.exception()  # nobody else may be waiting for it
            raise
        mine.set_result(result)
        return result


class Recalls(Protocol):
    @property
    def recall(self) -> Recall | None: ...


async def recalled(s: Recalls, key: tuple[object, ...], ask: Callable[[], Awaitable[T]], holds: object = None) -> T:
    """Outside of a pass everything is read anew."""
    return await ask() if s.recall is None else await s.recall.once(key, holds, ask)
