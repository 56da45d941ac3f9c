"""All cards of a room drawn again: the newest first, some side by side, what was read for one used for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.outgoing.model import Limited
from gateway.recall import Recall
from gateway.redraw import redraw
from gateway.services import Services
from gateway.show import unwanted
from gateway.store.slots import Shown
from gateway.turn import Act, Hide, Trail, new_trail

PAINTERS = 16
"""So many cards of a room are repainted side by side."""
TIRED_AFTER = 32
"""So many of a room's cards may be put off by the network before the others are not even tried."""


class Take(Protocol):
    """Shows or hides as the spine does."""

    def __call__(self, act: Act, trail: Trail, epoch: int, **how: bool) -> Awaitable[bool]: ...


@dataclass(slots=True)
class _Pass:
    trail: Trail
    services: Services
    recall: Recall
    slots: Iterator[Shown]
    painted: int = 0
    broken: list[Exception] = field(default_factory=list)
    put_off: list[Shown] = field(default_factory=list)
    """By our own limits, which whoever was being drawn just then came to."""
    limited: Limited | None = None
    wide: int = PAINTERS
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PAINTERS))

    @property
    def over(self) -> bool:
        return self.limited is not None or sum(isinstance(why, Retry) for why in self.broken) >= TIRED_AFTER

    def widen(self) -> None:
        """One more at a time for each that went out after the first."""
        if self.painted > 1 and self.wide < PAINTERS:
            self.wide += 1
            self.turns.release()


class Repainter:
    def __init__(self, services: Services, take: Take) -> None:
        self._s = services
        self._take = take
        self._limited: set[str] = set()
        """Rooms that came to our limits when they were painted last. What may not go out was drawn in vain, so they
        begin again one card at a time."""

    async def run(self, room: str, slots: Iterable[Shown]) -> Sequence[Shown]:
        """All of them, even if one of them breaks; raises what broke. A network that is tired of it is left alone.

        What our own limits put off is returned when anything was painted, so that others of this room get their turn
        in between; when nothing was, `Limited` is raised.
        """
        ordered = sorted((shown for shown in slots if shown.message is not None), key=lambda each: -each.painted_at)
        recall = Recall()
        it = _Pass(new_trail(room), replace(self._s, recall=recall), recall, iter(ordered))
        if room in self._limited:
            it.wide, it.turns = 1, asyncio.Semaphore(1)
        try:
            await asyncio.gather(*(self._painter(it) for _ in range(min(PAINTERS, len(ordered)))))
        finally:
            await self._s.trail.write(it.trail)
            (self._limited.discard if it.limited is None else self._limited.add)(room)
        if it.broken:
            raise _worst(it)
        if it.limited is not None and not it.painted:
            raise it.limited
        return [*it.put_off, *it.slots] if it.limited is not None else ()

    async def _painter(self, it: _Pass) -> None:
        while not it.over:
            async with it.turns:
                shown = next(it.slots, None) if not it.over else None
                if shown is None:
                    return
                await self._tried(shown, it)

    async def _tried(self, shown: Shown, it: _Pass) -> None:
        try:
            await self._one(shown, it)
        except Limited as limited:
            it.limited = limited
            it.put_off.append(shown)
        except Exception as why:
            it.broken.append(why)

    async def _one(self, shown: Shown, it: _Pass) -> None:
        """Told in the trail only where what is shown became another."""
        told = Trail(it.trail.turn, it.trail.room)
        epoch = await self._s.bus.epoch()
        it.recall.at(epoch)
        act = Hide(shown.slot) if unwanted(shown) else await redraw(it.services, shown, told)
        if act is not None:
            await self._take(act, told, epoch, repaint=True)
        if any(step.step in ("shown", "removed", "not_taken") for step in told.steps):
            it.trail.steps += told.steps
            it.painted += 1
            it.widen()


def _worst(it: _Pass) -> Exception:
    """What brings the job back for longest: a card that no second try would help keeps no other from its own."""
    tired = [why for why in it.broken if isinstance(why, Retry)]
    bugs = [why for why in it.broken if not isinstance(why, Refused | Rejected | Unreadable)]
    return next(iter([*tired, *([it.limited] if it.limited else []), *bugs, *it.broken]))
