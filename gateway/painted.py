"""Repaints that wait in a queue: one that begins serves all that were asked for before it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from gateway.bus.model import Bus, Delivery

MOST = 20_000
_NEVER, _BEFORE = -2, -1


class Painted:
    """Every change moves the epoch on before its repaint is queued, so an epoch says what a repaint has seen. Alone, a
    gateway has its own way with those it queued itself (`Spine._queue`); what one before it left is served likewise."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._process = secrets.token_hex(4)
        self._seen: dict[tuple[str, bytes], int] = {}
        """By what was painted: the epoch when that began."""
        self._newest = _NEVER

    def forget(self) -> None:
        """The epoch began anew."""
        self._seen = {}  # not cleared: a repaint that began before notes in the old one what it painted

    async def name(self, topic: str) -> str:
        """What a job is called that is queued now."""
        asked = await self._bus.epoch() if self._bus.shared else f"p{self._process}"
        return f"{topic}:{asked}.{secrets.token_hex(8)}"

    def once(self, work: Callable[[Delivery], Awaitable[None]]) -> Callable[[Delivery], Awaitable[None]]:
        """It does nothing when an equal one began here after this one had been asked for, and went through."""

        async def unless_served(delivery: Delivery) -> None:
            key, seen_then, newest = (delivery.job.topic, delivery.job.body), self._seen, self._newest
            now = await self._bus.epoch()
            if now < newest:  # Redis lost some: what is counted from here on was seen by nobody
                self.forget()
                self._newest, seen_then = now, self._seen
            else:  # lower than what was answered since this was asked, it was only overtaken
                self._newest = max(self._newest, now)
            whole = ("room", delivery.job.body.partition(b"\n")[0])  # a room painted anew was painted for each record
            seen = max(self._seen.get(key, _NEVER), self._seen.get(whole, _NEVER))
            if self._asked(delivery.job.once) <= seen <= now:
                return
            await work(delivery)
            if len(seen_then) >= MOST:
                seen_then.clear()
            seen_then[key] = now

        return unless_served

    def _asked(self, name: str) -> float:
        """In which epoch; without one it is painted whatever was painted before."""
        when, dot, _ = name.partition(":")[2].partition(".")
        if not dot:
            return float("inf")
        if self._bus.shared:
            return int(when) if when.isascii() and when.isdigit() else float("inf")
        return _BEFORE if when.startswith("p") and when != f"p{self._process}" else float("inf")
