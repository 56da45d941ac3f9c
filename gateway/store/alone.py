"""One gateway alone on a PostgreSQL: the lock is its session's, so it ends with the process, however that ends."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import Connection, Engine

from gateway.errors import Misconfigured
from gateway.store.connect import plain
from gateway.store.engine import Store

LOCK = 0x466C4362
WITHIN_S = 5.0
"""A predecessor that was killed may be noticed by the server a moment later."""
TAKEN = "another gateway works on this database with bus = store:; stop it, or give both a bus of redis://…"


class Alone:
    """Held from `take` to `release`. Nothing on SQLite."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    async def take(self) -> None:
        """Raises `Misconfigured` while another gateway has it."""
        if self._store.url.get_backend_name() == "postgresql" and not await asyncio.to_thread(self._take):
            await self.release()
            raise Misconfigured([(self._store.name, "bus", TAKEN)])

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
        if self._connection is not None and self._engine is not None:
            await asyncio.to_thread(self._connection.invalidate)
            self._connection.close()
            self._engine.dispose()
            self._connection = None
