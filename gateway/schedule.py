"""What is due: snoozes, reminders, cards whose disclosure ends. Rows in the store, an injected clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from gateway import dialog
from gateway.afresh import Afresh
from gateway.ending import ended
from gateway.errors import Retry
from gateway.handlers import alerts, assigned, losses
from gateway.services import Services
from gateway.sources import gap_due
from gateway.spine import Spine
from gateway.store.due import HELD, REDRAW, Due
from gateway.sweep import reread
from gateway.telemetry import begun
from gateway.turn import Trail, new_trail
from gateway.wearily import Wearily

log = logging.getLogger("floatcard.schedule")

LONGEST_S = 1.0
"""Between two looks: a clock that jumps ahead is noticed this soon."""
_CHORES_MS = 3_600_000
_CONFLICTS_MS = 300_000
"""A conflict is there with its decision and its card comes after it: whatever falls in between, nobody misses it for
longer."""
_AT_HAND_S = 5.0
"""So long the schedule waits for all cards to be queued, or for a CRM; of very many it goes on beside the rest."""

_PAINTED_MS = 120_000
"""Longer than any painting takes."""
_READ_IN_ONE_GO = 32
_READERS = 4

Handler = Callable[[Services, Due, Trail], Awaitable[None]]


class Schedule:
    def __init__(self, services: Services, spine: Spine, afresh: Afresh) -> None:
        self._s = services
        self._spine = spine
        self._afresh = afresh
        self._drawing: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._look = asyncio.Event()
        self._chores_at = self._conflicts_at = 0
        self._keeping: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[int] | None = None
        self._wearily = Wearily(log)

    def nudge(self) -> None:
        """The clock was moved: look at once."""
        self._look.set()

    async def run(self) -> None:
        try:
            await self._run_on()
        finally:
            reading = (self._reading,) if self._reading is not None else ()
            await ended([*reading, *(task for _, task in self._drawing.values())])
            self._drawing.clear()

    async def _run_on(self) -> None:
        while True:
            try:
                await self.once()
            except Retry as tired:
                self._wearily.warning("the schedule waits: %s", tired)
            except Exception:
                log.exception("the schedule broke")
            try:
                await asyncio.wait_for(self._look.wait(), LONGEST_S)
            except TimeoutError:
                continue
            finally:
                self._look.clear()

    async def once(self) -> int:
        """Everything due now; how many. What fails is tried again when its lease ends."""
        now = self._s.clock.now()
        if now >= self._chores_at:
            self._chores_at = now + _CHORES_MS
            self._chores()
        if now >= self._conflicts_at:
            self._conflicts_at = now + _CONFLICTS_MS
            await self._spine.show_conflicts(now - 2 * _CONFLICTS_MS)
        taken = await self._s.bus.look()
        if (first := await self._s.due.next_at()) is None or first > now:
            return taken
        items = await self._s.due.take(now)
        for item in items:
            await self._run(item)
        return len(items) + await self._read_held(now) + taken

    async def _read_held(self, now: int) -> int:
        """A CRM that is slow, or has very many records to be read, keeps nothing else that is due waiting."""
        if self._reading is None or self._reading.done():
            items = await self._s.due.take(now, _READ_IN_ONE_GO, slow=True)
            if not items:
                return 0
            self._reading = asyncio.create_task(self._read_all(items))
        done, _ = await asyncio.wait((self._reading,), timeout=_AT_HAND_S)
        return self._reading.result() if done else 0

    async def _read_all(self, items: Sequence[Due]) -> int:
        """Some side by side."""
        left = iter(items)

        async def next_ones() -> None:
            for item in left:
                await self._run(item)

        for broke in await asyncio.gather(*(next_ones() for _ in range(_READERS)), return_exceptions=True):
            if broke is not None:
                raise broke
        return len(items)

    async def _run(self, item: Due) -> None:
        with begun():
            await self._work(item)

    async def _work(self, item: Due) -> None:
        trail = new_trail("")
        try:
            if item.kind == "slot":
                shown = await self._s.slots.by_id(str(item.payload["slot"]))
                if shown is not None:
                    await self._spine.refresh_slot(shown)
            elif item.kind == REDRAW:
                if not await self._drawn(item):
                    return
            elif item.kind == "erased":
                await self._erased(item)
            elif item.kind == "staged":
                await staged(self._s, self._spine, str(item.payload["kind"]))
            elif item.kind == "gap":
                await gap_due(self._s, self._spine, item, trail)
            elif item.kind == HELD:
                await reread(self._s, self._spine, item, trail)
            elif item.kind == "dialog":
                epoch = await self._s.bus.epoch()
                await dialog.expire(self._s, item, lambda acts: self._spine.perform(acts, trail, epoch))
            else:
                await _KINDS[item.kind](self._s, item, trail)
        except Retry as tired:
            log.warning("a due %s waits: %s", item.kind, tired)
            return
        except Exception:
            log.exception("a due %s failed", item.kind)
            return
        finally:
            await self._s.trail.write(trail)
        await self._s.due.done(item)

    async def _erased(self, item: Due) -> None:
        """Once more later: what was being painted as they were erased may have kept their name after it."""
        record = str(item.payload["record"])
        self._s.records.erased(record)
        await self._s.slots.unname(record)
        await self._spine.refresh(record)
        if not item.payload.get("again"):
            at = self._s.clock.now() + _PAINTED_MS
            await self._s.due.put(replace(item, at=at, payload={**item.payload, "again": True}))

    async def _drawn(self, item: Due) -> bool:
        """Whether that is through. Asked for anew meanwhile it begins anew: what was drawn already may be wrong."""
        at, task = self._drawing.pop(item.key, (item.at, None))
        if task is not None and at != item.at:
            await ended((task,))
            task = None
        task = task or asyncio.create_task(self._afresh.draw(item))
        self._drawing[item.key] = (item.at, task)
        done, _ = await asyncio.wait((task,), timeout=_AT_HAND_S)
        if not done:
            return False
        del self._drawing[item.key]
        task.result()
        return True

    def _chores(self) -> None:
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        """Of very many names it takes a minute, and nothing else that is due waits for it."""
        try:
            await self._s.records.keep_names()
        except Exception:
            log.exception("the names could not be kept")


async def staged(s: Services, spine: Spine, kind: str) -> None:
    """Cards that are up in rooms of that kind are at its stage, whichever process decided so."""
    await s.stages.follow(surely=True)
    for room in await s.stages.store.rooms(kind):
        await spine.refresh_room(room)


async def _conflict(s: Services, item: Due, trail: Trail) -> None:
    """The managers hear of it, and one of them is asked in the owner's place."""
    conflict, record, field = (str(item.payload[name]) for name in ("conflict", "record", "field"))
    await assigned.assign(s, conflict, record, field, to="manager")
    await alerts.conflict_due(s, item, trail)


_KINDS: dict[str, Handler] = {
    "conflict": _conflict,
    "alert": alerts.woke,
    "lost": losses.due,
    "asked": assigned.due,
}
