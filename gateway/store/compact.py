"""`floatcard compact`: an SQLite file without the pages that what went by age left empty.

They are used again for what comes, so that a file stops growing by itself; this is for one that was once far larger.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL

from gateway.errors import Misconfigured
from gateway.store.backup import quoted, said
from gateway.store.connect import address, plain, shown
from gateway.store.migrate import owned

BUSY_S = 2.0
NO_FILE = "is not there; there is nothing to make smaller"
EMPTY = "holds nothing yet; there is nothing to make smaller"
IN_USE = "is in use; stop the gateway, and whatever else has the file open, then try again"
BY_ITSELF = (
    "is PostgreSQL, which makes room by itself (autovacuum); to give it back to the disk use its own VACUUM FULL"
)


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of the file."""

    before: int
    after: int


def compact(url: str) -> Compacted:
    """All or nothing; nobody else has the file meanwhile, and its disk needs room for as much again, twice. Raises
    `Misconfigured`, saying what to do."""
    parsed = address(url)
    if parsed.get_backend_name() != "sqlite":
        raise Misconfigured([(shown(parsed), "store", BY_ITSELF)])
    path = Path(str(parsed.database))
    if not path.is_file():
        raise Misconfigured([(shown(parsed), "store", NO_FILE)])
    with said(shown(parsed)):
        _ours(parsed)
        before = path.stat().st_size
        _vacuum(parsed, path)
    return Compacted(before, path.stat().st_size)


def _ours(url: URL) -> None:
    """Of whatever schema: another gateway's may be another."""
    engine = plain(url)
    try:
        with engine.begin() as connection:
            if owned(connection, shown(url)) is None:
                raise Misconfigured([(shown(url), "store", EMPTY)])
    finally:
        engine.dispose()


def _vacuum(url: URL, path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE").close()
        try:
            connection.execute("BEGIN EXCLUSIVE").close()
        except sqlite3.OperationalError as broke:
            if broke.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise Misconfigured([(shown(url), "store", IN_USE)]) from broke
        connection.execute("COMMIT").close()  # the file stays ours
        # beside the file: nothing of it goes to another disk, and /tmp may be smaller than a large one
        connection.execute(f"PRAGMA temp_store_directory={quoted(str(path.absolute().parent))}").close()
        try:
            connection.execute("VACUUM").close()
        finally:
            connection.execute("PRAGMA temp_store_directory=''").close()  # which is the whole process's
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
