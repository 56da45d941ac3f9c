"""The tables that docs/scaling.md has an operator partition, with the statements it prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg.errors
import pytest
from sqlalchemy.exc import DBAPIError

from gateway.store import migrate
from gateway.store.backup import take
from gateway.store.connect import address
from gateway.store.lasting import missing
from reconcile.model import MergePolicy
from tests.engines.postgresql import Postgresql
from tests.gateway.store.outside import look, outside
from tests.gateway.store.world import ACME, World

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scaling.md"
PARTITIONED = ("value", "edit", "decision")
SHAPES = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns",
    "SELECT tablename, indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes",
    "SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid",
)
WIDENED = {
    ("edit", "pk_edit"): ("(id)", "(id, record)"),
    ("decision", "decision_id"): ("(id)", "(id, shard)"),
}
"""Which unique keys name the partition too."""


def statements() -> str:
    found = re.search(r"^```sql\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].replace("%", "%%")


def shapes(url: str) -> set[Any]:
    """Columns, indexes and triggers of the three tables."""
    with outside(url) as connection:
        rows = [row for query in SHAPES for row in connection.exec_driver_sql(query)]
    return {tuple(row) for row in rows if row[0] in PARTITIONED}


def widened(row: tuple[Any, ...]) -> tuple[Any, ...]:
    before, after = WIDENED.get(row[:2], ("", ""))
    return (*row[:2], row[2].replace(before, after)) if before else row


async def test_a_ledger_whose_tables_are_partitioned_works_as_before(postgresql: Postgresql, tmp_path: Path) -> None:
    url = postgresql.fresh()
    first = World.open(url, MergePolicy(mode="review"))
    await first.vault.check(first.store)
    await first.ledger.ingest(first.edit("before"))
    await first.store.close()
    before = shapes(url)
    with outside(url) as connection:
        connection.exec_driver_sql(statements())
    assert shapes(url) == {widened(row) for row in before}
    with outside(url) as connection:
        assert missing(connection) == []
    migrate.prepare(address(url))
    world = World.open(url, MergePolicy(mode="review"))
    world.clock.at += 1_000_000
    for n in range(60):
        await world.ledger.ingest(world.edit(n, record=f"local:account:{n % 20}", once=f"after-{n}", seen=None))
    again = await world.ledger.ingest(world.edit(3, record="local:account:3", once="after-3", seen=None))
    assert not again.first
    await disputed(world)
    assert len(await world.ledger.claim("local", world.clock.at)) > 0
    assert await world.ledger.verify() is None
    await world.store.close()
    for table in PARTITIONED:
        assert look(url, f"SELECT count(DISTINCT tableoid) FROM {table}")[0] > 4, table
    rows = look(url, "SELECT count(*) FROM edit")[0]
    assert rows == look(url, "SELECT count(*) FROM decision")[0] == look(url, "SELECT count(*) FROM inbox")[0] == 65
    assert take(url, tmp_path / "b", {}).rows["store"]["edit"] == rows


async def disputed(world: World) -> None:
    """Two change one value, somebody settles it, and that is taken back."""
    next(world.serial)  # whose first key the ledger knows from before
    found = await world.ledger.state(ACME, "phone")
    assert found is not None and found.value == "before"
    for value, who in (("138 0000 0001", "p1"), ("138 0000 0002", "p2")):
        done = await world.ledger.ingest(world.edit(value, seen=found.heads, who=who))
    (case,) = await world.ledger.conflicts()
    settled = await world.ledger.ingest(world.edit("138 0000 0002", kind="resolve", seen=done.heads, who="p3"))
    assert await world.ledger.conflicts() == []
    closed = await world.ledger.conflict(case.id)
    view = await world.ledger.decision(settled.decision.id)
    assert closed is not None and view is not None
    back = await world.ledger.ingest(world.edit("before", kind="revert", seen=settled.heads, who="p3"))
    state = await world.ledger.state(ACME, "phone")
    assert state is not None and state.value == "before" and state.heads == back.heads
    assert len(await world.ledger.history(ACME, "phone")) == 5


@pytest.mark.parametrize("table", ["edit", "decision", "value"])
async def test_what_was_decided_stays_so_in_partitions_too(postgresql: Postgresql, table: str) -> None:
    url = postgresql.fresh()
    world = World.open(url)
    await world.ledger.ingest(world.edit("before"))
    await world.store.close()
    with outside(url) as connection:
        connection.exec_driver_sql(statements())
    holding = look(url, f"SELECT tableoid::regclass::text FROM {table}")[0]
    for named in (table, holding):
        for act in (f"DELETE FROM {named}", f"UPDATE {named} SET id = 'x'", f"TRUNCATE {named}"):
            with pytest.raises(DBAPIError) as refused, outside(url) as connection:
                connection.exec_driver_sql(act)
            assert isinstance(refused.value.orig, psycopg.errors.IntegrityConstraintViolation)
    for act in ("delete", "update", "truncate"):
        with outside(url) as connection:
            assert missing(connection) == []
            connection.exec_driver_sql(f"ALTER TABLE {holding} DISABLE TRIGGER lasting_{table}_{act}")
            assert missing(connection) == [table], "a part of it is open"
            connection.exec_driver_sql(f"ALTER TABLE {holding} ENABLE TRIGGER lasting_{table}_{act}")
