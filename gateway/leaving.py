"""Whoever left anywhere has no rights here: the loops that find out, of commands, CRMs and networks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.directory import Directory
from gateway.errors import Retry
from gateway.store.counters import counts
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore
from gateway.wearily import Wearily

log = logging.getLogger("floatcard")

LOOK_S = 1.0


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


async def follow_directory(directory: Directory, relink: Callable[[], Awaitable[None]]) -> None:
    """One gateway asks, for all of them; the others take what it was told."""
    wearily = Wearily(log)
    while True:
        await asyncio.sleep(LOOK_S)
        if directory.due:
            try:
                await relink()
            except Retry as tired:  # the store is away: a CRM or network that is costs nobody this look
                wearily.warning("the users of CRMs and networks wait: %s", tired)
            except Exception:
                log.exception("the CRMs' users could not be read again")
