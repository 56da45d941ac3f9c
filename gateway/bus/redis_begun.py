"""Which jobs were begun and never ended, by what an earlier process noted before it died."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

BEGUN_S = 7 * 86_400
"""For so long it is remembered."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Under which lease a job was handed out."""

    lane: str
    token: str
    id: str

    @property
    def job(self) -> str:
        """The same under every lease."""
        return f"{self.lane}/{self.id}"


class Begun:
    """Suspects alone are noted, so that an ordinary job costs nothing. Every method may raise what redis-py raises."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self._name = name
        self._running: dict[Hold, int] = {}
        self._spared: dict[Hold, int] = {}

    async def before(self, holds: Sequence[Hold]) -> list[int]:
        """How often each began and never ended."""
        if not holds:
            return []
        found: list[Any] = await self._redis.hmget(self._name, [each.job for each in holds])
        return [int(starts or 0) for starts in found]

    async def begin(self, hold: Hold, before: int) -> None:
        self._running[hold] = before
        await self._note(hold, before + 1)

    async def spare(self, hold: Hold) -> None:
        """It runs on, and that is not held against it."""
        if (before := self._running.get(hold)) is not None:
            await self._note(hold, before)

    async def ended(self, hold: Hold) -> None:
        """Told after the job's own end: what a crash in between leaves behind means nothing any more."""
        if self._running.pop(hold, None) is not None:
            await self._note(hold, 0)

    async def spared(self, holds: Iterable[Hold]) -> None:
        """What this process has no more while it goes on, as when Redis was away: it killed nobody. What could not be
        told is told with the next."""
        for hold in holds:
            if (before := self._running.pop(hold, None)) is not None:
                self._spared[hold] = before
        for hold, before in list(self._spared.items()):
            await self._note(hold, before)
            self._spared.pop(hold, None)

    async def close(self) -> None:
        """What was cut off in good order did not kill anybody."""
        await self.spared(list(self._running))

    async def _note(self, hold: Hold, starts: int) -> None:
        if not starts:
            await self._redis.hdel(self._name, hold.job)
            return
        await self._redis.hset(self._name, hold.job, str(starts))
        await self._redis.expire(self._name, BEGUN_S)
