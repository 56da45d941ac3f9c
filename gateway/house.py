"""A running gateway: what it does from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from channels.model import Listens
from gateway.access_following import Following
from gateway.afresh import Afresh
from gateway.asked import Asked
from gateway.directory import Directory
from gateway.ending import ended
from gateway.errors import Misconfigured, Refused, Retry
from gateway.going import going_on
from gateway.lab.laboratory import Laboratory
from gateway.leaving import follow_commands, follow_directory
from gateway.lists import Lists
from gateway.measure import watch_loop
from gateway.only import Only, by_itself
from gateway.outgoing.breaker import Breaker
from gateway.retention import Retention
from gateway.schedule import Schedule
from gateway.services import Services
from gateway.spine import Spine
from gateway.store import hour
from gateway.store.alone import LOST as TAKEN_OVER
from gateway.store.alone import Alone
from gateway.store.counters import counts
from gateway.store.leases import LeaseStore
from gateway.store.people import COUNTER as PEOPLE
from gateway.sweep import Sweep
from gateway.worker import Worker
from gateway.writeback import Writeback

log = logging.getLogger("floatcard")

Work = Callable[[], Coroutine[Any, Any, None]]

DRAIN_S = 10.0
SHUT_S = 2.0
TELL_S = 1.0
"""Of that, for letting go of bus, store and connections."""
FOLLOW_S = 1.0
SKEW_MS = 5_000
"""By how much the times of two gateways, each of which follows the database's clock, may differ before one misses what
the other read."""
AGAIN_MS = 30_000
LATE_MS = 70_000
"""Each `AGAIN_MS` it is looked back so far for what was stamped in time and committed late: a commit may take the 30 s
that the store is patient for, and its row is found by the next such look."""


@dataclass(slots=True)
class House:
    """A running gateway. `close` drains within ten seconds."""

    services: Services
    spine: Spine
    worker: Worker
    schedule: Schedule
    sweeps: Mapping[str, Sweep]
    writebacks: Mapping[str, Writeback]
    session: aiohttp.ClientSession
    directory: Directory
    afresh: Afresh
    lists: Lists
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    """Of the leases this process holds."""
    alone: Alone | None = None
    """Where no other may work on this database."""
    taken_over: asyncio.Event = field(default_factory=asyncio.Event)
    """Another works on it all the same: `close` is what is left to do."""
    read_at: int = 0
    """From when on (ms) what other gateways changed may not be known in this one."""
    looked_back: int = 0
    """When (ms) it was last looked for what was committed late."""

    @property
    def breakers(self) -> Mapping[str, Breaker]:
        """By the names of `gateway/outgoing/targets.py`."""
        return self.services.gate.breakers

    async def take_up(self) -> None:
        """Reads each CRM once, then takes up what a crash left unfinished."""
        for name, sweep in self.sweeps.items():
            try:
                await sweep.once(first=True)
            except (Retry, Refused):
                continue
            except Exception:  # one record that cannot be read keeps nobody from everything else
                log.exception("the sweep of %s broke", name)
        # before the first message: another may have read what the feed does not tell again
        if self.services.bus.shared:
            with contextlib.suppress(Retry):
                await self._catch_up()
        await self.spine.show_conflicts()
        self.services.bus.emptied = self.afresh.emptied
        await self.worker.start()
        await self.afresh.begin()

    async def start(self) -> None:
        """Works until `close`. Raises `Misconfigured` where another gateway took the database over meanwhile."""
        await self._unless_taken(self.take_up())
        works = self._works()
        works |= {name: partial(self._once, name, work) for name, work in self._alone().items()}
        self.tasks = [asyncio.create_task(going_on(name, work), name=name) for name, work in works.items()]
        if self.alone is not None:
            self.tasks.append(asyncio.create_task(self._leave_it(self.alone, tuple(self.tasks)), name="alone"))

    async def _unless_taken(self, work: Coroutine[Any, Any, None]) -> None:
        """To read a large CRM for the first time takes long enough to lose what only one may have."""
        if self.alone is None:
            return await work
        working, over = asyncio.create_task(work), asyncio.create_task(self.alone.over())
        try:
            await asyncio.wait((working, over), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Misconfigured([(self.services.store.name, "bus", TAKEN_OVER)])
            await working
        finally:
            await ended((working, over))
        return None

    async def _leave_it(self, alone: Alone, tasks: Sequence[asyncio.Task[None]]) -> None:
        """What it would go on doing, as to hold a connection or to write to a CRM, is the other's to do from now on."""
        await alone.over()
        for task in tasks:
            task.cancel()
        self.taken_over.set()

    def _works(self) -> dict[str, Work]:
        """What each gateway does."""
        s = self.services
        alone = partial(follow_commands, s.store, s.people)
        return {
            "following people": self._follow_people,
            "following lists": self.lists.follow,
            "following policies": Following(s, self.afresh).run,
            "following others": self._follow_others if s.bus.shared else alone,
            "drawing afresh": self.afresh.run,
            "the loop's watch": watch_loop,
            "the tally": s.tally.run,
            **{f"writing to {name}": writeback.run for name, writeback in self.writebacks.items()},
        }

    def _alone(self) -> dict[str, Work]:
        """What one gateway does at a time, by the names of their leases."""
        s = self.services
        return {
            "schedule": self.schedule.run,
            "directory": partial(follow_directory, self.directory, self.relink),
            "retention": Retention(s).run,
            "laboratory": Laboratory(s, self.spine).run,
            "lists": self.lists.run,
            **{f"sweep {name}": sweep.run for name, sweep in self.sweeps.items()},
            **{
                f"listen {channel.name}": partial(channel.listen, Asked(s).put)
                for channel in s.channels.values()
                if isinstance(channel, Listens)
            },
        }

    async def _once(self, name: str, work: Work) -> None:
        """Work that one gateway does at a time; alone there is nobody to ask."""
        if self.services.bus.shared:
            await Only(LeaseStore(self.services.store), self.owner).run(name, work)
        else:
            await by_itself(name, work)

    async def _follow_others(self) -> None:
        """What this process keeps in memory and another one changed, within about a second."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            try:
                await self._catch_up()
            except Retry:
                continue
            except Exception:
                log.exception("what other gateways changed could not be read")

    async def _catch_up(self) -> None:
        await hour.follow(self.services.store, self.services.clock)
        now = self.services.clock.now()
        known = await counts(self.services.store)
        await self.services.people.follow(known.get(PEOPLE, 0))
        await self.directory.follow(known, self.services.identities)
        await self.services.records.follow_joined(self.spine.refresh)
        back = now - self.looked_back >= AGAIN_MS
        await self.services.records.follow(self.read_at - (LATE_MS if back else SKEW_MS))
        self.read_at, self.looked_back = now, now if back else self.looked_back

    async def relink(self) -> None:
        """Reads the CRMs' users again: who is found by them may have changed."""
        self.services.identities.use(await self.directory.read(), self.directory.addresses)

    async def _follow_people(self) -> None:
        while True:
            await self.services.people.changed.wait()
            try:
                await self.look_again()
            except Retry:
                await asyncio.sleep(1.0)
            except Exception:
                log.exception("the cards of whoever changed could not be looked at")
                await asyncio.sleep(1.0)

    async def look_again(self) -> int:
        """Somebody's role, accounts or standing changed: every room they can read is drawn again; how many."""
        people = self.services.people
        rooms: set[str] = set()
        changed = people.take_changed()
        try:
            for person, accounts in changed.items():
                rooms.update(await self.services.rooms.store.having(sorted(accounts)))
                rooms.update(await self.services.slots.rooms(person=person))
            for room in sorted(rooms):
                await self.spine.refresh_room(room)
        except BaseException:
            people.put_back(changed)
            raise
        return len(rooms)

    async def close(self, within: float = DRAIN_S) -> None:
        until = time.monotonic() + (0.0 if self.taken_over.is_set() else within - SHUT_S)
        await ended(self.tasks, 2.0)
        await self.worker.stop(max(until - time.monotonic(), 0.5))
        left = await self._told_all()
        await self.services.bus.close()
        await self.services.gate.close()
        for channel in self.services.channels.values():
            await channel.close()
        for crm in self.services.crms.values():
            await crm.close()
        await self.session.close()
        with contextlib.suppress(Retry):
            await self.services.tally.flush()
        if left is not None:
            with contextlib.suppress(Retry):
                await self.afresh.end(left)
        await self.services.store.close()

    async def _told_all(self) -> str | None:
        """What changed up to now was followed, and the repaints that follow from it are queued. None where they could
        not be: then the next start draws every card, as after a crash."""
        if self.taken_over.is_set():
            return None
        try:
            async with asyncio.timeout(TELL_S):
                left = await self.afresh.changes()
                await self.services.people.follow((await counts(self.services.store)).get(PEOPLE, 0))
                await self.look_again()
                await self.lists.grown()
        except (Retry, TimeoutError):
            return None
        except Exception:
            log.exception("what changed last could not be followed")
            return None
        return left
