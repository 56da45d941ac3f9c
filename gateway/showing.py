"""One showing of a slot on its way out. While it waits, whoever wants the same slot shown rides along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway.errors import Retry
from gateway.metrics import COALESCED
from gateway.outgoing.line import Ticket
from gateway.outgoing.model import Rank
from gateway.store.slots import Shown
from gateway.turn import Act, Hide, Show, Trail


class Look(Protocol):
    """What a slot should show when something changed since the act was drawn (else None); `surely` asks always."""

    def __call__(self, shown: Shown, *, surely: bool = False) -> Awaitable[Act | None]: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """An act, with what it takes to draw it again."""

    act: Show
    trail: Trail
    look: Look
    again: bool = False
    repaint: bool = False


@dataclass(slots=True, eq=False)
class Showing:
    wish: Wish
    rank: Rank
    ticket: Ticket | None = None
    riders: list[asyncio.Future[str | None]] = field(default_factory=list)
    hidden: bool = False
    """Somebody wants it taken away instead."""
    posted: bool = False

    async def joined(self, wish: Wish, rank: Rank) -> str | None:
        """The newer wish takes the place of the older; but a repaint knows nothing that the other's look will not
        see, and less of what it is about, and it brings back nothing that is to be taken away."""
        if not wish.repaint or self.wish.repaint:
            self.wish = replace(wish, again=wish.again or self.wish.again)
        self.hidden = self.hidden and wish.repaint
        COALESCED.labels(wish.act.slot.place.channel).inc()
        return await self._ride(rank)

    async def joined_to_hide(self, rank: Rank) -> None:
        self.hidden = True
        await self._ride(rank)

    def latest(self, found: Act | None) -> Act:
        return Hide(self.wish.act.slot) if self.hidden else found if found is not None else self.wish.act

    async def _ride(self, rank: Rank) -> str | None:
        self.rank = min(self.rank, rank)
        if self.ticket is not None:
            self.ticket.hurry(self.rank)
        rider: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.riders.append(rider)
        return await rider

    def ended(self, key: str | None) -> None:
        for rider in self.riders:
            if not rider.done():
                rider.set_result(key)

    def failed(self, why: BaseException) -> None:
        told = why if isinstance(why, Exception) else Retry(1.0, "it was given up before it was shown")
        for rider in self.riders:
            if not rider.done():
                rider.set_exception(told)
