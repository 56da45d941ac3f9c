"""One thread that writes: it collects what is waiting and commits it once (group commit)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine

from gateway.metrics import BATCH as BATCH_SIZE
from gateway.metrics import COMMIT, UNWRITTEN
from gateway.store.checkpoint import ALONE_ROWS, IDLE_S, ROWS, Checkpoints
from gateway.store.faults import StoreClosed, StoreUnavailable, named, stale, transient, unavailable
from gateway.store.patience import Patience

I = TypeVar("I")  # noqa: E741 -- the item of an operation
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
Op: TypeAlias = Callable[[Connection, Sequence[I]], Sequence[R]]
"""`op(connection, items) -> results`, one result an item, all inside one transaction. Raising fails the items."""

LINGER_S = 0.003
"""How long after a commit the next one waits for company, where nobody is in a hurry."""
BUSY_S = 0.1
"""So long after several waited at once it is expected of others."""
COMPANY = 16
"""So many need no more."""
BATCH = 256
WAITING = 4096
TRIES = 5
SLOW_S = 1.0
"""A fault that took longer than this to show is everybody's: whoever waited through it is not made to wait again."""


_UNHURRIED: set[Callable[..., Any]] = set()


def unhurried(op: F) -> F:
    """Marks an operation for which a few milliseconds are nothing: a commit costs as much for one as for many."""
    _UNHURRIED.add(op)
    return op


@dataclass(slots=True, eq=False)
class Job:
    op: Op[Any, Any]
    item: Any
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


Outcome: TypeAlias = tuple[Job, Any, Exception | None]
"""A job, its result, or why there is none."""


class Writer:
    """Bounded queue in, futures out. Everything public is called on an event loop; the rest runs in the thread."""

    def __init__(
        self,
        engine: Engine,
        patience: Patience,
        *,
        batch: int = BATCH,
        waiting: int = WAITING,
        any_order: Set[Op[Any, Any]] = frozenset(),
        checkpoints: Checkpoints | None = None,
    ) -> None:
        """`any_order`: operations that come to the same in whichever order they are done among themselves."""
        self._any_order = any_order
        self._engine = engine
        self._patience = patience
        self._checkpoints = checkpoints
        self._kept: Connection | None = None
        """Taken out of the pool once, and not for each transaction, which costs as much again."""
        self._committing = False
        self._batch = batch
        self._bound = waiting
        self._jobs: deque[Job] = deque()
        self._turned_away: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._ended, self._met = 0.0, -BUSY_S
        """When the last commit was over, and when several last waited for one."""
        self._hurried = False
        """Whether somebody who waits is in a hurry, or more wait than one commit takes."""
        self._lingering = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._jobs)

    async def write(self, op: Op[I, R], item: I) -> R:
        loop = asyncio.get_running_loop()
        job = Job(op, item, loop, loop.create_future())
        while (room := self._offer(job)) is not None:
            await room
        result: R = await job.done
        return result

    def _offer(self, job: Job) -> asyncio.Future[None] | None:
        """None when the job is queued, else a future that ends when there is room again."""
        with self._wake:
            if self._closing:
                raise StoreClosed
            if len(self._jobs) < self._bound:
                self._jobs.append(job)
                self._hurried |= job.op not in _UNHURRIED
                if len(self._jobs) == 1 or (self._lingering and self._enough()):
                    self._wake.notify()  # with more than one it is awake already, or was told
                return None
            room: asyncio.Future[None] = job.loop.create_future()
            self._turned_away.append((job.loop, room))
            return room

    async def close(self) -> None:
        """Writes what is queued, then ends the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while jobs := self._take():
            began = time.monotonic()
            outcomes = self._measured(jobs)
            fault = outcomes[-1][2]
            if isinstance(fault, StoreUnavailable):
                UNWRITTEN.labels(fault.why).inc()
                if time.monotonic() - began > SLOW_S:
                    outcomes += self._give_up(fault)
            self._deliver(outcomes)
            self._ended = time.monotonic()
            if len(jobs) > 1:
                self._met = self._ended
            if self._log(ROWS if self._ended - self._met <= BUSY_S else ALONE_ROWS):
                self._bring_log()
                self._ended = time.monotonic()
        self._let_go()
        self._patience.close()

    def _log(self, rows: int) -> bool:
        """Whether SQLite's log has so many rows that its file has not."""
        return self._checkpoints is not None and self._kept is not None and self._checkpoints.owed(self._driver, rows)

    def _bring_log(self) -> None:
        if self._checkpoints is not None and self._kept is not None:
            self._checkpoints.bring(self._driver)

    @property
    def _driver(self) -> Any:
        assert self._kept is not None
        return self._kept.connection.driver_connection

    def _give_up(self, fault: StoreUnavailable) -> list[Outcome]:
        """All that is queued: they would wait for the same, one batch after the other."""
        with self._wake:
            jobs = list(self._jobs)
            self._jobs.clear()
            freed, self._turned_away = list(self._turned_away), deque()
        for loop, room in freed:
            _tell(loop, _set_all, [(room, None, None)])
        return [(job, None, StoreUnavailable(fault.why)) for job in jobs]

    def _take(self) -> list[Job]:
        while self._idle():
            self._bring_log()
        with self._wake:
            self._linger()
            jobs = [self._jobs.popleft() for _ in range(min(self._batch, len(self._jobs)))]
            self._hurried = bool(self._jobs)
            freed = self._next_in(len(jobs))
        if not jobs:
            freed, self._turned_away = list(self._turned_away), deque()
        for loop, room in freed:
            _tell(loop, _set_all, [(room, None, None)])
        return jobs

    def _idle(self) -> bool:
        """False once somebody waits. True when nobody came for a while, and there is something to do meanwhile."""
        with self._wake:
            while not self._jobs and not self._closing:
                if not self._wake.wait(IDLE_S if self._log(ROWS) else None):
                    return True
        return False

    def _linger(self) -> None:
        """Where several write, the next of them is not far: one commit less is less to do for everybody. Whoever
        writes alone, one after the other, waits for nobody."""
        self._lingering = True
        until = self._ended + LINGER_S
        while not self._enough() and (left := until - time.monotonic()) > 0:
            self._wake.wait(left)
        self._lingering = False

    def _enough(self) -> bool:
        return self._closing or self._hurried or len(self._jobs) >= COMPANY or self._ended - self._met > BUSY_S

    def _next_in(self, places: int) -> list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]]:
        """Who was turned away and still waits; a place is not given to one who went."""
        found: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        while self._turned_away and len(found) < places:
            loop, room = self._turned_away.popleft()
            if not room.done():
                found.append((loop, room))
        return found

    def _measured(self, jobs: list[Job]) -> list[Outcome]:
        BATCH_SIZE.observe(len(jobs))
        with COMMIT.time():
            return self._settle(jobs)

    def _settle(self, jobs: list[Job]) -> list[Outcome]:
        """Together if it can be; else group by group, item by item, so that a bad item fails alone."""
        groups = [list(group) for _, group in groupby(self._sorted(jobs), key=lambda job: job.op)]
        try:
            return self._together(groups)
        except Exception as broke:
            fault = named(broke)
            if isinstance(fault, StoreUnavailable) or len(jobs) == 1:
                return [(job, None, fault) for job in jobs]
        smaller = groups if len(groups) > 1 else [[job] for job in jobs]
        return [outcome for part in smaller for outcome in self._settle(part)]

    def _sorted(self, jobs: list[Job]) -> Iterable[Job]:
        """In their order, but where it makes no difference, like with like: many at once cost little more than one."""
        for alike, stretch in groupby(jobs, key=lambda job: job.op in self._any_order):
            some = list(stretch)
            yield from sorted(some, key=lambda job: id(job.op)) if alike else some

    def _together(self, groups: list[list[Job]]) -> list[Outcome]:
        for tries in range(TRIES):
            try:
                return self._transaction(groups)
            except Exception as broke:
                # a line that was dead before the commit took nothing: the same work over a new one, once
                again = transient(broke) or (tries == 0 and stale(broke) and not self._committing)
                if tries == TRIES - 1 or not again:
                    raise
        raise AssertionError

    def _transaction(self, groups: list[list[Job]]) -> list[Outcome]:
        self._committing = False
        with self._connected() as connection, connection.begin():
            outcomes = [outcome for group in groups for outcome in _perform(connection, group)]
            self._committing = True
        return outcomes

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Kept for the next transaction where all went well; else the pool looks whether it is still of use."""
        kept = self._kept
        try:
            with self._patience(None if kept is None else kept.connection.dbapi_connection):
                if kept is None:
                    kept = self._kept = self._engine.connect()
                yield kept
        except BaseException as broke:
            if self._kept is not None and unavailable(broke) == "unreachable":
                self._kept.invalidate()  # a line that garbled one answer may have more of them on it
            self._let_go()
            raise

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _deliver(self, outcomes: list[Outcome]) -> None:
        for loop in {job.loop for job, _, _ in outcomes}:
            _tell(loop, _set_all, [(job.done, result, fault) for job, result, fault in outcomes if job.loop is loop])


def _perform(connection: Connection, group: list[Job]) -> list[Outcome]:
    results = group[0].op(connection, [job.item for job in group])
    return [(job, result, None) for job, result in zip(group, results, strict=True)]


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., None], told: Iterable[Any]) -> None:
    # a loop that ended has nobody waiting on it any more: what was written stays written
    try:
        loop.call_soon_threadsafe(call, told)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _set_all(told: Iterable[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    for future, result, fault in told:
        if future.done():
            continue
        if fault is None:
            future.set_result(result)
        else:
            future.set_exception(fault)
