"""One gateway alone on its database: the lock is its session's or its process's and ends with it, however that ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from pathlib import Path

from sqlalchemy import Connection, Engine

from gateway.errors import Misconfigured
from gateway.store.connect import plain
from gateway.store.engine import Store

LOCK = 0x466C4362
WITHIN_S = 5.0
"""A predecessor that was killed may be noticed by the server a moment later."""
TAKEN = "another gateway works on this database with bus = store:; stop it, or give both a bus of redis://…"
TAKEN_FILE = "another gateway works on this database; stop it first, or give this one a database of its own"


class Alone:
    """Held from `take` to `release`. Beside a SQLite file lies a `.lock`, never removed: the lock on it counts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._file: int | None = None

    async def take(self) -> None:
        """Raises `Misconfigured` while another gateway has it."""
        if self._store.url.get_backend_name() == "sqlite" and not self._take_file():
            raise Misconfigured([(self._store.name, "store", TAKEN_FILE)])
        if self._store.url.get_backend_name() == "postgresql" and not await asyncio.to_thread(self._take):
            await self.release()
            raise Misconfigured([(self._store.name, "bus", TAKEN)])

    def _take_file(self) -> bool:
        self._file = locked(Path(f"{self._store.url.database}.lock"))
        return self._file is not None

    def _take(self) -> bool:
        self._engine = plain(self._store.url)
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        end = time.monotonic() + WITHIN_S
        while not self._connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (LOCK,)).scalar_one():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    async def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None and self._engine is not None:
            await asyncio.to_thread(self._connection.invalidate)
            self._connection.close()
            self._engine.dispose()
            self._connection = None


def locked(path: Path) -> int | None:
    """The file's descriptor, whose closing unlocks it; None while another process has it locked."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
