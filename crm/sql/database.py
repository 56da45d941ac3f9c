"""The connection, its threads, and what a database's errors mean for the caller."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchTableError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from crm.mapping import vanished
from gateway.errors import Refused, Retry, Unsure

T = TypeVar("T")
DOWN = 5.0
BUSY = 1.0
AT_ONCE = 4


class Database:
    """Everything runs on threads of its own: none of the drivers waits as the loop does."""

    def __init__(self, name: str, url: URL, timeout: float) -> None:
        self.name = name
        self.engine = _engine(url, timeout)
        self._writing = self.engine.execution_options(write=True)
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"crm-{name}")

    async def reading(self, work: Callable[[Connection], T]) -> T:
        return await self._run(work, False)

    async def writing(self, work: Callable[[Connection], T]) -> T:
        """One transaction, all or nothing. Raises `Unsure` when nobody can say which."""
        return await self._run(work, True)

    async def _run(self, work: Callable[[Connection], T], write: bool) -> T:
        def inside() -> T:
            with self._connection(write) as conn:
                return work(conn)

        return await asyncio.get_running_loop().run_in_executor(self._workers, inside)

    @contextmanager
    def _connection(self, write: bool) -> Iterator[Connection]:
        with self.translated(begun=False):
            conn = (self._writing if write else self.engine).connect()
        with conn, self.translated(begun=write), conn.begin():
            yield conn

    @contextmanager
    def translated(self, *, begun: bool) -> Iterator[None]:
        try:
            yield
        except NoSuchTableError as fault:
            raise vanished(str(fault)) from None
        except PoolTimeout:
            raise Retry(BUSY, "every connection is taken") from None
        except DBAPIError as fault:
            raise self._meaning(fault, begun) from None

    def _meaning(self, fault: DBAPIError, begun: bool) -> Exception:
        if isinstance(fault.orig, sqlite3.Error):
            return self._of_sqlite(fault.orig) or fault
        state = str(getattr(fault.orig, "sqlstate", None) or "")
        lost = fault.connection_invalidated or state[:2] in ("08", "57") or not state
        if lost and isinstance(fault, OperationalError | InterfaceError):
            if _wrong_password(fault.orig):
                return self._locked_out()
            why = "the database cannot be reached, or ended the call"
            return Unsure(DOWN, why) if begun and state != "57014" else Retry(DOWN, why)
        return self._of_state(state, fault) or fault

    def _of_state(self, state: str, fault: DBAPIError) -> Exception | None:
        words = str(getattr(getattr(fault.orig, "diag", None), "message_primary", None) or state)
        if state[:2] == "28":
            return self._locked_out()
        if state in ("42P01", "42703", "3F000"):
            return vanished(words)
        if state == "42501":
            return Refused("The CRM {crm} does not permit this: {words}", crm=self.name, words=words)
        if state[:2] in ("22", "23", "44", "P0") or state == "25006":
            return Refused("The CRM {crm} refused: {words}", crm=self.name, words=words)
        if state[:2] in ("40", "53", "55"):
            return Retry(BUSY, "the database is busy with others")
        return None

    def _of_sqlite(self, fault: sqlite3.Error) -> Exception | None:
        code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
        words = str(fault)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return Retry(BUSY, "another process is writing")
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return Retry(30.0, "its disk is full, or failed")
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH):
            return self._locked_out()
        if words.startswith(("no such table", "no such column")):
            return vanished(words.partition(": ")[2])
        mendable = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG)
        if code in (*mendable, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return Refused("The CRM {crm} refused: {words}", crm=self.name, words=words)
        return None

    def _locked_out(self) -> Refused:
        return Refused("The CRM {crm} does not accept our access any more: reconnect it.", crm=self.name)

    def close(self) -> None:
        self._workers.shutdown(wait=True)
        self.engine.dispose()


def _wrong_password(fault: Any) -> bool:
    """Before a connection stands the driver tells no state, only words."""
    words = str(fault).casefold()
    return any(each in words for each in ("password authentication failed", "no pg_hba.conf entry", "access denied"))


def _engine(url: URL, timeout: float) -> Engine:
    kind = url.get_backend_name()
    if kind == "sqlite":
        more: dict[str, Any] = {"timeout": min(timeout, 5.0), "check_same_thread": False}
        engine = create_engine(url, connect_args=more, poolclass=NullPool, hide_parameters=True)
        _sqlite(engine)
        return engine
    if kind == "postgresql":
        ms = round(timeout * 1000)
        more = {
            "connect_timeout": max(2, round(timeout)),
            "options": f"-c statement_timeout={ms} -c lock_timeout={ms // 2}",
            "application_name": "floatcard",
        }
        return create_engine(
            url, connect_args=more, pool_size=AT_ONCE, max_overflow=0, pool_pre_ping=True, hide_parameters=True
        )
    return create_engine(url, pool_size=AT_ONCE, max_overflow=0, pool_pre_ping=True, hide_parameters=True)


def _sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, _: object) -> None:
        raw.isolation_level = None  # else the driver decides by itself when a transaction begins

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        # A writer takes the lock at once: one that read first and then wanted to write could not wait for it.
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("write") else "BEGIN")
