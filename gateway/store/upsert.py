"""INSERT … ON CONFLICT, the same on both databases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def _insert(connection: Connection, table: Table) -> Any:
    return (sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert)(table)


def put(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, first: Collection[str] = ()
) -> None:
    """Each row takes the place of the one with its primary key, but for the columns `first`, which stay as they were;
    all rows name the same columns."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    statement = _insert(connection, table)
    rest = {name: statement.excluded[name] for name in rows[0] if name not in key and name not in first}
    statement = (
        statement.on_conflict_do_update(index_elements=key, set_=rest)
        if rest
        else statement.on_conflict_do_nothing(index_elements=key)
    )
    # Two rows of one key in one batch: the later one wins, as it would one after another.
    last = {tuple(row[name] for name in key): row for row in rows}
    connection.execute(statement, list(last.values()))


def add(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Adds the row unless its primary key is there already; whether it was added."""
    statement = _insert(connection, table).values(**row).on_conflict_do_nothing()
    # psycopg forgets the count of an INSERT … ON CONFLICT unless it is asked to keep it
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1
