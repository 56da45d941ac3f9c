"""One gateway alone on its database: the lock is its session's or its process's and ends with it, however that ends."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import threading
import time
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.errors import Misconfigured
from gateway.store.connect import plain
from gateway.store.engine import Store
from gateway.store.faults import SAY, unavailable
from gateway.store.patience import Patience

log = logging.getLogger("floatcard.store")

LOCK = 0x466C4362
WITHIN_S = 5.0
"""A predecessor that was killed may be noticed by the server a moment later."""
TAKEN = "another gateway works on this database with bus = store:; stop it, or give both a bus of redis://…"
LOST = (
    "another gateway took this database over while the line to it was cut: this one ends; "
    "run one of the two, or give both a bus of redis://…"
)
LOOK_S = 2.0
ANSWER_S = 10.0
TAKEN_FILE = "another gateway works on this database; stop it first, or give this one a database of its own"


class Alone:
    """Held from `take` to `release`. Beside a SQLite file lies a `.lock`, never removed: the lock on it counts.

    PostgreSQL's is the session's: a server that restarts forgets it, so it is looked at and taken again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._file: int | None = None
        self._pids: set[int] = set()
        """Of the sessions that have the lock, or were to have it when the line to them broke."""
        self._ended = threading.Event()
        self._watch: threading.Thread | None = None
        self.lost = False
        """Another gateway has it: whatever is in this one's hands is the other's."""
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def over(self) -> None:
        """Returns once another gateway has it."""
        await self._over.wait()

    async def take(self) -> None:
        """Raises `Misconfigured` while another gateway has it."""
        if self._store.url.get_backend_name() == "sqlite" and not self._take_file():
            raise Misconfigured([(self._store.name, "store", TAKEN_FILE)])
        if self._store.url.get_backend_name() == "postgresql" and not await self._had():
            await self.release()
            raise Misconfigured([(self._store.name, "bus", TAKEN)])
        if self._engine is not None:
            self._loop = asyncio.get_running_loop()
            self._watch = threading.Thread(target=self._watching, name="store-alone", daemon=True)
            self._watch.start()

    def _take_file(self) -> bool:
        self._file = locked(Path(f"{self._store.url.database}.lock"))
        return self._file is not None

    async def _had(self) -> bool:
        try:
            return await asyncio.to_thread(self._take)
        except DBAPIError as broke:
            await self.release()
            why = unavailable(broke)
            if why is None:
                raise
            raise Misconfigured([(self._store.name, "store", SAY[why])]) from broke

    def _take(self) -> bool:
        self._engine = plain(self._store.url)
        end = time.monotonic() + WITHIN_S
        while not self._taken():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def _taken(self) -> bool:
        assert self._engine is not None
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        pid = int(self._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        self._pids.add(pid)  # before: it may get the lock, and we no answer
        if not self._connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (LOCK,)).scalar_one():
            return False
        self._pids = {pid}
        return True

    def _watching(self) -> None:
        assert self._engine is not None
        patience = Patience(self._engine, ANSWER_S)
        while not self._ended.wait(LOOK_S) and not self.lost:
            try:
                with patience(self._line()):
                    self._look()
            except DBAPIError:
                self._drop()  # it is away; nobody else can take it there either
            except Exception:  # without this watch a lock that was lost would never be noticed
                log.exception("the lock of this gateway alone could not be looked at")
                self._drop()
        patience.close()

    def _line(self) -> object:
        return self._connection.connection.dbapi_connection if self._connection is not None else None

    def _look(self) -> None:
        if self._connection is not None:
            self._connection.exec_driver_sql("SELECT 1").close()
        elif not self._taken() and not self._ghost():
            assert self._loop is not None
            self.lost = True
            log.critical(LOST)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._over.set)

    def _ghost(self) -> bool:
        """Whether our own former session still has it there: then that is ended, and the next look takes it."""
        assert self._connection is not None
        query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
        found = self._connection.exec_driver_sql(f"{query} AND pid = ANY(%s)", (LOCK, list(self._pids))).first()
        self._drop()
        return found is not None

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(DBAPIError):
                connection.invalidate()
            connection.close()

    async def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._ended.set()
        if self._watch is not None:
            await asyncio.to_thread(self._watch.join)
        if self._engine is not None:
            await asyncio.to_thread(self._drop)
            self._engine.dispose()
            self._engine = None


def locked(path: Path) -> int | None:
    """The file's descriptor, whose closing unlocks it; None while another process has it locked."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
