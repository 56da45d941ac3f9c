"""`floatcard restore`: a backup into an empty database of either kind, all or nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Connection, inspect

from gateway.errors import Misconfigured
from gateway.store import migrate
from gateway.store.backup import STORE, Taken, listed, look, quoted, said
from gateway.store.backup_file import lines, plain
from gateway.store.connect import address, shown
from gateway.store.connect import plain as plainly
from gateway.store.tables import floatcard_meta

OLD_PROGRAM = (
    "was taken at schema {found}, this program knows up to {head}; restore it with that version or a newer one"
)
IN_USE = "holds a Floatcard store already; restore into an empty database or a new file, then point `store` at it"
THERE = "is there already; move it away, a restore never overwrites"
LEFT = "is left of another database; move it away together with that one"
STRAY = "holds {table}.{column}, which schema {schema} has not: it comes from an unreleased build"
UNPLACED = "holds the database of the CRM `{name}`, and this configuration has no such CRM with a file of its own"


def restore(path: Path, url: str, files: Mapping[str, Path], check: Callable[[Connection], object]) -> Taken:
    """Into an empty database, all or nothing, and up to this program's schema. `check` gets the transaction as soon
    as the key's proof is in it, and raises when the master key is another. Raises `Misconfigured`, saying what to do.
    """
    parsed, taken = address(url), look(path)
    if taken.schema > migrate.head():
        raise Misconfigured([(str(path), "", OLD_PROGRAM.format(found=taken.schema, head=migrate.head()))])
    for crm in taken.rows:
        if crm != STORE:
            _placed(path, crm, files.get(crm))
    if parsed.get_backend_name() == "sqlite":
        _clean(Path(str(parsed.database)), "store")
    engine = plainly(parsed)
    made: list[Path] = []
    try:
        with said(shown(parsed)), ExitStack() as stack:
            connection = stack.enter_context(engine.begin())
            migrate.empty(connection, shown(parsed), IN_USE)
            migrate.make(connection, taken.schema)
            load = _Load(path, taken.schema, connection, files, check, stack, made)
            for line in lines(path):
                load.take(line)
            _sequences(connection)
            migrate.finish(connection, shown(parsed))
    except BaseException:
        for file in made:  # the store is committed last: what was before it goes with it
            file.unlink(missing_ok=True)
        raise
    finally:
        engine.dispose()
    return taken


def _placed(path: Path, crm: str, file: Path | None) -> None:
    if file is None:
        raise Misconfigured([(str(path), "", UNPLACED.format(name=crm))])
    if file.exists() and file.stat().st_size:
        raise Misconfigured([(str(file), f"crms.{crm}", THERE)])
    _clean(file, f"crms.{crm}")


def _clean(file: Path, key: str) -> None:
    """SQLite would play another database's journal into this one."""
    for left in (f"{file}-wal", f"{file}-journal"):
        if Path(left).exists():
            raise Misconfigured([(left, key, LEFT)])


@dataclass(slots=True)
class _Load:
    """Line by line; what it has open is in `stack`, and is committed or undone with it."""

    path: Path
    schema: str
    connection: Connection
    files: Mapping[str, Path]
    check: Callable[[Connection], object]
    stack: ExitStack
    made: list[Path]
    """Files of CRMs that were made."""
    file: sqlite3.Connection | None = None
    put: Callable[[Sequence[Sequence[Any]]], None] | None = None
    table: str = ""

    def take(self, line: Any) -> None:
        if isinstance(line, list):
            assert self.put is not None
            self.put([plain(row) for row in line])
            return
        self.end()
        if "made" in line:
            self.file = _made(self.files[line["section"]], line, self.stack, self.made)
        elif "table" in line:
            self.table = line["table"]
            self.put = self._into(line["table"], line["columns"])

    def end(self) -> None:
        if self.file is None and self.table == floatcard_meta.name:
            self.check(self.connection)
        self.table = ""

    def _into(self, table: str, columns: Sequence[str]) -> Callable[[Sequence[Sequence[Any]]], None]:
        if self.file is not None:
            return partial(_insert, self.file, table, columns)
        there = {column["name"]: column["type"] for column in self._columns(table)}
        for name in columns:
            if name not in there:
                why = STRAY.format(table=table, column=name, schema=self.schema)
                raise Misconfigured([(str(self.path), "", why)])
        driver: Any = self.connection.connection.driver_connection
        if self.connection.dialect.name == "sqlite":
            return partial(_insert, driver, table, columns)
        return partial(_copy, driver, table, columns, [isinstance(there[name], Boolean) for name in columns])

    def _columns(self, table: str) -> Sequence[Any]:
        inspector = inspect(self.connection)
        return inspector.get_columns(table) if inspector.has_table(table) else ()


def _insert(driver: sqlite3.Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    marks = ", ".join("?" * len(columns))
    driver.executemany(f"INSERT INTO {quoted(table)} ({listed(columns)}) VALUES ({marks})", rows)  # noqa: S608 -- quoted


def _copy(
    driver: Any, table: str, columns: Sequence[str], truths: Sequence[bool], rows: Sequence[Sequence[Any]]
) -> None:
    """`truths`: which columns are booleans, that SQLite tells as 0 and 1."""
    with driver.cursor() as cursor, cursor.copy(f"COPY {quoted(table)} ({listed(columns)}) FROM STDIN") as copy:
        for row in rows:
            values = zip(row, truths, strict=True)
            copy.write_row([bool(value) if truth and value is not None else value for value, truth in values])


def _made(path: Path, section: Mapping[str, Any], stack: ExitStack, ours: list[Path]) -> sqlite3.Connection:
    """An empty file with that schema, in a transaction that `stack` ends; gone again when that breaks."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    if path.stat().st_size:
        raise Misconfigured([(str(path), f"crms.{section['section']}", THERE)])
    ours.append(path)
    made = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
    stack.enter_context(_whole(made))
    for mark, value in section["marks"].items():
        made.execute(f"PRAGMA {quoted(mark)}={int(value)}")
    for _, statement in sorted(section["made"], key=lambda one: one[0] != "table"):
        made.execute(statement)
    return made


@contextmanager
def _whole(made: sqlite3.Connection) -> Iterator[None]:
    made.execute("BEGIN IMMEDIATE")
    try:
        yield
        made.execute("COMMIT")
    except BaseException:
        made.rollback()
        raise


def _sequences(connection: Connection) -> None:
    """PostgreSQL counts on from what was restored; SQLite does by itself."""
    if connection.dialect.name == "sqlite":
        return
    for table in inspect(connection).get_table_names():
        for column in inspect(connection).get_pk_constraint(table)["constrained_columns"]:
            serial = "SELECT pg_get_serial_sequence(%s, %s)"
            name = connection.exec_driver_sql(serial, (quoted(table), column)).scalar()
            if name is not None:
                newest = f"SELECT max({quoted(column)}) FROM {quoted(table)}"  # noqa: S608 -- quoted
                if (n := connection.exec_driver_sql(newest).scalar()) is not None:
                    connection.exec_driver_sql("SELECT setval(%s, %s)", (name, n))
