"""What a gateway does for as long as it runs: a fault in it is logged, and it begins anew."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from gateway.errors import Retry

log = logging.getLogger("floatcard")

FIRST_S = 1.0
LAST_S = 60.0
"""Between beginnings: doubling, and from the first again after it went on for longer than this."""


async def going_on(
    name: str, work: Callable[[], Awaitable[object]], clock: Callable[[], float] = time.monotonic
) -> None:
    """Until it is cancelled, or the work ends by itself; `clock`: seconds. Work that is broken off by what nobody
    foresaw would else be done by nobody until the next start, and nothing would say so."""
    wait = FIRST_S
    while True:
        began = clock()
        try:
            await work()
            return
        except Retry as tired:
            log.warning("%s waits: %s", name, tired)
        except Exception:
            log.exception("%s broke, and begins anew", name)
        if clock() - began > LAST_S:
            wait = FIRST_S
        await asyncio.sleep(wait)
        wait = min(wait * 2, LAST_S)
