"""When SQLite's log (WAL) is brought into its file: by the writer, between two commits, and while nobody waits.

SQLite itself does it inside the commit that makes the log 1,000 pages long: whoever waits for that commit waits for two
syncs and for every page written since, which in a long ledger are as many places of a large file. Here whoever waited
is answered before.

Nothing else in a gateway does it, no other connection and no other thread: until 3.51.3 SQLite can spoil a file when
one connection begins a checkpoint just as another's commit lets the log begin anew
(https://sqlite.org/wal.html#walresetbug). A command that writes much beside a running gateway is a process of its own
and does it too: docs/engines.md.
"""

from __future__ import annotations

import logging
import sqlite3

log = logging.getLogger("floatcard.store")

ROWS = 500
"""So many rows written make it worth the syncs, where several write: some edits more wait for it, and not for long."""
ALONE_ROWS = 1200
"""Where one writes after the other, the next waits for all of it: fewer than one in a hundred are that one."""
IDLE_S = 0.05
"""So long after the last commit nobody is expected."""
PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"
"""Waits for nobody: what somebody still reads as it was before stays in the log."""


class Checkpoints:
    """Used by the thread that writes, over its connection, while nothing is begun there."""

    def __init__(self) -> None:
        self._rows = 0
        self._failing = False

    def owed(self, driver: sqlite3.Connection, rows: int = ROWS) -> bool:
        """Whether as many rows were written since the last time, or an unknown number over another connection."""
        return not 0 <= driver.total_changes - self._rows < rows

    def bring(self, driver: sqlite3.Connection) -> None:
        """Where it fails nothing is lost: the log is kept, and more of it is a reason to try again."""
        self._rows = driver.total_changes
        try:
            driver.execute(PASSIVE).close()
        except sqlite3.Error as broke:
            if not self._failing:
                why = getattr(broke, "sqlite_errorname", type(broke).__name__)
                log.warning("the database's log cannot be brought into its file: %s", why)
            self._failing = True
        else:
            self._failing = False
