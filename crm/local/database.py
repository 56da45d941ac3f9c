"""Opening the file, transactions, and what SQLite's errors mean for the caller."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError

from crm.local.config import Config
from crm.local.schema import feed, metadata
from gateway.errors import Misconfigured, Refused, Retry

T = TypeVar("T")

APPLICATION_ID = 0x464C4352
"""`FLCR`: SQLite's own place for saying which program a file belongs to."""
SCHEMA_VERSION = 1


class Database:
    """One file. Writes are whole transactions, durable when they return. One thread serves the async side."""

    def __init__(self, name: str, config: Config) -> None:
        self.path = config.path
        _identify(self.path, f"crms.{name}.database")
        self.engine = _engine(config)
        self._writing = self.engine.execution_options(write=True)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"crm-{name}")
        with self.write() as conn:
            _create(conn)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot: everything read inside is of one moment."""
        with _translated(self.path), self.engine.connect() as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All or nothing. Raises `Retry` while another process writes or the disk is full."""
        with _translated(self.path), self._writing.begin() as conn:
            yield conn

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def close(self) -> None:
        self._worker.shutdown(wait=True)
        self.engine.dispose()


def _engine(config: Config) -> Engine:
    engine = create_engine(
        config.database, connect_args={"timeout": config.busy_timeout, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, _: object) -> None:
        raw.isolation_level = None  # else the driver decides by itself when a transaction begins
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        # A writer takes the lock at once: one that read first and then wanted to write could not wait for it.
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("write") else "BEGIN")

    return engine


def _create(conn: Connection) -> None:
    if conn.exec_driver_sql("PRAGMA application_id").scalar() == APPLICATION_ID:
        return
    metadata.create_all(conn)
    if conn.execute(select(feed.c.last)).first() is None:
        conn.execute(insert(feed).values(id=1, last=0))
    conn.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    conn.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")


def _identify(path: Path, key: str) -> None:
    """Refuses a file that is not ours before anything is written to it; a new one only its owner may read."""
    if not path.parent.is_dir():
        raise Misconfigured([(str(path), key, f"the folder {path.parent} does not exist: create it first")])
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        return
    reason = _not_ours(path)
    if reason:
        raise Misconfigured([(str(path), key, reason)])


def _not_ours(path: Path) -> str:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            application = raw.execute("PRAGMA application_id").fetchone()[0]
            version = raw.execute("PRAGMA user_version").fetchone()[0]
            tables = raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return f"this is no database SQLite can open ({error}): name another file, or restore a backup"
    if application == APPLICATION_ID and version > SCHEMA_VERSION:
        return f"a newer Floatcard wrote this file (schema {version}, known here {SCHEMA_VERSION}): upgrade first"
    if application != APPLICATION_ID and (application or tables):
        return "this database belongs to another program: name another file, it is created when missing"
    return ""


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        known = _meaning(error.orig, path)
        if known is None:
            raise
        raise known from error


def _meaning(error: BaseException | None, path: Path) -> Exception | None:
    """Retry what passes by itself or loses nothing by waiting; Refused what a person must mend."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Retry(1.0, "another process is writing to the embedded CRM")
    if code == sqlite3.SQLITE_FULL:
        return Retry(30.0, f"no room left on the disk of {path}: free some space, the write is kept until then")
    if code == sqlite3.SQLITE_IOERR:
        return Retry(30.0, f"the disk of {path} failed to read or write: look at the machine's disk")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return Refused(
            "The embedded CRM's database {file} cannot be written. Give the gateway write access to it.", file=str(path)
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Refused("The embedded CRM's database {file} is damaged. Restore it from a backup.", file=str(path))
    return None
