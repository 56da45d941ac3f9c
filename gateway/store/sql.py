"""Statements for the hot path: made once from the tables, sent to the driver as they are, on either database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Literal, TypeVar

import orjson
from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Table, and_

LAST = chr(0x10FFFF)
"""No text goes on with a sign that comes after it."""
Clash = Literal["fail", "replace", "keep"]
K = TypeVar("K")
Rows = Callable[[], list[Any]]
"""What was asked for, once: had by calling it, before or after the end of a `together` that it was asked in."""


def many(connection: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """`sql` once a row. Parameters are written `?`, and nothing else in it may be a question or percent mark."""
    if rows:
        _cursor(connection).executemany(_spelt(sql, connection.dialect.name), rows)


def ask(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    return asking(connection, sql, parameters)()


def asking(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    cursor = _cursor(connection)
    cursor.execute(_spelt(sql, connection.dialect.name), parameters)
    rows: Rows = cursor.fetchall
    return rows


def first(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
    rows = ask(connection, sql, parameters)
    return rows[0] if rows else None


def change(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> int:
    """How many rows were changed."""
    cursor = _cursor(connection)
    cursor.execute(_spelt(sql, connection.dialect.name), parameters)
    count: int = cursor.rowcount
    return count


def last(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> int:
    """On SQLite: the number of the row that an INSERT added last."""
    cursor = _cursor(connection)
    cursor.execute(_spelt(sql, connection.dialect.name), parameters)
    number: int = cursor.lastrowid
    return number


def _cursor(connection: Connection) -> Any:
    """The driver's own cursor, inside the transaction of `connection`: a statement costs a tenth of what it costs
    through the engine. Errors are the driver's; `gateway.store.faults` knows them."""
    return connection.connection.cursor()


def store(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], clash: Clash = "fail") -> None:
    """Adds whole rows. A row whose primary key is there already fails, replaces it, or keeps what is there."""
    if rows and not (connection.dialect.name == "postgresql" and _at_once(connection, table, rows, clash)):
        sql, pick = _insert(table, clash)
        many(connection, sql, [pick(row) for row in rows])


def _at_once(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], clash: Clash) -> bool:
    """One statement with one parameter: on PostgreSQL a row of its own costs more on its way than in the table.
    False when the rows hold what JSON cannot say: then nothing was done."""
    sql, key, bytes_ = _populate(table, clash)
    if clash == "replace":  # of two rows of one key in one statement the later one wins, as one after another
        rows = list({tuple(row[name] for name in key): row for row in rows}.values())
    if bytes_:
        rows = [{**row, **{name: _hex(row[name]) for name in bytes_}} for row in rows]
    try:
        body = orjson.dumps(rows)
    except TypeError:
        return False
    if b"\\u0000" in body:
        return False
    _cursor(connection).execute(sql, (body.decode(),))
    return True


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else f"\\x{raw.hex()}"


@dataclass(frozen=True, slots=True)
class Words:
    """What a column may be: plain words of the program's own."""

    column: str
    words: tuple[str, ...]

    @property
    def listed(self) -> str:
        return ", ".join(f"'{word}'" for word in self.words)

    @property
    def said(self) -> str:
        """As a condition. SQLite uses an index of some rows only for a statement that says this to the letter."""
        return f"{self.column} IN ({self.listed})"


def ask_in(
    connection: Connection, sql: str, keys: Iterable[tuple[Any]], more: Sequence[Any] = (), tail: str = ""
) -> list[Any]:
    """`sql` ends where the key, of one column, is compared; `tail` follows, with `more`."""
    return asking_in(connection, sql, keys, more, tail)()


def asking_in(
    connection: Connection, sql: str, keys: Iterable[tuple[Any]], more: Sequence[Any] = (), tail: str = ""
) -> Rows:
    wanted = [key for (key,) in keys]
    if connection.dialect.name == "postgresql":
        return asking(connection, f"{sql} = ANY(?) {tail}", [_array(wanted), *more])
    found: list[Any] = []
    for start in range(0, len(wanted), 256):
        part = _padded(wanted[start : start + 256])
        found += ask(connection, f"{sql} IN ({_marks(len(part), 1)}) {tail}", [*part, *more])
    return lambda: found


def asking_by(
    connection: Connection,
    sql: str,
    columns: tuple[str, ...],
    keys: Sequence[tuple[str, ...]],
    tail: str = "",
    last: Words | None = None,
) -> Rows:
    """The rows of `sql` whose `columns`, the first of an index, are one of `keys`, no key twice; `tail` follows. The
    column of `last`, the next of that index, is one of its words."""
    if connection.dialect.name == "postgresql":
        arrays = [_array(each) for each in zip(*keys, strict=True)]
        return asking(connection, _searched(sql, columns, tail, last), arrays)
    found: list[Any] = []
    also = f"AND {last.said}" if last else ""
    for start in range(0, len(keys), 256):
        part = _padded(keys[start : start + 256])
        text = f"{sql} WHERE ({', '.join(columns)}) IN ({_marks(len(part), len(columns))}) {also} {tail}"
        found += ask(connection, text, list(chain.from_iterable(part)))
    return lambda: found


def _padded(part: Sequence[K]) -> Sequence[K]:
    """To a power of two, so that few statements are ever prepared."""
    return [*part, *[part[-1]] * ((1 << (len(part) - 1).bit_length()) - len(part))]


def _array(values: Sequence[Any]) -> Any:
    """A list for PostgreSQL, as it spells one: as JSON does, but for the braces and some rare signs."""
    try:
        body = orjson.dumps(values)
    except TypeError:
        return list(values)
    return list(values) if b"\\" in body else f"{{{body[1:-1].decode()}}}"


def change_in(connection: Connection, sql: str, keys: Sequence[tuple[Any]]) -> None:
    """`sql` ends where the key, of one column, is compared: the same done to every row of those keys."""
    for start in range(0, len(keys), 256):
        part = [key for (key,) in keys[start : start + 256]]
        if connection.dialect.name == "postgresql":
            change(connection, f"{sql} = ANY(?)", (_array(part),))
        else:
            change(connection, f"{sql} IN ({_marks(len(part), 1)})", part)


def beside(connection: Connection, what: str) -> None:
    """Until the commit nobody is `alone` with it; any number may be beside each other."""
    if connection.dialect.name == "postgresql":
        asking(connection, "SELECT pg_advisory_xact_lock_shared(hashtext(?))", (what,))


def begins(connection: Connection, column: Column[Any], start: str) -> ColumnElement[bool]:
    """As an index finds it: SQLite looks for no LIKE in one that has a parameter, and PostgreSQL only where its index
    is of `text_pattern_ops`, which these operators compare by."""
    end = f"{start}{LAST}"
    if connection.dialect.name == "postgresql":
        return and_(column.op("~>=~", is_comparison=True)(start), column.op("~<~", is_comparison=True)(end))
    return and_(column >= start, column < end)


def locked(connection: Connection) -> str:
    """What makes a SELECT lock its rows; SQLite has locked everything by BEGIN IMMEDIATE."""
    return " FOR UPDATE" if connection.dialect.name == "postgresql" else ""


def alone(connection: Connection, what: str) -> None:
    """Nobody else does this until the commit; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        ask(connection, "SELECT pg_advisory_xact_lock(hashtext(?))", (what,))


@cache
def _spelt(sql: str, dialect: str) -> str:
    return sql.replace("?", "%s") if dialect == "postgresql" else sql


def together(connection: Connection) -> AbstractContextManager[object]:
    """Statements within, nobody asks for the answer of one before the next: PostgreSQL is sent them all at once. What
    one of them met is raised at the end."""
    if connection.dialect.name != "postgresql":
        return nullcontext()
    line: AbstractContextManager[object] = connection.connection.driver_connection.pipeline()  # type: ignore[union-attr]
    return line


def at_once(connection: Connection, *readings: Iterator[None]) -> None:
    """Each asks, then yields, then takes the answers. They all ask, in this order, before the first takes: PostgreSQL
    is waited for once."""
    with together(connection):
        for each in readings:
            next(each, None)
    for each in readings:
        next(each, None)


@cache
def _marks(count: int, width: int) -> str:
    if width == 1:
        return ", ".join("?" * count)
    one = f"({', '.join('?' * width)})"
    names = ", ".join(f"column{at}" for at in range(1, width + 1))
    # a bare VALUES has SQLite read the whole table; named columns let it search the key's index
    return f"SELECT {names} FROM (VALUES {', '.join([one] * count)}) AS wanted"  # noqa: S608


@cache
def _searched(sql: str, columns: tuple[str, ...], tail: str, last: Words | None) -> str:
    """PostgreSQL takes the keys as one array a column, so that however many there are it is one statement, and looks
    for one key after another. It plans a statement once, and a table that was young or empty then looks as if any index
    would do, such as one of what waits, all of which is then read for every key, however much there comes to be of it.
    Rows compared as wholes can be looked for only in an index that begins as they do, and OFFSET 0 keeps each search
    by itself. A row that another gateway changes while this one waits for it is looked at again as it became, so that
    all words are asked for in one search: between the first and the last of them, and by what no index knows."""
    names = [f"key{at}" for at, _ in enumerate(columns)]
    keys = f"unnest({', '.join(['?::text[]'] * len(names))}) AS wanted({', '.join(names)})"
    low, high, also = names, names, ""
    if last is not None:
        columns, low, high = (*columns, last.column), [*names, f"'{min(last.words)}'"], [*names, f"'{max(last.words)}'"]
        also = f"AND {last.column} || '' IN ({last.listed})"
    row = f"({', '.join(columns)})"
    each = f"{sql} WHERE {row} >= ({', '.join(low)}) AND {row} <= ({', '.join(high)}) {also} {tail} OFFSET 0"
    return f"SELECT found.* FROM {keys}, LATERAL ({each}) AS found"  # noqa: S608


@cache
def _populate(table: Table, clash: Clash) -> tuple[str, list[str], list[str]]:
    """The statement, the primary key, and the columns of bytes."""
    key = [column.name for column in table.primary_key]
    bytes_ = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    source = f"SELECT {names} FROM json_populate_recordset(NULL::{table.name}, %s::json)"  # noqa: S608
    return f"INSERT INTO {table.name} ({names}) {source}{_on_clash(table, clash)}", key, bytes_


def _on_clash(table: Table, clash: Clash) -> str:
    key = [column.name for column in table.primary_key]
    if clash == "replace":
        changes = ", ".join(f"{each.name} = excluded.{each.name}" for each in table.columns if each.name not in key)
        return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    return " ON CONFLICT DO NOTHING" if clash == "keep" else ""


@cache
def _insert(table: Table, clash: Clash) -> tuple[str, Any]:
    names = [column.name for column in table.columns]
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}){_on_clash(table, clash)}"  # noqa: S608
    return sql, itemgetter(*names)
