"""No statement of the ledger reads a table that grows from one end to the other: the databases are asked how they
would."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from gateway.clock import SystemClock
from gateway.store import connect, sql
from gateway.store.aging import AgingStore
from gateway.store.erasing import EraseStore
from tests.gateway.store.world import ACME, CRM, World

GROWING = [
    "edit",
    "decision",
    "value",
    "inbox",
    "field_state",
    "outbox",
    "ack",
    "rendering",
    "watermark",
    "subject_key",
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    seen: set[str] = set()
    plain = sql.ask

    def ask(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        if text.startswith(("SELECT", "UPDATE")):
            for row in plain(connection, f"EXPLAIN QUERY PLAN {text}", parameters):
                seen.add(f"{row[3]}  <-  {text[:120]}")
        return plain(connection, text, parameters)

    monkeypatch.setattr(sql, "ask", ask)
    return seen


async def test_what_an_edit_reads_is_searched_for(tmp_path: Path, asked: set[str]) -> None:
    world = World.open(f"sqlite:///{tmp_path}/ledger.db")
    first = await world.ledger.ingest(world.edit("a"))
    await world.ledger.ingest_many([world.edit("b", seen=first.heads), world.edit("c", seen=first.heads)])
    await world.ledger.ingest(world.edit("d", source=CRM, seen=None))
    await world.ledger.ingest(world.edit("gold", name="tier"))  # nobody disputes it: it is written
    rows = await world.ledger.claim("local", world.clock())
    assert [row.field for row in rows] == ["tier"]
    for row in rows:
        await world.ledger.answered(row, 2)
    await world.store.close()
    assert any("field_state" in each for each in asked)
    marks = [each for each in asked if "FROM watermark" in each]
    assert len(marks) > 1 and all("(record=? " in each or "(record=?)" in each for each in marks if "TEMP" not in each)
    scans = [each for each in asked if any(each.startswith(f"SCAN {table} ") for table in GROWING)]
    assert scans == []


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Every statement that SQLite is told, by whatever way."""
    heard: list[str] = []

    def listen(driver: Any, _record: object) -> None:
        driver.set_trace_callback(heard.append)

    event.listen(Engine, "connect", listen)
    yield heard
    event.remove(Engine, "connect", listen)


async def test_what_is_still_to_be_written_is_searched_for_among_that_alone(tmp_path: Path, said: list[str]) -> None:
    """What came to an end is many times more, and in the same table."""
    world = World.open(f"sqlite:///{tmp_path}/ledger.db")
    await world.ledger.ingest_many([world.edit(f"{n}", name=f"field_{n}") for n in range(9)])
    await world.ledger.ingest(world.edit("again", name="field_1", source=CRM, seen=None))
    rows = await world.ledger.claim("local", world.clock())
    await world.ledger.answered(rows[0], 2)
    await world.ledger.states(ACME)
    weight = await EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p1")
    assert weight is not None and weight.waiting > 1
    await world.ledger.erase("local:account:other")
    await world.store.close()
    wanted = [
        each
        for each in said
        if re.search(r"(FROM|UPDATE) outbox\b", each)
        and re.search(r"\brecord\b.* = |\brecord\b.* IN ", each)
        and not each.endswith("WHERE 1 = 0")  # a start looks whether the columns are there
    ]
    with sqlite3.connect(tmp_path / "ledger.db") as look:
        plans = {each: [row[3] for row in look.execute(f"EXPLAIN QUERY PLAN {each}")] for each in wanted}
    look.close()
    assert len({each[:60] for each in plans}) > 5
    for each, plan in plans.items():
        assert any("outbox_record" in step for step in plan), (each, plan)


YOUNG = "SELECT 1"
DRAINED = "UPDATE outbox SET state = 'done'"
EMPTIED = "ANALYZE outbox; DELETE FROM outbox"


@pytest.mark.parametrize("before", [YOUNG, DRAINED, EMPTIED])
async def test_postgresql_reads_nothing_but_the_fields_whatever_it_knew_of_the_table(
    postgresql_url: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan is made once and kept, and all writes to a CRM that is away come to wait."""
    world = World.open(postgresql_url)
    await world.ledger.ingest_many([world.edit(f"{n}", name=f"field_{n}") for n in range(60)])
    engine = connect.plain(connect.address(postgresql_url))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (*before.split("; "), "VACUUM ANALYZE"):
            connection.exec_driver_sql(statement)
    engine.dispose()
    plans: list[str] = []
    plain = sql.asking

    def asking(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> sql.Rows:
        if "unnest" in text:
            plans.append(" ".join(row[0] for row in plain(connection, f"EXPLAIN {text}", parameters)()))
        return plain(connection, text, parameters)

    monkeypatch.setattr(sql, "asking", asking)
    await world.ledger.ingest(world.edit("again", name="field_1"))
    await world.store.close()
    used = {"pk_field_state", "pk_rendering", "outbox_record"}
    assert [sorted(name for name in used if name in plan) for plan in plans] == [
        ["pk_field_state"],
        ["pk_rendering"],
        ["outbox_record"],
    ]
    assert not any("Seq Scan" in plan or "outbox_due" in plan for plan in plans)


async def test_what_is_old_is_searched_for(tmp_path: Path) -> None:
    world = World.open(f"sqlite:///{tmp_path}/ledger.db")
    plans: set[str] = set()

    @event.listens_for(world.store._writing, "before_cursor_execute")
    def _asked(_: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:
        if statement.startswith("SELECT"):
            told = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.update(f"{row[3]} " for row in told)

    old = AgingStore(world.store)
    for each in (old.trail, old.inbox, old.slots, old.empty_slots, old.floated):
        await each(world.clock())
    await old.outbox("local", world.clock())
    await world.store.close()
    assert {"SEARCH slot USING INDEX slot_empty (posted_at>? AND posted_at<?) "} < plans
    assert [each for each in plans if each.startswith("SCAN")] == []
