"""The gate every call to a network goes through: its breaker, its turn, its permit, and what the network says of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from channels.model import Channel
from gateway.errors import Retry
from gateway.metrics import CALLED
from gateway.outgoing.breaker import Breakers
from gateway.outgoing.line import Line, Ticket, give_back
from gateway.outgoing.model import Bucket, Buckets, Rank, Taken, buckets_of
from gateway.telemetry import calling

T = TypeVar("T")


class Permit:
    """For one call. `run` makes it; `done` lets go of it, used or not."""

    def __init__(self, gate: Gate, channel: str, ticket: Ticket, taken: Taken) -> None:
        self._gate, self._channel, self._ticket, self._taken = gate, channel, ticket, taken
        self._used = False

    @property
    def method(self) -> str:
        return self._ticket.method

    @property
    def waited(self) -> bool:
        return self._ticket.waited

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        self._used, began = True, time.perf_counter()
        try:
            with calling("channel", self._channel, self.method):
                return await self._gate.breakers[self._channel].run(work)
        except Retry as tired:
            if tired.limit:
                await self._gate.shut(self._channel, self._ticket, tired)
            raise
        finally:
            CALLED.labels(self._channel, self.method).observe(time.perf_counter() - began)

    async def done(self) -> None:
        await self._gate.let_go(self._channel, self._ticket, self._taken, self._used)


class Gate:
    def __init__(self, channels: Mapping[str, Channel], buckets: Buckets, breakers: Breakers) -> None:
        self.breakers = breakers
        self._channels = channels
        self._buckets = buckets
        self._lines = {name: Line(name, buckets) for name in channels}

    @property
    def waiting(self) -> int:
        return sum(line.waiting for line in self._lines.values())

    def ticket(self, channel: str, method: str, room: str, rank: Rank) -> Ticket:
        return Ticket(method, buckets_of(channel, self._channels[channel].limits, method, room), rank)

    async def permit(self, channel: str, ticket: Ticket) -> Permit:
        """Raises `Retry` while the network does not answer, `Limited` when its turn is too far off."""
        self.breakers[channel].check()
        return Permit(self, channel, ticket, await self._lines[channel].permit(ticket))

    async def run(self, channel: str, method: str, room: str, rank: Rank, work: Callable[[], Awaitable[T]]) -> T:
        permit = await self.permit(channel, self.ticket(channel, method, room, rank))
        try:
            return await permit.run(work)
        finally:
            await permit.done()

    async def let_go(self, channel: str, ticket: Ticket, taken: Taken, used: bool) -> None:
        with contextlib.suppress(Retry):  # a hold ends by itself
            for bucket in ticket.buckets:
                if not used:
                    await give_back(self._buckets, (bucket,), taken)
                elif bucket.held:
                    await self._buckets.done(bucket, taken.hold, used=True)
                if bucket.held:
                    self._lines[channel].freed(bucket)

    async def shut(self, channel: str, ticket: Ticket, tired: Retry) -> None:
        """The network named a time: the narrowest bucket it can have meant is closed until then."""
        bucket = _meant(ticket.buckets, tired.limit)
        self._lines[channel].shut(bucket, tired.after)
        with contextlib.suppress(Retry):
            await self._buckets.shut(bucket, tired.after)

    async def close(self) -> None:
        for line in self._lines.values():
            await line.close()
        await self._buckets.close()


class Calls:
    """The calls of one showing: the first uses the permit it waited for, each further one gets its own."""

    def __init__(self, gate: Gate, channel: str, rank: Rank, permit: Permit | None = None) -> None:
        self._gate, self._channel, self._rank, self._permit = gate, channel, rank, permit
        self.late: Callable[[], bool] | None = None
        """Whether one that began now might end when the showing is another's to do."""

    async def __call__(self, method: str, room: str, work: Callable[[], Awaitable[T]]) -> T:
        if self._permit is not None and self._permit.method != method:
            await self.done()
        permit, self._permit = self._permit, None
        if permit is None:
            ticket = self._gate.ticket(self._channel, method, room, self._rank)
            permit = await self._gate.permit(self._channel, ticket)
        try:
            if self.late is not None and self.late():
                raise Retry(0.5, f"{self._channel} was too slow to go on with this")
            return await permit.run(work)
        finally:
            await permit.done()

    async def done(self) -> None:
        permit, self._permit = self._permit, None
        if permit is not None:
            await permit.done()


def _meant(buckets: tuple[Bucket, ...], limit: str) -> Bucket:
    wider = {"room": ("room", "method", "network"), "method": ("method", "room", "network")}.get(limit, ("network",))
    return next(bucket for scope in wider for bucket in buckets if bucket.scope == scope)
