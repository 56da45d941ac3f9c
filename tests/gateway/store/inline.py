"""A store without threads, files or commits that wait for a disk: for runs by the ten thousand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from tests.gateway.store.world import _empty

T = TypeVar("T")


class Cut(Exception):
    """The process died here: nothing of the transaction is left."""


class Inline:
    """What a ledger asks of a store. `dies`: asked once a transaction, right before its commit."""

    def __init__(self) -> None:
        def made() -> sqlite3.Connection:
            line = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            line.deserialize(_empty())
            return line

        # sqlalchemy would begin nothing by itself: the whole database is this one line's
        self._engine = create_engine("sqlite://", creator=made, poolclass=StaticPool)
        self._connection = self._engine.connect()
        self.dies: Callable[[], bool] = lambda: False

    async def write(self, op: Callable[[Connection, Sequence[Any]], Sequence[T]], item: Any) -> T:
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            (found,) = op(self._connection, [item])
            if self.dies():
                raise Cut
        except BaseException:
            self._connection.exec_driver_sql("ROLLBACK")
            raise
        self._connection.exec_driver_sql("COMMIT")
        return found

    async def read(self, query: Callable[[Connection], T]) -> T:
        return query(self._connection)

    async def look(self, query: Callable[[Connection], T]) -> T:
        return query(self._connection)

    async def close(self) -> None:
        self._connection.close()
        self._engine.dispose()
