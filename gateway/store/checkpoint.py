"""SQLite's log (WAL) is brought into its file by a thread of its own, so that no commit waits for it.

SQLite itself does it inside the commit that makes the log 1,000 pages long: whoever waits for that commit waits for two
syncs and for every page written since, which in a long ledger are as many places of a large file.

One thing the thread cannot do while others write: be done with all of the log, after which it begins anew. Where the
log is long and the thread has just been through it, the writer does what little is left, between two commits.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from gateway.store.connect import checkpointing

log = logging.getLogger("floatcard.store")

ROWS = 500
"""So many rows written make it worth a sync."""
LONG = 4000
"""Pages of the log, 16 MB."""
PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"
"""Waits for nobody: what somebody still reads as it was before stays in the log."""


class Checkpoints:
    """`wrote` is called by the thread that writes; what it starts runs in a thread of its own."""

    def __init__(self, url: URL) -> None:
        self._engine = checkpointing(url)
        self._wake = threading.Event()
        self._at_work = False
        self._closing = False
        self._rows = 0
        self._long = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)
        self._thread.start()

    def wrote(self, driver: sqlite3.Connection) -> None:
        """Over this connection something was committed, and nothing is begun."""
        if self._at_work:
            return
        if self._long:
            self._long = False
            self._tried(lambda: driver.execute(PASSIVE).close())
        elif not 0 <= driver.total_changes - self._rows < ROWS:  # less than before it is where another connection began
            self._rows = driver.total_changes
            self._at_work = True
            self._wake.set()

    async def close(self) -> None:
        """What is left in the log is brought into the file by whoever closes the last connection."""
        self._closing = True
        self._wake.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._engine.dispose()

    def _run(self) -> None:
        while self._wake.wait() and not self._closing:
            self._wake.clear()
            self._tried(self._bring)
            self._at_work = False

    def _bring(self) -> None:
        with self._engine.connect() as connection:
            _busy, pages, _done = connection.exec_driver_sql(PASSIVE).one()
        self._long = pages >= LONG

    def _tried(self, step: Callable[[], None]) -> None:
        """Where it fails nothing is lost: the log is kept, and more of it is a reason to try again."""
        try:
            step()
        except (DBAPIError, sqlite3.Error) as broke:
            if not self._failing:
                why = getattr(broke, "orig", broke)
                log.warning("the database's log cannot be brought into its file: %s", _name(why))
            self._failing = True
        else:
            self._failing = False


def _name(fault: object) -> str:
    return str(getattr(fault, "sqlite_errorname", type(fault).__name__))
