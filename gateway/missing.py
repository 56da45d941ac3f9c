"""What a CRM erased without a word: of a CRM whose feed does not tell, all that is known is asked for bit by bit."""

from __future__ import annotations

import logging
from functools import partial

from crm.model import Crm, Lives, RecordRef
from gateway.errors import Refused, Retry
from gateway.outgoing.breaker import Breaker
from gateway.services import Services

log = logging.getLogger("floatcard.sweep")

EVERY_MS = 20_000
PAGE = 500
"""Records asked for at once: 100,000 customers in a little more than an hour."""


class Missing:
    """One CRM's."""

    def __init__(self, s: Services, crm: Crm, breaker: Breaker) -> None:
        self._s = s
        self._crm = crm
        self._breaker = breaker
        self._after = ""
        self._next = 0

    async def look(self) -> tuple[RecordRef, ...]:
        """Those that are gone though we hold them for live, or are back: a read of their own tells."""
        crm, now = self._crm, self._s.clock.now()
        if not isinstance(crm, Lives) or now < self._next:
            return ()
        self._next = now + EVERY_MS
        page = await self._s.mirror.lives(crm.name, self._after, PAGE)
        refs = {ref: RecordRef.parse(ref) for ref, _ in page}
        try:
            there = await self._breaker.run(partial(crm.live, [each.id for each in refs.values()]))
        except (Retry, Refused):
            return ()  # asked again with the next look
        self._after = page[-1][0] if len(page) == PAGE else ""
        return tuple(refs[ref] for ref, deleted in page if (refs[ref].id in there) == deleted)
