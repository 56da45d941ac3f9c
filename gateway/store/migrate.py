"""Migrations: run when the store opens, in one transaction under a lock.

`python -m gateway.store.migrate new` writes the one after the released ones from the tables, again and again until
it is released too: then RELEASED moves on, `python -m tests.gateway.store.earlier` keeps what it left, and `new`
writes the next. A migration that old programs can live with says which in `reads`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from gateway.errors import Misconfigured
from gateway.store import spans
from gateway.store.connect import address, plain, shown
from gateway.store.faults import SAY, foreign, transient, unavailable
from gateway.store.lasting import guard, hold
from gateway.store.schema import APPLICATION_ID, complete
from gateway.store.tables import floatcard_meta
from gateway.store.upsert import put

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.operations.ops import MigrateOperation, MigrationScript

MIGRATIONS = Path(__file__).parent / "migrations"
RELEASED = "0001"
"""The newest schema that is out in the world: it and those before it are never edited again."""
READS = "min_reader"
"""In floatcard_meta: the oldest schema whose program may work with this database."""
LOCK = 0x466C4361
TRIES = 5
WAIT_S = 15
"""How long a migration waits for a table: everybody else waits behind it, so it had better give up and say so."""
FOREIGN = (
    "belongs to another program (it holds tables, but not ours); point `store` at an empty database or at a new file"
)
UNREADABLE = (
    "is not a database this program can read; point `store` at an empty database or at a new file, or, if it was "
    "Floatcard's once, restore the last backup"
)
NEWER = (
    "was made by a newer Floatcard (schema {found}, which needs a program of schema {reads} or newer; this one knows "
    "up to {head}); start that version, or restore the backup taken before the upgrade"
)
STRAY = (
    "has a schema this version does not know (at {table}); it was made by an unreleased build: "
    "move the file away and start with a new one"
)
STRICT = (
    "{column} has no value for the rows that are there, and a program of schema {before} that still runs does not "
    "know it: give it nullable=True or server_default=…"
)
FORMAT = {
    "hooks": "ruff",
    "ruff.type": "exec",
    "ruff.executable": sys.executable,
    "ruff.options": "-m ruff format -q REVISION_SCRIPT_FILENAME",
}


def head() -> str:
    """The newest schema this program knows, read from the file names: no need to load Alembic for it."""
    found = (path.stem.removeprefix("schema_") for path in (MIGRATIONS / "versions").glob("schema_*.py"))
    return max(found, default="0000")


def prepare(url: URL) -> None:
    """Brings the database at `url` to this program's schema. Raises `Misconfigured` when it must not or cannot."""
    engine = plain(url)
    try:
        _brought(engine, shown(url))
    except DBAPIError as broke:
        why = None if foreign(broke) else unavailable(broke)
        raise Misconfigured([(shown(url), "store", SAY[why] if why else UNREADABLE)]) from broke
    finally:
        engine.dispose()


def _brought(engine: Engine, where: str) -> None:
    """In one transaction, begun anew where it and somebody who edits waited for each other."""
    for tries in range(TRIES):
        try:
            with engine.begin() as connection:
                return _bring(connection, where)
        except DBAPIError as broke:
            if not transient(broke) or tries == TRIES - 1:
                raise
    raise AssertionError


def _bring(connection: Connection, where: str) -> None:
    if connection.dialect.name == "postgresql":
        _fit(connection, where)
    found = owned(connection, where)
    if found is not None and found > head():
        _readable(connection, where, found)
    elif found != head():
        _may(connection, where)
        _upgrade(connection)
        _sign(connection)
    _probe(connection, where)


def _readable(connection: Connection, where: str, found: str) -> None:
    """A newer schema that only added to ours is worked with as it is, so that old and new may run side by side."""
    reads = _meta(connection, READS) or found
    if reads > head():
        raise Misconfigured([(where, "store", NEWER.format(found=found, reads=reads, head=head()))])


def _meta(connection: Connection, key: str) -> str | None:
    return connection.execute(select(floatcard_meta.c.value).where(floatcard_meta.c.key == key)).scalar_one_or_none()


def _fit(connection: Connection, where: str) -> None:
    from gateway.store.postgresql import unfit

    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    if (why := unfit(connection)) is not None:
        raise Misconfigured([(where, "store", why)])


def _may(connection: Connection, where: str) -> None:
    if connection.dialect.name == "postgresql":
        from gateway.store.postgresql import powerless

        if (why := powerless(connection)) is not None:
            raise Misconfigured([(where, "store", why)])
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_S}s'")
        hold(connection)


def owned(connection: Connection, where: str) -> str | None:
    """Its schema's number, None for an empty database; raises when it is somebody else's."""
    tables = set(inspect(connection).get_table_names())
    signed = floatcard_meta.name in tables
    if connection.dialect.name == "sqlite":
        mark = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        signed = signed and mark == APPLICATION_ID
        tables |= {"?"} if mark not in (0, APPLICATION_ID) else set()
    if signed:
        return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    if tables:
        raise Misconfigured([(where, "store", FOREIGN)])
    return None


def _sign(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        _narrow(connection)
        spans.lay(connection)
    signs = {"program": "floatcard", READS: reads(connection)}
    put(connection, floatcard_meta, [{"key": key, "value": value} for key, value in signs.items()])
    guard(connection)


def _narrow(connection: Connection) -> None:
    """An index that was of all rows and is now of some is made anew: migrations do not see what an index leaves out."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
    said = {str(name): str(sql) for name, sql in rows}
    for index in (index for table in complete().sorted_tables for index in table.indexes):
        some = index.dialect_options["sqlite"]["where"] is not None
        if some and " WHERE " not in said.get(str(index.name), ""):
            index.drop(connection, checkfirst=True)
            index.create(connection)


def reads(connection: Connection) -> str:
    """The oldest schema whose program may work with a database of this program's."""
    from alembic.script import ScriptDirectory

    said = str(ScriptDirectory(str(MIGRATIONS)).get_revision("head").module.reads)
    return max(said, spans.SINCE) if spans.spanned(connection) else said


def _probe(connection: Connection, where: str) -> None:
    """Whether every column is there. Plain text: compiling the statements took longer than all else of a start."""
    spell = connection.dialect.identifier_preparer
    for table in complete().sorted_tables:
        columns = ", ".join(spell.format_column(column) for column in table.columns)
        query = f"SELECT {columns} FROM {spell.format_table(table)} WHERE 1 = 0"  # noqa: S608 -- quoted
        try:
            connection.exec_driver_sql(query).close()
        except DBAPIError as broke:
            if unavailable(broke) or transient(broke):
                raise
            raise Misconfigured([(where, "store", STRAY.format(table=table.name))]) from broke


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # loaded only when there is something to migrate: 0.2 s of start-up

    config = Config(stdout=io.StringIO())
    config.file_config["post_write_hooks"] = FORMAT
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "schema_%%(rev)s")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, to: str = "head") -> None:
    from alembic import command

    command.upgrade(_config(connection), to)


def empty(connection: Connection, where: str, taken: str) -> None:
    """Raises `Misconfigured`, with `taken`, unless there is nothing here and this program may make its tables."""
    if connection.dialect.name == "postgresql":
        _fit(connection, where)
    if owned(connection, where) is not None:
        raise Misconfigured([(where, "store", taken)])
    _may(connection, where)


def make(connection: Connection, schema: str) -> None:
    """The tables as they were at `schema`."""
    _upgrade(connection, schema)
    if spans.spanned(connection) and schema >= spans.SINCE:
        spans.lay(connection)  # before there are rows, which would all be sorted again


def finish(connection: Connection, where: str) -> None:
    """From there to this program's schema."""
    _upgrade(connection)
    _sign(connection)
    _probe(connection, where)


def new() -> Path:
    """Writes the migration from the newest released schema to the tables, in place of the one it wrote before."""
    number = f"{int(RELEASED) + 1:04d}"
    path = MIGRATIONS / "versions" / f"schema_{number}.py"
    before = path.read_text() if path.exists() else None
    path.unlink(missing_ok=True)
    try:
        _write(number)
    except BaseException:
        if before is not None:
            path.write_text(before)
        raise
    return path


def _write(number: str) -> None:
    from alembic import command

    with tempfile.TemporaryDirectory() as folder:
        engine = plain(address(f"sqlite:///{folder}/empty.db"))
        with engine.begin() as connection:
            if head() != "0000":
                _upgrade(connection)
            config = _config(connection)
            config.attributes["reads"] = number
            command.revision(
                config,
                message="what the tables have since" if head() != "0000" else "first schema",
                autogenerate=True,
                rev_id=number,
                process_revision_directives=partial(_weigh, config),
            )
        engine.dispose()


def _weigh(config: Config, _context: object, _revision: object, scripts: list[MigrationScript]) -> None:
    """What only adds, or takes an index away, may be read by whoever reads the schema before it."""
    from alembic.script import ScriptDirectory

    (script,) = scripts
    assert script.upgrade_ops is not None
    if all(_adds(each) for each in _flat(script.upgrade_ops.ops)) and head() != "0000":
        config.attributes["reads"] = ScriptDirectory.from_config(config).get_revision("head").module.reads


def _flat(ops: Iterable[MigrateOperation]) -> Iterator[MigrateOperation]:
    for each in ops:
        inner = getattr(each, "ops", None)
        yield from [each] if inner is None else _flat(inner)


def _adds(what: MigrateOperation) -> bool:
    from alembic.operations.ops import AddColumnOp, CreateIndexOp, CreateTableOp, DropIndexOp

    if isinstance(what, AddColumnOp):
        column = what.column
        if not column.nullable and column.server_default is None:
            raise SystemExit(STRICT.format(column=f"{what.table_name}.{column.name}", before=head()))
        return True
    if isinstance(what, DropIndexOp):
        return not what.to_index().unique
    return isinstance(what, CreateTableOp) or (isinstance(what, CreateIndexOp) and not what.unique)


def main(words: list[str]) -> None:
    if words != ["new"]:
        raise SystemExit(__doc__)
    sys.stdout.write(f"{new()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
