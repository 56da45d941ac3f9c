"""A store seen and changed from outside, by plain SQL, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, inspect

from gateway.store import sql
from gateway.store.connect import address, plain


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
    """Parameters are written `?`; how many rows were changed."""
    with outside(url) as connection:
        return sql.change(connection, statement, parameters)


def look(url: str, query: str, *parameters: Any) -> Any:
    """The first row."""
    with outside(url) as connection:
        return sql.first(connection, query, parameters)


def everything(url: str) -> bytes:
    """Every value of every row of every table."""
    with outside(url) as connection:
        tables = inspect(connection).get_table_names()
        values = [each for name in tables for row in sql.ask(connection, f"SELECT * FROM {name}") for each in row]
    return b"\n".join(bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in values)
