"""Databases as earlier schemas left them, with rows in every table, under `schemas/<number>.<engine>.sql`.

`python -m tests.gateway.store.earlier` writes those of the newest schema, once, when it is released.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Boolean, Column, Connection, LargeBinary, String, Table

from gateway.store import sql
from gateway.store.connect import address
from gateway.store.migrate import head
from gateway.store.schema import APPLICATION_ID, complete
from tests.engines.postgresql import programs, running
from tests.gateway.store.world import KEY, World

SCHEMAS = Path(__file__).parent / "schemas"
HOSTILE = "<!channel> *x* \u202e 华星'\"\\ 😀"


def earlier() -> list[str]:
    return sorted({path.name.split(".")[0] for path in SCHEMAS.glob("*.sql")})


def load(url: str, number: str) -> None:
    """Makes the empty database at `url` what schema `number` left."""
    parsed = address(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database))) as connection:
            connection.executescript((SCHEMAS / f"{number}.sqlite.sql").read_text())
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((SCHEMAS / f"{number}.postgresql.sql").read_bytes())


async def fill(url: str) -> None:
    """A ledger with disagreements, a cleared, a proposed and an erased value; and a row in every other table."""
    world = World.open(url)
    await world.vault.check(world.store)
    heads: tuple[str, ...] = ()
    for n in range(24):
        kind = {4: "proposal", 7: "clear"}.get(n, "set")
        made = world.edit(f"{HOSTILE} {n}", name=f"f{n % 3}", seen=() if n % 5 == 0 else heads, kind=kind)  # type: ignore[arg-type]
        heads = (await world.ledger.ingest(made)).heads
    await world.ledger.ingest(world.edit("gone", record="local:account:erased"))
    await world.ledger.erase("local:account:erased")
    await world.ledger.publish_root("2027-01-15")
    await world.store.write(_rest, None)
    await world.store.close()


def _rest(connection: Connection, items: Sequence[None]) -> list[None]:
    for table in complete().sorted_tables:
        if sql.first(connection, f"SELECT 1 FROM {table.name} LIMIT 1") is None:
            connection.execute(table.insert(), [row(table, n) for n in (1, 2)])
    return [None for _ in items]


def row(table: Table, n: int) -> Mapping[str, Any]:
    """One that the table takes; another `n`, another row."""
    return {column.name: _value(column, n) for column in table.columns}


def _value(column: Column[Any], n: int) -> Any:
    if isinstance(column.type, Boolean):
        return n % 2 == 0
    if isinstance(column.type, LargeBinary):
        return bytes([n, 0, 255])
    if isinstance(column.type, String):
        return f"{n}{HOSTILE}"[: column.type.length or 40]
    return n


def _sqlite(folder: Path) -> str:
    asyncio.run(fill(f"sqlite:///{folder}/a.db"))
    with closing(sqlite3.connect(folder / "a.db")) as connection:
        return f"PRAGMA application_id={APPLICATION_ID};\n" + "\n".join(connection.iterdump()) + "\n"


def _postgresql() -> str:
    bin_ = programs()
    assert bin_ is not None
    for server in running():
        assert server is not None
        url = server.fresh()
        asyncio.run(fill(url))
        words = [str(bin_ / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", "--no-comments", url]
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        # what a newer pg_dump says to psql alone, or to a newer server alone
        return re.sub(r"^(\\.*|SET transaction_timeout.*|--.*|)\n", "", text, flags=re.MULTILINE)
    raise AssertionError


def main() -> None:
    os.umask(0o022)
    SCHEMAS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (SCHEMAS / f"{head()}.sqlite.sql").write_text(_sqlite(Path(folder)))
    (SCHEMAS / f"{head()}.postgresql.sql").write_text(_postgresql())


if __name__ == "__main__":
    assert len(KEY) == 32
    main()
