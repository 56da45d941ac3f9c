"""The jobs that this process was handed and is not done with, each under the lease that it was read under."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from gateway.bus.model import Delivery, Job
from gateway.bus.redis_begun import Hold
from gateway.bus.redis_lanes import Held, Lanes
from gateway.bus.redis_wire import number

AT_HAND = 2_048
"""So many at most are read ahead of the worker."""
_LOOK_S = 0.2


class Hands:
    def __init__(self, lanes: Lanes) -> None:
        self.jobs: dict[Hold, Delivery] = {}
        self._lanes = lanes
        self._less = asyncio.Event()
        self._ended: set[Hold] | None = None
        """What was done with while a lane is taken up."""

    @property
    def room(self) -> int:
        return AT_HAND - len(self.jobs)

    async def until_room(self) -> None:
        self._less.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._less.wait(), _LOOK_S)

    def take(self, held: Held, id_: bytes, job: Job, tries: int, local: object, starts: int) -> Delivery | None:
        """What is to be run; None of what is in hand already, or was done with since it was asked for. `starts`: of a
        suspect, how often it began and never ended; else -1."""
        hold = Hold(held.lane, held.token, id_.decode())
        if hold in self.jobs or (self._ended is not None and hold in self._ended):
            return None
        held.working += 1
        taken = Delivery(number(id_), job, tries, local, hold, starts >= 0, max(starts, 0), number(id_) >> 20)
        self.jobs[hold] = taken
        return taken

    def done_with(self, hold: Hold) -> None:
        if self._ended is not None:
            self._ended.add(hold)
        if self.jobs.pop(hold, None) is None:
            return
        held = self._lanes.held.get(hold.lane)
        if held is not None and held.token == hold.token:
            held.working -= 1
        if self.room == 1:
            self._less.set()

    @contextlib.contextmanager
    def taking_up(self) -> Iterator[None]:
        """Around the question for all that was never acknowledged, and what is done with the answer: what was
        acknowledged in between stands in that answer, and is not to be run again."""
        self._ended = set()
        try:
            yield
        finally:
            self._ended = None

    def strangers(self) -> list[Hold]:
        """Those whose lease is not ours any more."""
        tokens = {each.token for each in self._lanes.held.values()}
        return [hold for hold in self.jobs if hold.token not in tokens]

    def drop(self, holds: list[Hold]) -> None:
        for hold in holds:
            self.jobs.pop(hold, None)
