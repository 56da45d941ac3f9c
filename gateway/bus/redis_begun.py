"""Which jobs were begun and never ended, by what an earlier process noted before it died."""

from __future__ import annotations

from collections.abc import Sequence
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

    async def before(self, holds: Sequence[Hold]) -> list[int]:
        """How often each began and never ended."""
        if not holds:
            return []
        found: list[Any] = await self._redis.hmget(self._name, [each.job for each in holds])
        return [int(starts or 0) for starts in found]

    async def begin(self, hold: Hold, before: int) -> None:
        self._running[hold] = before
        await self._note(hold, before + 1)

    async def ended(self, hold: Hold) -> None:
        """Told after the job's own end: what a crash in between leaves behind means nothing any more."""
        if self._running.pop(hold, None) is not None:
            await self._note(hold, 0)

    async def close(self) -> None:
        """What was cut off in good order did not kill anybody."""
        for hold, before in list(self._running.items()):
            await self._note(hold, before)

    async def _note(self, hold: Hold, starts: int) -> None:
        if not starts:
            await self._redis.hdel(self._name, hold.job)
            return
        await self._redis.hset(self._name, hold.job, str(starts))
        await self._redis.expire(self._name, BEGUN_S)
