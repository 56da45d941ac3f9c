"""Work that one gateway of several does at a time: the sweep of a CRM, the schedule, a connection of ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from gateway.ending import AGAIN_S, ended
from gateway.errors import Retry
from gateway.metrics import LEASE
from gateway.store.leases import Held, LeaseStore

log = logging.getLogger("floatcard.only")

TTL_MS = 9_000
RENEW_S = 2.5
"""A holder that was killed is followed within TTL_MS and one of these: under 12 seconds."""

HELD: ContextVar[Held | None] = ContextVar("held", default=None)
"""Under which lease this work is done: what it writes down can be refused once that is another's."""


class Only:
    """`run` does the work whenever, and as long as, the lease is ours."""

    def __init__(self, leases: LeaseStore, owner: str) -> None:
        self._leases = leases
        self._owner = owner
        self.holding: dict[str, int] = {}
        """What this process holds now, with its fence."""

    async def run(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Until it is cancelled, or the work ends by itself; then the lease is free for another at once.

        While it is to be done, here or elsewhere, each gateway says whether it does it: a holder that is killed takes
        its own word with it, and that nobody follows is seen by what the others say. What ended by itself is nobody's.
        """
        LEASE.labels(name).set(0)
        done = False
        while not done:
            asked = asyncio.get_running_loop().time()
            fence = await self._take(name)
            if fence is None:
                await asyncio.sleep(RENEW_S)
                continue
            log.info("this gateway does: %s", name)
            self.holding[name] = fence
            LEASE.labels(name).set(1)
            try:
                done = await self._while_held(name, fence, asked, work)
            finally:
                del self.holding[name]
                LEASE.labels(name).set(0)
                with contextlib.suppress(Retry):
                    await self._leases.release(name, self._owner, fence)
        LEASE.remove(name)

    async def _take(self, name: str) -> int | None:
        with contextlib.suppress(Retry):
            return await self._leases.take(name, self._owner, TTL_MS)
        return None

    async def _while_held(self, name: str, fence: int, asked: float, work: Callable[[], Awaitable[object]]) -> bool:
        """Whether the work is done; else it was broken off. `asked`: by the loop's clock, when the lease was."""
        HELD.set(Held(name, fence))
        task = asyncio.create_task(_whole(work))
        loop = asyncio.get_running_loop()
        until = asked + TTL_MS / 1000
        # A process that stood still for longer than its lease does not take one more step with it, as to ask a network
        # for what is another's to ask for: the work is cancelled before the store is asked whose it is.
        alarm = loop.call_at(until, task.cancel)
        try:
            while not (await asyncio.wait((task,), timeout=RENEW_S))[0]:
                asked = loop.time()
                with contextlib.suppress(Retry, TimeoutError):
                    async with asyncio.timeout_at(until):
                        if not await self._leases.renew(name, self._owner, fence, TTL_MS):
                            return False
                    until = asked + TTL_MS / 1000
                    alarm.cancel()
                    alarm = loop.call_at(until, task.cancel)
                if loop.time() >= until:
                    return False  # the store is away for longer than the lease: another may have it
            if task.cancelled():
                return False
            await task
            return True
        finally:
            alarm.cancel()
            if task.cancelling():
                await asyncio.wait((task,), timeout=AGAIN_S)  # twice at once would break off how it ends
            await ended((task,))


async def by_itself(name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Where there is nobody to ask it is ours at once, and told as what is held is."""
    LEASE.labels(name).set(1)
    try:
        await work()
    finally:
        LEASE.labels(name).set(0)
    LEASE.remove(name)


async def _whole(work: Callable[[], Awaitable[object]]) -> None:
    await work()
