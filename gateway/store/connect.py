"""How the store connects: one writing engine, one reading engine, whichever database it is."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import Misconfigured
from gateway.store import sqlite

READERS = 4
SYNCHRONOUS = "FULL"  # what is acknowledged survives a power cut
LONGEST = 16_000
"""Pages of SQLite's log, 64 MB, from which a commit brings them into the file itself; checkpoint.py is there before."""
BUSY_MS = 10_000
AGAIN_S = 0.02
CONNECT_S = 5
WRITE_S = 30.0
READ_S = 60.0
"""How long one transaction may take on PostgreSQL: then the server ends it, and the line is cut from here."""
# What the server is told of a session: whose machine died without a word holds no lock and no place for long.
KEPT = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
# What is written looks for everything by a key; the planner, who may know a young table as an empty one, is told so. No
# statement of it is so long that compiling it, or a second process, would be worth the beginning.
KEYED = "SET enable_seqscan = off; SET jit = off; SET max_parallel_workers_per_gather = 0"
ENDED = "SET statement_timeout = {0}; SET idle_in_transaction_session_timeout = {0}"
# From PostgreSQL 17 on also what is neither a statement nor idle has an end, such as half of what was to be said.
AT_LAST, AT_LAST_S, SINCE = "SET transaction_timeout = {0}", 5, 170_000

# A line that was cut without a word is noticed within half a minute; what the address says itself goes first.
LINE = {
    "connect_timeout": str(CONNECT_S),
    "application_name": "floatcard",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def shown(url: URL) -> str:
    """Without a password, which may stand behind the question mark as well."""
    return url.set(query={}).render_as_string(hide_password=True)


def address(url: str) -> URL:
    """`sqlite:///path` or `postgresql://…`; anything else is a fault of the configuration."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        reason = "is no database address; write sqlite:///floatcard.db or postgresql://user@host/name"
        raise Misconfigured([("store", "store", reason)]) from None
    if "@" in (parsed.host or ""):  # what stands before it is the rest of a password
        reason = "has a password with one of the signs @ / : ? in it; write %40 %2F %3A %3F for them"
        raise Misconfigured([("store", "store", reason)])
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    reason = "needs a file (sqlite:///floatcard.db) or a PostgreSQL address (postgresql://user@host/name)"
    raise Misconfigured([(shown(parsed), "store", reason)])


def writing(url: URL) -> Engine:
    """One connection; on SQLite every transaction is BEGIN IMMEDIATE at synchronous=FULL under WAL."""
    if url.get_backend_name() == "sqlite":
        # with recursive triggers a REPLACE asks before it removes a row (lasting.py)
        safe = ("journal_mode=WAL", f"synchronous={SYNCHRONOUS}", "foreign_keys=ON", "recursive_triggers=ON")
        pragmas = (*safe, "temp_store=MEMORY", "cache_size=-65536", f"wal_autocheckpoint={LONGEST}")
        return _sqlite(url, size=1, begin="BEGIN IMMEDIATE", pragmas=pragmas)
    return _postgresql(url, size=1, within=WRITE_S, also=KEYED)


def reading(url: URL) -> Engine:
    """A few connections that cannot write."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, size=READERS, begin="BEGIN", pragmas=("query_only=ON", "temp_store=MEMORY"))
    # one snapshot for all the statements of a read, as SQLite gives it
    options = {"postgresql_readonly": True}
    return _postgresql(url, size=READERS, within=READ_S, isolation_level="REPEATABLE READ", execution_options=options)


def glancing(url: URL) -> Engine:
    """On SQLite, one connection that cannot write and does not wait; its user begins and ends what it reads in."""
    return _sqlite(url, size=1, begin="", pragmas=("query_only=ON", "temp_store=MEMORY"), busy_ms=0)


def plain(url: URL) -> Engine:
    """For looking at a database that may not be ours, and for migrating it: changes no setting of the file."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, size=1, begin="BEGIN IMMEDIATE", pragmas=())
    return _postgresql(url, size=1)


def _postgresql(url: URL, *, size: int, within: float = 0, also: str = "", **more: Any) -> Engine:
    from gateway.store.postgresql import Text  # a tenth of a second that only PostgreSQL's users pay

    settings = {name: value for name, value in LINE.items() if name not in url.query}
    engine = create_engine(
        url, pool_size=size, max_overflow=0, pool_use_lifo=True, connect_args=settings, **more, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(str, Text)
        ended = ENDED.format(int(within * 1000)) if within else ""
        last = AT_LAST.format(int((within + AT_LAST_S) * 1000)) if within and _knows(connection) else ""
        connection.execute("; ".join(filter(None, (KEPT, ended, last, also))))
        connection.commit()

    return engine


def _knows(connection: Any) -> bool:
    return int(connection.info.server_version) >= SINCE


def _sqlite(url: URL, *, size: int, begin: str, pragmas: tuple[str, ...], busy_ms: int | None = None) -> Engine:
    # the pool hands a connection to one thread at a time, so sqlite3's own thread check would only be in the way
    busy = BUSY_MS if busy_ms is None else busy_ms
    settings = {
        "check_same_thread": False,
        "timeout": busy / 1000,
        "isolation_level": None,
        "factory": sqlite.Connection,
    }
    engine = create_engine(url, pool_size=size, max_overflow=0, connect_args=settings, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for pragma in pragmas:
            _set(connection, pragma)

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        if begin:
            connection.exec_driver_sql(begin)

    return engine


def _set(connection: Any, pragma: str) -> None:
    """SQLite turns to WAL without waiting for a program that is writing meanwhile (two that start at once): we do."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}").close()
            return
        except sqlite3.OperationalError as broke:
            if broke.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(AGAIN_S)
