"""Whoever left anywhere has no rights here: the loops that find out, of commands, CRMs and networks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.directory import Directory
from gateway.errors import Retry
from gateway.store.counters import counts
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore

log = logging.getLogger("floatcard")

LOOK_S = 1.0
HOUR_MS = 3_600_000


async def follow_commands(store: Store, people: PeopleStore) -> None:
    """Whom a command of this machine changed beside the gateway."""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            await people.follow((await counts(store)).get(COUNTER, 0))
        except Retry:
            continue
        except Exception:
            log.exception("who was changed by a command could not be read")


async def follow_directory(
    directory: Directory, clock: Clock, relink: Callable[[], Awaitable[None]], every: int = 0
) -> None:
    """One gateway looks often, for all of them; the others every hour, for what identifies people."""
    while True:
        await asyncio.sleep(LOOK_S)
        if directory.due and clock.now() - directory.read_at >= every:
            try:
                await relink()
            except Exception:
                log.exception("the CRMs' users could not be read again")
