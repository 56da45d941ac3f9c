"""Numbers that grow when something changed, for whoever keeps a copy of it in memory."""

from __future__ import annotations

import time

from sqlalchemy import Connection, select

from gateway.store import sql
from gateway.store.engine import Store
from gateway.store.tables_shared import counter


def count(connection: Connection, name: str) -> None:
    """In the transaction that changes it: whoever sees the number sees the change."""
    add = "INSERT INTO counter (name, n) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = counter.n + 1"
    sql.change(connection, add, (name,))


def count_once(connection: Connection, name: str) -> None:
    """As `count`, by a number that is not given again where this transaction is rolled back either: for whoever looks
    at it from within."""
    now = time.time_ns() // 1000
    add = "INSERT INTO counter (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = "
    later = "CASE WHEN counter.n < excluded.n THEN excluded.n ELSE counter.n + 1 END"
    sql.change(connection, f"{add}{later}", (name, now))


async def counts(store: Store) -> dict[str, int]:
    return await store.read(lambda connection: {row.name: row.n for row in connection.execute(select(counter))})
