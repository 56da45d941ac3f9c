"""A database's own errors in words that say what to do."""

from __future__ import annotations

import sqlite3
from typing import Literal, cast

from sqlalchemy.exc import DBAPIError

from gateway.errors import Retry

Why = Literal[
    "locked",
    "full",
    "read_only",
    "unreachable",
    "password",
    "not_let_in",
    "no_database",
    "no_tls",
    "untrusted",
    "too_many",
    "rights",
    "slow",
    "disk",
    "damaged",
]

SAY: dict[Why, str] = {
    "locked": "another program holds the database locked; stop it, or wait until it is done",
    "full": "the disk that holds the database is full; free some space, nothing acknowledged is lost",
    "read_only": "the database cannot be written; give this process write access to the file and to its folder, "
    "or point it at PostgreSQL's primary",
    "unreachable": "the database cannot be reached or opened; check that it is running, its path and its rights",
    "password": "the database refuses the user or the password; mend them in the address of `store`",
    "not_let_in": "the database does not let this user in from here; add a line for it to its pg_hba.conf",
    "no_database": "there is no database of that name; make it with: CREATE DATABASE … ENCODING 'UTF8'",
    "no_tls": "the address asks for TLS and the server has none; set it up there, or leave sslmode out",
    "untrusted": "the server's TLS certificate is not trusted; name the authority's file with sslrootcert=…, "
    "or mend the certificate (its name, its dates, who signed it)",
    "too_many": "the database has no connection left, and a gateway works with up to six; raise the user's CONNECTION "
    "LIMIT, max_connections or the pooler's size, or run fewer gateways",
    "slow": "the database takes too long to answer; look for what locks it or keeps it busy",
    "disk": "the disk that holds the database reports an error; look at the disk and its mount, "
    "nothing acknowledged is lost as long as the file is whole",
    "damaged": "the database file is damaged; stop the gateway and restore the last backup",
    "rights": "the user lacks rights in this database; make it the owner of Floatcard's tables",
}
AFTER: dict[Why, float] = {"locked": 1.0, "full": 10.0, "read_only": 10.0}
_SOON = 2.0

SQLITE: dict[int, Why] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "unreachable",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",  # its first page; at a start it may be anybody's file (migrate.py)
    sqlite3.SQLITE_PERM: "read_only",
}
POSTGRESQL: dict[str, Why] = {
    "55P03": "locked",
    "53100": "full",
    "25006": "read_only",
    "57P01": "unreachable",
    "57P02": "unreachable",
    "57P03": "unreachable",
    "25P03": "slow",
    "25P04": "slow",
    "57014": "slow",
    "57P05": "unreachable",
    "53300": "too_many",
    "53400": "too_many",
    "28P01": "password",
    "28000": "not_let_in",
    "3D000": "no_database",
    "42501": "rights",
    "58030": "disk",
}
# InternalError: of the driver's own, where an answer came that is none, as of a line that garbles
_NO_ANSWER = {
    "OperationalError",
    "InterfaceError",
    "InternalError",
    "ConnectionTimeout",
    "PoolTimeout",
    "AdminShutdown",
}
AGAIN = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock


class StoreUnavailable(Retry):
    """The store cannot take anything now. The same work may come again: nothing of the batch was written, or, where
    the line to PostgreSQL broke in the midst of a commit, all of it may have been."""

    def __init__(self, why: Why) -> None:
        super().__init__(AFTER.get(why, _SOON), SAY[why])
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
    state = getattr(origin, "sqlstate", None) or ""
    if state:
        return POSTGRESQL.get(state, _unconnected(origin) if state.startswith("08") else None)
    gone = isinstance(broke, DBAPIError) and broke.connection_invalidated
    return _unconnected(origin) if gone or type(origin).__name__ in _NO_ANSWER else None


def foreign(broke: BaseException) -> bool:
    """Whether the file does not even begin as a database of SQLite's does."""
    origin = broke.orig if isinstance(broke, DBAPIError) else broke
    return getattr(origin, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB


def stale(broke: BaseException) -> bool:
    """Whether the line broke that the pool gave out, not the making of a new one."""
    return isinstance(broke, DBAPIError) and bool(broke.connection_invalidated)


def _unconnected(origin: object) -> Why:
    """No SQLSTATE, or a pooler's, who has one for all: the database was not reached, or the line to it broke."""
    if not type(origin).__module__.startswith("psycopg"):
        return "unreachable"
    from gateway.store.postgresql import refused

    return cast("Why", refused(str(origin)) or "unreachable")


def named(broke: Exception) -> Exception:
    """The error to hand to a waiter: `StoreUnavailable` where the store is out of order, else the error itself."""
    why = unavailable(broke)
    return StoreUnavailable(why) if why else broke


def transient(broke: Exception) -> bool:
    """True when running the same transaction again is the cure."""
    origin = broke.orig if isinstance(broke, DBAPIError) else broke
    return getattr(origin, "sqlstate", None) in AGAIN
