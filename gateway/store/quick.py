"""A line to SQLite for small questions, asked on whatever thread needs the answer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from gateway.store.connect import glancing

T = TypeVar("T")


class Quick:
    """It never waits: not for a file that is locked, nor for another thread that asks at this moment."""

    def __init__(self, url: URL) -> None:
        self._engine = glancing(url)
        self._line: Connection | None = None
        self._driver: Any = None
        self._one = threading.Lock()

    def ask(self, query: Callable[[Connection], T]) -> tuple[T] | None:
        """What `query` found in one snapshot; None when it is to be asked elsewhere. Raises what `query` itself
        raises."""
        if not self._one.acquire(blocking=False):
            return None
        try:
            return (self._asked(query),)
        except (DBAPIError, sqlite3.Error):
            self._hang_up()  # whoever asks it again elsewhere learns what is wrong, and waits for it there
            return None
        finally:
            self._one.release()

    def _asked(self, query: Callable[[Connection], T]) -> T:
        if self._line is None:
            self._line = self._engine.connect()
            self._line.begin()  # for SQLAlchemy alone: the transactions are below it
            self._driver = self._line.connection.driver_connection
        self._driver.execute("BEGIN")
        try:
            return query(self._line)
        finally:
            self._driver.execute("ROLLBACK")

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.invalidate()
            line.close()

    def close(self) -> None:
        with self._one:
            self._hang_up()
            self._engine.dispose()
