"""How far the first load of a CRM is: a bar on a terminal, else a line now and then; and a metric."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

from crm.model import Counts, Crm, Record
from gateway.errors import Refused, Retry
from gateway.metrics import LOADED, ODD

log = logging.getLogger("floatcard.sweep")

EVERY_S = 10.0
WIDE = 30


class Loading:
    """One CRM's. A load that was broken off goes on from what is known already."""

    def __init__(self, crm: Crm, clock: Callable[[], float] = time.monotonic) -> None:
        self._crm = crm
        self._clock = clock
        self._done = self._total = 0
        self._asked = False
        self._told = clock()
        self._odd = 0

    async def begin(self, known: int) -> None:
        """Asked once: how many there are decides nothing, so a CRM that cannot say it now is loaded all the same."""
        if self._asked or not isinstance(self._crm, Counts):
            return
        self._asked = True
        try:
            self._total = await self._crm.count()
        except (Retry, Refused):
            return
        self._done = min(known, self._total)
        self._measure()

    def read(self, count: int) -> None:
        if not self._total or self._done >= self._total:
            return
        self._done = min(self._done + count, self._total)
        self._measure()
        if sys.stderr.isatty():
            sys.stderr.write(self.bar() + ("\n" if self._done == self._total else ""))
            sys.stderr.flush()
        elif self._clock() - self._told >= EVERY_S:
            self._told = self._clock()
            log.info("loading the CRM %s: %d of %d (%d %%)", self._crm.name, self._done, self._total, self._percent())

    def look(self, record: Record, before: Record | None) -> None:
        """Counts the values that are not what their field holds, each when it came."""
        for name, it in record.fields.items():
            known = before.fields.get(name) if before is not None else None
            if it.odd and (known is None or (known.value, known.odd) != (it.value, it.odd)):
                ODD.labels(self._crm.name, it.odd).inc()
                self._odd += 1

    def end(self) -> None:
        """Caught up: what is known and what there is may still differ by what was deleted."""
        if self._odd:
            log.warning("values of the CRM %s that are not what their field holds: %d", self._crm.name, self._odd)
            self._odd = 0
        if self._total and self._done < self._total:
            self._done = self._total
            self._measure()
            if sys.stderr.isatty():
                sys.stderr.write(self.bar() + "\n")
            log.info("the CRM %s is loaded: %d", self._crm.name, self._total)

    def bar(self) -> str:
        """Over itself, in one line."""
        full = self._done * WIDE // self._total
        return f"\r{self._crm.name} [{'#' * full}{'.' * (WIDE - full)}] {self._done} of {self._total}\x1b[K"

    def _percent(self) -> int:
        return self._done * 100 // self._total

    def _measure(self) -> None:
        LOADED.labels(self._crm.name, "done").set(self._done)
        LOADED.labels(self._crm.name, "total").set(self._total)
