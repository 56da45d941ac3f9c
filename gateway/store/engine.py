"""The store: one database, one writer thread with group commit, a few reader threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from gateway.errors import Misconfigured
from gateway.store.checkpoint import Checkpoints
from gateway.store.connect import READ_S, READERS, WRITE_S, address, reading, shown, writing
from gateway.store.enough import WITHIN_S, fill, taken
from gateway.store.enqueue import ANY_ORDER
from gateway.store.faults import SAY, StoreClosed, named, stale, unavailable
from gateway.store.gathered import Gathered
from gateway.store.migrate import prepare
from gateway.store.patience import Patience
from gateway.store.quick import Quick
from gateway.store.tables import floatcard_meta
from gateway.store.writer import BATCH, WAITING, I, Op, R, Writer

__all__ = ["Op", "Store"]

T = TypeVar("T")


def _try_writing(url: URL) -> None:
    """A file or a user that may only read is found out here, and not by the first who says something."""
    engine = writing(url)
    try:
        with taken(engine, time.monotonic() + WITHIN_S) as connection, connection.begin():
            connection.execute(update(floatcard_meta).values(value=floatcard_meta.c.value))
    except DBAPIError as broke:
        why = unavailable(broke)
        if why is None:
            raise
        raise Misconfigured([(shown(url), "store", SAY[why])]) from broke
    finally:
        engine.dispose()


class Store:
    """Opened with `Store.open(url)`, ended with `await close()`.

    `write` and `read` raise `StoreUnavailable` (a `Retry`) when the database is full, locked, read-only or gone,
    `StoreClosed` (a `Retry`) after `close`, and whatever the operation itself raises.
    """

    def __init__(self, url: URL, *, batch: int = BATCH, waiting: int = WAITING) -> None:
        self.url = url
        self._writing = writing(url)
        self._reading = reading(url)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._patience = Patience(self._reading, READ_S)
        writers = Patience(self._writing, WRITE_S)
        self._pools = (self._writing, writers, 1), (self._reading, self._patience, READERS)
        in_a_file = url.get_backend_name() == "sqlite"
        self._writer = Writer(
            self._writing,
            writers,
            batch=batch,
            waiting=waiting,
            any_order=ANY_ORDER,
            checkpoints=Checkpoints() if in_a_file else None,
        )
        self._quick = Quick(url) if in_a_file else None
        self._gathered = Gathered(self._readers, self._query)
        self._closed = False

    @classmethod
    def open(cls, url: str, *, batch: int = BATCH, waiting: int = WAITING) -> Store:
        """Migrates the database to this program's schema and opens it. Raises `Misconfigured`, saying what to do."""
        parsed = address(url)
        prepare(parsed)
        _try_writing(parsed)
        return cls(parsed, batch=batch, waiting=waiting)

    async def fill(self, beside: int = 0) -> None:
        """On PostgreSQL, opens every connection it will use, at once: who serves is not to find one missing later.

        `beside`: how many more this gateway holds already. Raises `Misconfigured` where there are fewer.
        """
        if self.url.get_backend_name() == "postgresql":
            await asyncio.to_thread(fill, self._pools, self.name, beside)

    @property
    def name(self) -> str:
        """Its address without a password."""
        return shown(self.url)

    @property
    def waiting(self) -> int:
        """How many writes are queued."""
        return self._writer.waiting

    def write(self, op: Op[I, R], item: I) -> Coroutine[Any, Any, R]:
        """Runs `op` over `item`, with whatever else waits, in one transaction; returns once it is durable.

        Cancelling the waiter does not cancel the write. `op` is grouped by equality: pass the same function.
        """
        return self._writer.write(op, item)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Runs `query` on a reader thread, in one read-only snapshot that sees every finished `write`."""
        if self._closed:
            raise StoreClosed
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._query, query)

    async def look(self, query: Callable[[Connection], T]) -> T:
        """As `read`, for a few rows found by a key. On SQLite it runs here and now, since a thread costs more than
        the answer; what the file keeps waiting for goes to a reader thread after all. On PostgreSQL what is asked
        meanwhile shares one transaction."""
        if self._closed:
            raise StoreClosed
        if self._quick is None and self._gathered.takes():
            return await self._gathered.ask(query)
        answer = self._quick.ask(query) if self._quick is not None else None
        return answer[0] if answer is not None else await self.read(query)

    def _query(self, query: Callable[[Connection], T]) -> T:
        try:
            try:
                return self._look(query)
            except Exception as broke:
                if not stale(broke):
                    raise
            return self._look(query)  # a line that was dead already says nothing of the database
        except Exception as broke:
            fault = named(broke)
            if fault is broke:
                raise
            raise fault from broke

    def _look(self, query: Callable[[Connection], T]) -> T:
        with self._patience(), self._reading.connect() as connection, connection.begin():
            return query(connection)

    async def close(self) -> None:
        """Writes what is queued, then lets go of the database."""
        self._closed = True
        await self._writer.close()
        await asyncio.get_running_loop().run_in_executor(None, self._readers.shutdown)
        self._patience.close()
        if self._quick is not None:
            self._quick.close()
        self._reading.dispose()
        self._writing.dispose()
