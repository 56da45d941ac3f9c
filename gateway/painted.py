"""Repaints that wait in a queue of several gateways: one that begins serves all that were asked for before it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from gateway.bus.model import Bus, Delivery

MOST = 20_000


class Painted:
    """Every change moves the epoch on before its repaint is queued, so an epoch says what a repaint has seen."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._seen: dict[tuple[str, bytes], int] = {}
        """By what was painted: the epoch when that began."""

    def forget(self) -> None:
        """The epoch began anew."""
        self._seen.clear()

    async def name(self, topic: str) -> str:
        """What a job is called that is queued now."""
        asked = f"{await self._bus.epoch()}." if self._bus.shared else ""
        return f"{topic}:{asked}{secrets.token_hex(8)}"

    def once(self, work: Callable[[Delivery], Awaitable[None]]) -> Callable[[Delivery], Awaitable[None]]:
        """It does nothing when an equal one began here after this one had been asked for, and went through."""

        async def unless_served(delivery: Delivery) -> None:
            key, now = (delivery.job.topic, delivery.job.body), await self._bus.epoch()
            whole = ("room", delivery.job.body.partition(b"\n")[0])  # a room painted anew was painted for each record
            seen = max(self._seen.get(key, -1), self._seen.get(whole, -1))
            if _asked(delivery.job.once) <= seen <= now:
                return
            await work(delivery)
            if len(self._seen) >= MOST:
                self._seen.clear()
            self._seen[key] = now

        return unless_served if self._bus.shared else work


def _asked(name: str) -> float:
    epoch, dot, _ = name.partition(":")[2].partition(".")
    return int(epoch) if dot and epoch.isascii() and epoch.isdigit() else float("inf")
