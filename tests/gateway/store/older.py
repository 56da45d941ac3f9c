"""A gateway's ledger as a process of its own, of this program or of an earlier one, that edits until told to stop.

`python -m tests.gateway.store.older URL NAME [SCHEMA]` prints `ready`, then the id of each edit it was acknowledged.
With SCHEMA it knows the tables and columns of that schema and no others, as that schema's program did.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from typing import Any

from sqlalchemy import Column, DefaultClause, Integer, inspect

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
    unknown: dict[str, str] = {}
    for table in list(metadata.tables.values()):
        if table.name not in known:
            metadata.remove(table)
            continue
        for column in [column for column in table.columns if column.name not in known[table.name]]:
            table._columns.remove(column)
            unknown[column.name] = _left_out(column)
    migrate.head = lambda: number
    _blind({name: said for name, said in unknown.items() if not any(name in each for each in known.values())})


def _left_out(column: Column[Any]) -> str:
    """What the database puts where an old program says nothing."""
    said = column.server_default.arg if isinstance(column.server_default, DefaultClause) else None
    return "NULL" if said is None else str(said) if isinstance(column.type, Integer) else f"'{said}'"


def _blind(names: dict[str, str]) -> None:
    """What is written out in a question and was not there yet is answered as the old programs' rows have it, as nothing
    was asked then."""
    spelt, named = sql._spelt, re.compile(rf", (?:\w\.)?({'|'.join(sorted(names)) or '-'})(?=,| FROM )")

    def unasked(text: str, dialect: str) -> str:
        if text.startswith("SELECT "):
            text = named.sub(lambda met: f", {names[met[1]]} AS {met[1]}", text)
        return spelt(text, dialect)

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
