"""INSERT … ON CONFLICT, the same on both databases, as the driver takes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table

from gateway.store import sql


def put(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, first: Collection[str] = ()
) -> None:
    """Each row takes the place of the one with its primary key, but for the columns `first`, which stay as they were;
    all rows name the same columns."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    # Two rows of one key in one batch: the later one wins, as it would one after another.
    last = {tuple(row[name] for name in key): row for row in rows}
    text, spell = _insert(table, tuple(rows[0]), tuple(sorted(first)), replaces=True)
    sql.many(connection, text, [spell(row) for row in last.values()])


def add(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Adds the row unless its primary key is there already; whether it was added."""
    text, spell = _insert(table, tuple(row), (), replaces=False)
    return sql.change(connection, text, spell(row)) == 1


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds the rows; all of them name the same columns."""
    if rows:
        text, spell = _insert(table, tuple(rows[0]), (), replaces=None)
        sql.many(connection, text, [spell(row) for row in rows])


@cache
def _insert(
    table: Table, given: tuple[str, ...], first: tuple[str, ...], *, replaces: bool | None
) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """The statement, and what spells a row's parameters; a column that is not given has its default."""
    defaults: dict[str, Any] = {each.name: each.default for each in table.columns if each.default is not None}
    more = {name: default.arg for name, default in defaults.items() if name not in given}
    names = ", ".join(f'"{name}"' for name in (*given, *more))
    marks = ", ".join("?" * (len(given) + len(more)))
    text = f"INSERT INTO {table.name} ({names}) VALUES ({marks}){_clash(table, given, first, replaces)}"  # noqa: S608
    pick, rest = itemgetter(*given), tuple(more.values())
    if len(given) == 1:
        return text, lambda row: (pick(row), *rest)
    return text, (lambda row: pick(row) + rest) if rest else pick


def _clash(table: Table, given: tuple[str, ...], first: tuple[str, ...], replaces: bool | None) -> str:
    if replaces is None:
        return ""
    key = [column.name for column in table.primary_key]
    changes = [f'"{name}" = excluded."{name}"' for name in given if name not in key and name not in first]
    if not replaces or not changes:
        return " ON CONFLICT DO NOTHING"
    on = ", ".join(f'"{name}"' for name in key)
    return f" ON CONFLICT ({on}) DO UPDATE SET {', '.join(changes)}"
