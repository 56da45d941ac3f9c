"""Migrations: run when the store opens, in one transaction under a lock, and made by `python -m gateway.store.migrate`.

`python -m gateway.store.migrate new` makes the first schema again from the tables (allowed until a second one
exists); `python -m gateway.store.migrate new "what changes"` adds the next.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, false, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from gateway.errors import Misconfigured
from gateway.store.connect import address, plain, shown
from gateway.store.faults import SAY, unavailable
from gateway.store.schema import APPLICATION_ID, complete
from gateway.store.tables import floatcard_meta

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x466C4361
FOREIGN = (
    "belongs to another program (it holds tables, but not ours); point `store` at an empty database or at a new file"
)
UNREADABLE = "is not a database this program can read; point `store` at an empty database or at a new file"
NEWER = (
    "was made by a newer Floatcard (schema {found}, this one knows up to {head}); start that version, "
    "or restore the backup taken before the upgrade"
)
STRAY = (
    "has a schema this version does not know (at {table}); it was made by an unreleased build: "
    "move the file away and start with a new one"
)
FORMAT = {
    "hooks": "ruff",
    "ruff.type": "exec",
    "ruff.executable": sys.executable,
    "ruff.options": "-m ruff format -q REVISION_SCRIPT_FILENAME",
}


def head() -> str:
    """The newest schema this program knows, read from the file names: no need to load Alembic for it."""
    return max(path.stem.removeprefix("schema_") for path in (MIGRATIONS / "versions").glob("schema_*.py"))


def prepare(url: URL) -> None:
    """Brings the database at `url` to this program's schema. Raises `Misconfigured` when it must not or cannot."""
    engine = plain(url)
    try:
        with engine.begin() as connection:
            _bring(connection, shown(url))
    except DBAPIError as broke:
        why = unavailable(broke)
        raise Misconfigured([(shown(url), "store", SAY[why] if why else UNREADABLE)]) from broke
    finally:
        engine.dispose()


def _bring(connection: Connection, where: str) -> None:
    if connection.dialect.name == "postgresql":
        _fit(connection, where)
    found = _owned(connection, where)
    if found is not None and found > head():
        raise Misconfigured([(where, "store", NEWER.format(found=found, head=head()))])
    if found != head():
        _may(connection, where)
        _upgrade(connection)
    if found is None:
        _sign(connection)
    _probe(connection, where)


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


def _owned(connection: Connection, where: str) -> str | None:
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
    connection.execute(floatcard_meta.insert().values(key="program", value="floatcard"))


def _probe(connection: Connection, where: str) -> None:
    for table in complete().sorted_tables:
        try:
            with connection.begin_nested():
                connection.execute(select(table).where(false())).close()
        except DBAPIError as broke:
            raise Misconfigured([(where, "store", STRAY.format(table=table.name))]) from broke


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # loaded only when there is something to migrate: 0.2 s of start-up

    config = Config(stdout=io.StringIO())
    config.file_config["post_write_hooks"] = FORMAT
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "schema_%%(rev)s")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_config(connection), "head")


def new(what: str | None) -> Path:
    """Writes the migration from the newest schema to the tables; without `what` the first schema is made again."""
    from alembic import command

    versions = MIGRATIONS / "versions"
    first = versions / "schema_0001.py"
    if what is None and list(versions.glob("schema_*.py")) not in ([], [first]):
        raise SystemExit("schema 0001 is out in the world; name what changes and the next one is made")
    if what is None:
        first.unlink(missing_ok=True)
    number = "0001" if what is None else f"{int(head()) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        engine = plain(address(f"sqlite:///{folder}/empty.db"))
        with engine.begin() as connection:
            if what is not None:
                _upgrade(connection)
            command.revision(_config(connection), message=what or "first schema", autogenerate=True, rev_id=number)
        engine.dispose()
    return versions / f"schema_{number}.py"


def main(words: list[str]) -> None:
    if words[:1] != ["new"] or len(words) > 2:
        raise SystemExit(__doc__)
    sys.stdout.write(f"{new(words[1] if len(words) == 2 else None)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
