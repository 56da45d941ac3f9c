"""How the store connects: one writing engine, one reading engine, whichever database it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import Misconfigured

READERS = 4
BUSY_MS = 10_000


def shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def address(url: str) -> URL:
    """`sqlite:///path` or `postgresql://…`; anything else is a fault of the configuration."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        reason = "is no database address; write sqlite:///floatcard.db or postgresql://user@host/name"
        raise Misconfigured([("store", "store", reason)]) from None
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    reason = "needs a file (sqlite:///floatcard.db) or a PostgreSQL address (postgresql://user@host/name)"
    raise Misconfigured([(shown(parsed), "store", reason)])


def writing(url: URL) -> Engine:
    """One connection; on SQLite every transaction is BEGIN IMMEDIATE at synchronous=FULL under WAL."""
    if url.get_backend_name() == "sqlite":
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-65536")
        return _sqlite(url, size=1, begin="BEGIN IMMEDIATE", pragmas=pragmas)
    return create_engine(url, pool_size=1, max_overflow=0)


def reading(url: URL) -> Engine:
    """A few connections that cannot write."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, size=READERS, begin="BEGIN", pragmas=("query_only=ON", "temp_store=MEMORY"))
    return create_engine(url, pool_size=READERS, max_overflow=0, execution_options={"postgresql_readonly": True})


def plain(url: URL) -> Engine:
    """For looking at a database that may not be ours, and for migrating it: changes no setting of the file."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, size=1, begin="BEGIN IMMEDIATE", pragmas=())
    return create_engine(url, pool_size=1, max_overflow=0)


def _sqlite(url: URL, *, size: int, begin: str, pragmas: tuple[str, ...]) -> Engine:
    # the pool hands a connection to one thread at a time, so sqlite3's own thread check would only be in the way
    settings = {"check_same_thread": False, "timeout": BUSY_MS / 1000, "isolation_level": None}
    engine = create_engine(url, pool_size=size, max_overflow=0, connect_args=settings)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
