"""A database's own errors in words that say what to do."""

from __future__ import annotations

import sqlite3
from typing import Literal

from sqlalchemy.exc import DBAPIError

from gateway.errors import Retry

Why = Literal["locked", "full", "read_only", "unreachable"]

SAY: dict[Why, str] = {
    "locked": "another program holds the database locked; stop it, or wait until it is done",
    "full": "the disk that holds the database is full; free some space, nothing acknowledged is lost",
    "read_only": "the database cannot be written; give this process write access to the file and to its folder",
    "unreachable": "the database cannot be reached or opened; check that it is running, its path and its rights",
}
AFTER: dict[Why, float] = {"locked": 1.0, "full": 10.0, "read_only": 10.0, "unreachable": 2.0}

SQLITE: dict[int, Why] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "unreachable",
    sqlite3.SQLITE_IOERR: "unreachable",
    sqlite3.SQLITE_PERM: "read_only",
}
POSTGRESQL: dict[str, Why] = {
    "55P03": "locked",
    "53100": "full",
    "25006": "read_only",
    "57P01": "unreachable",
    "57P02": "unreachable",
    "57P03": "unreachable",
    "53300": "unreachable",
}
AGAIN = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock


class StoreUnavailable(Retry):
    """The store cannot take anything now. Nothing of the batch was written; the same work may come again."""

    def __init__(self, why: Why) -> None:
        super().__init__(AFTER[why], SAY[why])
        self.why: Why = why


class StoreClosed(Retry):
    """The store is closing: what comes now is for the next process."""

    def __init__(self) -> None:
        super().__init__(1.0, "the store is closing")


def unavailable(broke: BaseException) -> Why | None:
    """Why the store as a whole is out of order, or None when only this statement was wrong."""
    origin = broke.orig if isinstance(broke, DBAPIError) else broke
    if isinstance(origin, sqlite3.Error):
        return SQLITE.get((getattr(origin, "sqlite_errorcode", 0) or 0) & 0xFF)
    if isinstance(broke, DBAPIError):
        state = getattr(origin, "sqlstate", None)
        return POSTGRESQL.get(state or "", "unreachable" if broke.connection_invalidated else None)
    return None


def named(broke: Exception) -> Exception:
    """The error to hand to a waiter: `StoreUnavailable` where the store is out of order, else the error itself."""
    why = unavailable(broke)
    return StoreUnavailable(why) if why else broke


def transient(broke: Exception) -> bool:
    """True when running the same transaction again is the cure."""
    return isinstance(broke, DBAPIError) and getattr(broke.orig, "sqlstate", None) in AGAIN
