"""Member lists are asked for again before they are too old to be believed, wherever something is up that was drawn by
one. Who came unheard, or a list that is not to be had any more, shrinks what is posted without any traffic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from channels.model import Place
from gateway.errors import Retry
from gateway.outgoing.model import Limited
from gateway.rooms import FRESH_MS, LOOKED_MS, Rooms
from gateway.services import Services

log = logging.getLogger("floatcard.rooms")

EVERY_S: Final = 2.0
AGAIN_MS: Final = 60_000
"""After a list that could not be had; twice as long after each further time."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Of a list that cannot be had. `shrunk`: it has become too old, and the room was drawn again for it."""

    at: int
    wait: int = AGAIN_MS
    shrunk: bool = False


class Lists:
    """`refresh` draws a room's cards again."""

    def __init__(self, services: Services, refresh: Callable[[str], Awaitable[None]]) -> None:
        self._s = services
        self._refresh = refresh
        self._doubts: dict[str, _Doubt] = {}
        self._inherited: set[str] | None = None
        """Rooms whose list was too old when this began to look: what is up there may have shrunk for whoever looked
        before."""

    @property
    def _rooms(self) -> Rooms:
        return self._s.rooms

    async def run(self) -> None:
        """One gateway asks, for all of them."""
        self._inherited = None
        await _again_and_again(self.once)

    async def follow(self) -> None:
        """Each draws again what it found out itself, for whatever card it asked."""
        await _again_and_again(self.grown)

    async def grown(self) -> int:
        """How many rooms were found to have others in them, and are drawn again."""
        found = sorted(self._rooms.grown)
        for key in found:
            self._rooms.grown.discard(key)  # first: what is noted meanwhile is drawn once more
            try:
                await self._refresh(key)
            except BaseException:
                self._rooms.grown.add(key)
                raise
        return len(found)

    async def once(self) -> int:
        """How many were asked for. Of each network one after the other, the oldest first, as its rate allows."""
        now = self._s.clock.now()
        aged = await self._rooms.store.aged(now - LOOKED_MS)
        if self._inherited is None:
            self._inherited = set(await self._rooms.store.aged(now - FRESH_MS))
        for key in (self._doubts.keys() | self._inherited) - set(aged):  # a new card had it meanwhile
            await self._settled(key)
        due: dict[str, list[Place]] = {}
        for place in (Place.parse(f"{key}/") for key in aged):
            doubt = self._doubts.get(place.room_key)
            if place.channel in self._s.channels and (doubt is None or now >= doubt.at):
                due.setdefault(place.channel, []).append(place)
        return sum(await asyncio.gather(*map(self._each, due.values())))

    async def _each(self, places: list[Place]) -> int:
        for asked, place in enumerate(places):
            try:
                await self._one(place)
            except Limited:
                return asked
        return len(places)

    async def _one(self, place: Place) -> None:
        key, looked = place.room_key, await self._rooms.look(place)
        if looked == "unknown":
            await self._doubted(key)
        else:
            await self._settled(key)

    async def _settled(self, key: str) -> None:
        doubt, inherited = self._doubts.get(key), self._inherited or set()
        if key in inherited or (doubt is not None and doubt.shrunk):
            await self._refresh(key)
        inherited.discard(key)
        self._doubts.pop(key, None)

    async def _doubted(self, key: str) -> None:
        """Drawn again once: when the list is too old. Then it is asked for less and less often."""
        before, now = self._doubts.get(key, _Doubt(0)), self._s.clock.now()
        roster = await self._rooms.store.roster(key)
        ends = (roster.at if roster is not None else 0) + FRESH_MS + 1
        if now < ends:
            self._doubts[key] = _Doubt(min(now + before.wait, ends), before.wait)
            return
        if not before.shrunk:
            await self._refresh(key)
        self._doubts[key] = _Doubt(now + before.wait, min(2 * before.wait, FRESH_MS), shrunk=True)


async def _again_and_again(work: Callable[[], Awaitable[int]]) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await work()
        except Retry:
            continue
        except Exception:
            log.exception("the member lists could not be looked at again")
