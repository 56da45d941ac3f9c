"""A gateway's ledger as a process of its own, of this program or of an earlier one, that edits until told to stop.

`python -m tests.gateway.store.older URL NAME [SCHEMA]` prints `ready`, then the id of each edit it was acknowledged.
With SCHEMA it knows the tables and columns of that schema and no others, as that schema's program did.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile

from sqlalchemy import inspect

from gateway.store import migrate, sql
from gateway.store.schema import complete
from tests.gateway.store.earlier import load
from tests.gateway.store.outside import outside
from tests.gateway.store.world import World


def columns(number: str) -> dict[str, list[str]]:
    """What a released schema's tables were."""
    with tempfile.TemporaryDirectory() as folder:
        load(f"sqlite:///{folder}/a.db", number)
        with outside(f"sqlite:///{folder}/a.db") as connection:
            inspector = inspect(connection)
            names = set(inspector.get_table_names()) - {"alembic_version"}
            return {name: [column["name"] for column in inspector.get_columns(name)] for name in names}


def forget(number: str) -> None:
    """From here on this process is a program of that schema."""
    known, metadata = columns(number), complete()
    unknown: set[str] = set()
    for table in list(metadata.tables.values()):
        if table.name not in known:
            metadata.remove(table)
            continue
        for column in [column for column in table.columns if column.name not in known[table.name]]:
            table._columns.remove(column)
            unknown.add(column.name)
    migrate.head = lambda: number
    _blind(unknown.difference(*known.values()))


def _blind(names: set[str]) -> None:
    """What is written out in a question and was not there yet is answered with nothing, as nothing was asked then."""
    spelt, named = sql._spelt, re.compile(rf", (?:\w\.)?({'|'.join(sorted(names)) or '-'})(?=,| FROM )")

    def unasked(text: str, dialect: str) -> str:
        return spelt(named.sub(r", NULL AS \1", text) if text.startswith("SELECT ") else text, dialect)

    sql._spelt = unasked  # type: ignore[assignment]


async def work(url: str, name: str) -> None:
    world = World.open(url)
    world.clock.at += 86_400_000
    await world.vault.check(world.store)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stop = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    n = 0
    while not stop.done():
        n += 1
        made = world.edit(
            f"{name} {n}", name=f"f{n % 3}", who=name, once=f"{name}-{n}", record=f"local:account:{n % 2}"
        )
        sys.stdout.write((await world.ledger.ingest(made)).edit_id + "\n")
        sys.stdout.flush()
        await asyncio.sleep(0.01)
    await world.store.close()


if __name__ == "__main__":
    for schema in sys.argv[3:]:
        forget(schema)
    asyncio.run(work(sys.argv[1], sys.argv[2]))
