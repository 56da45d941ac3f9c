"""What cards led to and who read which field, counted in memory and added to the store every few seconds.

A process that is killed forgets what it counted since: at most `EVERY_S` seconds of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

from gateway.clock import Clock
from gateway.errors import Retry
from gateway.store.stages import DAY_MS, Behaved, Read, Run, StageStore
from gateway.turn import Show
from identity.model import Application

log = logging.getLogger("floatcard.tally")

EVERY_S: Final = 5.0
What = Literal["shown", "opened", "edited", "dismissed", "muted", "wrong"]
Way = Literal["read", "written", "denied"]


class Tally:
    def __init__(self, store: StageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._behaved: Counter[Behaved] = Counter()
        self._read: Counter[Read] = Counter()
        self._flushing = asyncio.Lock()

    def did(self, what: What, run: Run) -> None:
        self._behaved[(run.kind, run.run, run.stage, self._day(), what)] += 1

    def read(self, application: Application | None, fields: Iterable[str], way: Way = "read") -> None:
        """Our own console is no application: nothing is counted."""
        if application is not None:
            day = self._day()
            self._read.update((day, application.name[:128], field[:128], way) for field in fields)

    def sent(self, act: Show) -> None:
        """A card went out, or was changed."""
        self.read(Application(act.slot.place.channel), act.fields)

    def _day(self) -> int:
        return self._clock.now() // DAY_MS

    async def flush(self) -> None:
        """What was counted by now is in the store when it returns. Raises `Retry`; then it is counted still."""
        async with self._flushing:
            behaved, self._behaved = self._behaved, Counter()
            read, self._read = self._read, Counter()
            if not behaved and not read:
                return
            try:
                await self._store.add(behaved, read)
            except BaseException:
                self._behaved.update(behaved)
                self._read.update(read)
                raise

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.flush()
            except Retry:
                continue
            except Exception:
                log.exception("what was counted could not be kept")
