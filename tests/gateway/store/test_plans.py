"""No statement of the ledger reads a table that grows from one end to the other: SQLite is asked how it would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.store import sql
from tests.gateway.store.world import CRM, World

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
    for row in await world.ledger.claim("local", world.clock()):
        await world.ledger.answered(row, 2)
    await world.store.close()
    assert any("field_state" in each for each in asked)
    scans = [each for each in asked if any(each.startswith(f"SCAN {table} ") for table in GROWING)]
    assert scans == []
