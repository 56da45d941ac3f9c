"""`floatcard backup`: every row of our tables in one snapshot, the same from either database.

A running gateway is not stopped and not locked out. Values stay encrypted: the file is worth nothing without the
master key, which is not in it. Memory is bounded by a batch of rows.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from gateway.errors import Misconfigured
from gateway.store import migrate
from gateway.store.backup_file import DAMAGED, Out, lines, sound, written
from gateway.store.connect import address, reading, shown
from gateway.store.connect import plain as plainly
from gateway.store.faults import SAY, foreign, unavailable
from gateway.store.schema import complete
from gateway.store.spans import PLACING
from gateway.store.tables import floatcard_meta
from gateway.store.tables_backup import backup_taken

BATCH = 200
STORE = "store"
EMPTY = "holds no Floatcard store: there is nothing to back up"
AHEAD = "was made by a newer Floatcard (schema {found}, this one knows up to {head}); back it up with that version"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup holds; `rows` by section (the store, each CRM's own file) and table."""

    id: str
    at: int
    schema: str
    size: int
    rows: Mapping[str, Mapping[str, int]]

    @property
    def total(self) -> int:
        return sum(sum(tables.values()) for tables in self.rows.values())


@dataclass(slots=True)
class _Tally:
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    section: str = ""
    table: str = ""

    def mark(self, line: Mapping[str, Any]) -> None:
        if "section" in line:
            self.section = line["section"]
            self.rows[self.section] = {}
        elif "table" in line:
            self.table = line["table"]
            self.rows[self.section][self.table] = 0

    def count(self, rows: Sequence[object]) -> None:
        self.rows[self.section][self.table] += len(rows)


def take(url: str, path: Path, files: Mapping[str, Path]) -> Taken:
    """Writes `path`: the store, and then each CRM's own file, so that what one of them knows of the other is there."""
    parsed = address(url)
    id_, at = os.urandom(16).hex(), time.time_ns() // 1_000_000
    tally = _Tally()
    with said(shown(parsed)), _snapshot(parsed) as connection, written(path) as out:
        schema = _schema(connection, shown(parsed))
        _line(out, tally, {"backup": id_, "at": at, "schema": schema})
        _line(out, tally, {"section": STORE})
        for name, columns in _tables(connection):
            _rows(out, tally, name, columns, _stream(connection, name, columns))
        for crm, file in files.items():
            if file.is_file():  # else its gateway has not run yet
                _file(out, tally, crm, file)
        out.line({"end": tally.rows})
    taken = Taken(id_, at, schema, path.stat().st_size, tally.rows)
    with suppress(DBAPIError):  # the backup is whole; that nobody noted it is what the alarm will say
        _note(parsed, taken)
    return taken


@contextmanager
def _snapshot(url: URL) -> Iterator[Connection]:
    """One moment of the whole store, held against every writer without holding them up."""
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and not Path(str(url.database)).is_file():
        raise Misconfigured([(shown(url), "store", EMPTY)])
    engine = reading(url) if sqlite else plainly(url)
    options = {} if sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()


def _schema(connection: Connection, where: str) -> str:
    found = migrate.owned(connection, where)
    if found is None:
        raise Misconfigured([(where, "store", EMPTY)])
    if found > migrate.head():
        raise Misconfigured([(where, "store", AHEAD.format(found=found, head=migrate.head()))])
    return found


def _tables(connection: Connection) -> Iterator[tuple[str, list[str]]]:
    """As they are there, which before an upgrade is not as this program's; the one with the key's proof first."""
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    ours = sorted(complete().tables, key=lambda name: (name != floatcard_meta.name, name))
    for name in ours:
        if name in there:
            columns = (column["name"] for column in inspector.get_columns(name))
            yield name, [column for column in columns if column not in PLACING.get(name, ())]


def _stream(connection: Connection, name: str, columns: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
    driver: Any = connection.connection.driver_connection
    named = {} if connection.dialect.name == "sqlite" else {"name": "floatcard_backup"}
    with closing(driver.cursor(**named)) as cursor:
        cursor.execute(f"SELECT {listed(columns)} FROM {quoted(name)}")  # noqa: S608 -- our own tables' names
        while rows := cursor.fetchmany(BATCH):
            yield rows


def _rows(out: Out, tally: _Tally, name: str, columns: Sequence[str], batches: Iterable[list[Sequence[Any]]]) -> None:
    _line(out, tally, {"table": name, "columns": columns})
    for rows in batches:
        out.line(rows)
        tally.count(rows)


def _line(out: Out, tally: _Tally, what: Mapping[str, Any]) -> None:
    tally.mark(what)
    out.line(what)


def _file(out: Out, tally: _Tally, name: str, path: Path) -> None:
    """A database of SQLite's that is somebody else's matter: its schema as it is written there, and its rows."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        said(str(path), f"crms.{name}"),
        closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as source,
    ):
        source.execute("BEGIN")
        marks = {mark: source.execute(f"PRAGMA {mark}").fetchone()[0] for mark in ("application_id", "user_version")}
        query = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        made = source.execute(query).fetchall()
        _line(out, tally, {"section": name, "marks": marks, "made": [[kind, sql] for kind, _, sql in made]})
        for table in (table for kind, table, _ in made if kind == "table"):
            columns = [row[1] for row in source.execute(f"PRAGMA table_info({quoted(table)})")]
            cursor = source.execute(f"SELECT {listed(columns)} FROM {quoted(table)}")  # noqa: S608 -- quoted
            _rows(out, tally, table, columns, iter(partial(cursor.fetchmany, BATCH), []))


def _note(url: URL, taken: Taken) -> None:
    """In the store itself, so that it can say how old its newest backup is; a standby's has nowhere to say it."""
    engine = plainly(url)
    try:
        with engine.begin() as connection:
            if inspect(connection).has_table(backup_taken.name) and not _standby(connection):
                row = {"id": taken.id, "at": taken.at, "rows": taken.total, "bytes": taken.size}
                connection.execute(backup_taken.insert(), [{**row, "schema": taken.schema}])
    finally:
        engine.dispose()


def _standby(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return False
    return bool(connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one())


# -- looking at one


def look(path: Path) -> Taken:
    """Reads the whole file. Raises `Misconfigured` for one that is foreign, newer or damaged."""
    sound(path)
    tally, first, end = _Tally(), None, None
    for line in lines(path):
        if isinstance(line, list):
            tally.count(line)
        else:
            first = first or line
            end = line.get("end", end)
            tally.mark(line)
    if first is None or end != tally.rows:
        raise Misconfigured([(str(path), "", DAMAGED)])
    return Taken(first["backup"], first["at"], first["schema"], path.stat().st_size, tally.rows)


@contextmanager
def said(where: str, key: str = "store") -> Iterator[None]:
    """A database's errors in words."""
    try:
        yield
    except (Misconfigured, OSError):
        raise
    except Exception as broke:
        if key == "store" and foreign(broke):
            raise Misconfigured([(where, key, migrate.UNREADABLE)]) from broke
        why = unavailable(broke)
        if why is None:
            raise
        raise Misconfigured([(where, key, SAY[why])]) from broke


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))
