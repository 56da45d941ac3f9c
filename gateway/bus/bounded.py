"""A bus that takes no more than can be worked off: what is drawn later anyway is noted as owed instead of queued."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from gateway.bus.model import Bus, Deliver, Delivery, Job, Rank
from gateway.clock import Clock
from gateway.metrics import MADE_GOOD, SHED
from gateway.pressure import Pressure
from gateway.store.owed import OwedStore, debt
from gateway.telemetry import unpacked

RANKS: dict[str, Rank] = {
    "record": "card",
    "about": "card",
    "alert": "alert",
    "alert_to": "alert",
    "conflict": "alert",
    "room": "room",
    "slot": "room",
}
"""Of a topic. A room's and a slot's repaint also take away what somebody may not read any more."""
AT_ONCE = 200


class BoundedBus:
    """Every job but an event is about what is so by then, so that it can be published later as well."""

    def __init__(self, bus: Bus, pressure: Pressure, owed: OwedStore, clock: Clock) -> None:
        self._bus = bus
        self._pressure = pressure
        self._owed = owed
        self._clock = clock

    @property
    def shared(self) -> bool:
        return self._bus.shared

    @property
    def emptied(self) -> Callable[[], Awaitable[None]] | None:
        return self._bus.emptied

    @emptied.setter
    def emptied(self, call: Callable[[], Awaitable[None]] | None) -> None:
        self._bus.emptied = call

    @property
    def waiting(self) -> int:
        return self._bus.waiting

    def publish(self, job: Job, local: object = None) -> Coroutine[Any, Any, bool]:
        rank = RANKS.get(job.topic)
        if rank is None or not self._pressure.sheds(rank):
            return self._bus.publish(job, local)
        return self._owe(job)

    async def _owe(self, job: Job) -> bool:
        plain = replace(job, body=unpacked(job.body)[1])  # one debt, whichever turn brought it about
        await self._owed.put(debt(plain, self._clock.now()))
        SHED.labels(job.topic).inc()
        return True

    async def look(self) -> int:
        """Also publishes what is owed, oldest first, for as long as there is room for it."""
        done = await self._bus.look()
        while topics := [topic for topic, rank in RANKS.items() if not self._pressure.sheds(rank)]:
            some = await self._owed.oldest(topics, AT_ONCE)
            for each in some:
                if self._pressure.sheds(RANKS[each.topic]):
                    return done
                await self._bus.publish(each.job)
                await self._owed.paid(each)
                MADE_GOOD.labels(each.topic).inc()
                done += 1
            if len(some) < AT_ONCE:
                break
        return done

    async def start(self, deliver: Deliver) -> None:
        await self._bus.start(deliver)

    async def close(self) -> None:
        await self._bus.close()

    def holds(self, delivery: Delivery) -> bool:
        return self._bus.holds(delivery)

    async def begin(self, delivery: Delivery) -> None:
        await self._bus.begin(delivery)

    async def spare(self, delivery: Delivery) -> None:
        await self._bus.spare(delivery)

    async def ack(self, delivery: Delivery) -> None:
        await self._bus.ack(delivery)

    async def retry(self, delivery: Delivery, after: float) -> Delivery:
        return await self._bus.retry(delivery, after)

    async def park(self, delivery: Delivery, why: str) -> None:
        await self._bus.park(delivery, why)

    async def parked(self, after: int = 0, limit: int | None = None) -> list[tuple[Delivery, str]]:
        return await self._bus.parked(after, limit)

    async def aside(self) -> tuple[int, int | None]:
        return await self._bus.aside()

    async def replay(self, ids: list[int] | None = None) -> int:
        return await self._bus.replay(ids)

    async def discard(self, before: int) -> int:
        return await self._bus.discard(before)

    async def forget(self, before: int) -> int:
        return await self._bus.forget(before)

    async def epoch(self) -> int:
        return await self._bus.epoch()

    async def bump(self) -> None:
        await self._bus.bump()


_: type[Bus] = BoundedBus
