"""What is SQLite's own: text reaches it as PostgreSQL takes it, so that neither keeps what the other would not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import orjson


class Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        if parameters and _odd(parameters):
            parameters = _mended(parameters)
        super().execute(sql, parameters)
        return self

    def executemany(self, sql: str, rows: Iterable[Any], /) -> Cursor:
        rows = rows if isinstance(rows, list) else list(rows)
        super().executemany(sql, [_mended(row) for row in rows] if _odd(rows) else rows)
        return self


class Connection(sqlite3.Connection):
    def cursor(self, factory: Any = Cursor) -> Any:
        return super().cursor(factory)


def _odd(parameters: Any) -> bool:
    """Whether some text may hold a NUL or half a surrogate. Each row is asked, and nothing says it in less time than
    writing them as JSON, which spells the one out and refuses the other."""
    try:
        return b"\\u0000" in orjson.dumps(parameters, _nothing)
    except TypeError:
        return True


def _nothing(_: object) -> None:
    """Bytes hold whatever they like."""


def _mended(row: Any) -> Any:
    if isinstance(row, Mapping):
        return {name: _plain(value) for name, value in row.items()}
    return tuple(map(_plain, row))


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value


def plain(text: str) -> str:
    """As either database can hold it: a NUL and half a surrogate become the replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\ufffd")
