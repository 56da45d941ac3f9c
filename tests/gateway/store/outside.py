"""A store seen and changed from outside, by plain SQL, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from gateway.store import spans, sql
from gateway.store.connect import address, plain
from gateway.store.schema import complete


@contextmanager
def outside(url: str) -> Iterator[Connection]:
    """A transaction of another program's, committed at the end."""
    engine = plain(address(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def tamper(url: str, statement: str, *parameters: Any) -> int:
    """As whoever owns the database could. Parameters are written `?`; how many rows were changed."""
    with outside(url) as connection:
        unguard(connection)
        return sql.change(connection, statement, parameters)


def unguard(connection: Connection) -> None:
    """Takes away what keeps decided rows as they are."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        return
    for name in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


def look(url: str, query: str, *parameters: Any) -> Any:
    """The first row."""
    with outside(url) as connection:
        return sql.first(connection, query, parameters)


def difference(connection: Connection) -> list[Any]:
    """Between the tables that are there and those of this program; none is as it should be."""
    found: list[Any] = compare_metadata(MigrationContext.configure(connection), complete())
    if spans.spanned(connection):  # what is otherwise there
        seen = inspect(connection)
        [index] = [index["column_names"] for index in seen.get_indexes("edit") if index["name"] == "edit_field"]
        assert index == ["span", "record", "field", "n"]
        column = next(column for column in seen.get_columns("field_state") if column["name"] == "spans")
        assert not column["nullable"]
        found = [each for each in found if str(getattr(each[-1], "name", "")) not in ("edit_field", "spans")]
    return found


def everything(url: str) -> bytes:
    """Every value of every row of every table."""
    with outside(url) as connection:
        tables = inspect(connection).get_table_names()
        values = [each for name in tables for row in sql.ask(connection, f"SELECT * FROM {name}") for each in row]
    return b"\n".join(bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in values)
