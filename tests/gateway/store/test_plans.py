"""No statement of the ledger reads a table that grows from one end to the other: the databases are asked how they
would."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event

from channels.model import MessageRef, Place
from gateway.clock import SystemClock
from gateway.store import connect, sql, sqlite
from gateway.store.aging import AgingStore
from gateway.store.engine import Store
from gateway.store.erasing import EraseStore
from gateway.store.mentioning import _TAUGHT, MentioningStore
from gateway.store.naming import NamingStore
from gateway.store.rooms import RoomStore
from gateway.store.slots import SlotStore
from gateway.store.tables_ledger import DECIDING
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


async def test_while_an_erasing_keeps_everybody_from_deciding_it_searches(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every gateway waits from then on until the commit: no table is read from one end to the other."""
    world = World.open(f"sqlite:///{tmp_path}/ledger.db")
    await world.ledger.ingest_many([world.edit(f"{n}", name=f"field_{n}") for n in range(9)])
    monkeypatch.setattr(sql, "alone", lambda connection, what: said.append(f"-- {what}"))
    weight = await EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p1")
    assert weight is not None and weight.values == 9
    await world.store.close()
    after = said[said.index(f"-- {DECIDING}") :]
    held = [each for each in after[: after.index("COMMIT")] if not each.startswith("--")]
    assert any("wrapped = NULL" in each for each in held) and any("count(" in each for each in held)
    with sqlite3.connect(tmp_path / "ledger.db") as look:
        plans = {each: [row[3] for row in look.execute(f"EXPLAIN QUERY PLAN {each}")] for each in held}
    look.close()
    scanned = {
        each: step for each, plan in plans.items() for step in plan if re.match("SCAN (?!anon_|json_each)", step)
    }
    assert [each for each in scanned if "LIMIT 1 " not in each] == []  # the newest row alone is read from its end


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
    for each in (old.trail, old.inbox, old.slots, old.empty_slots, old.floated, old.named, old.lessons):
        await each(world.clock())
    await old.outbox("local", world.clock())
    await world.store.close()
    assert {"SEARCH slot USING INDEX slot_empty (posted_at>? AND posted_at<?) "} < plans
    assert [each for each in plans if each.startswith("SCAN")] == []


ROOM = "slack/C1"


async def _what_a_room_asks(store: Store, room: str) -> None:
    """Of what messages left behind, for as long as it is kept."""
    slots, mentioning, rooms = SlotStore(store), MentioningStore(store), RoomStore(store)
    place = Place("slack", "C1")
    await mentioning.known(room, ["north", "south"], since=5, taught_since=5)
    await mentioning.floated(room, 5, "1700.1")
    await mentioning.card_of(room, MessageRef(place, "1700.2"))
    await mentioning.learned(5)
    await mentioning.reported(50)
    await NamingStore(store).since(5)
    await slots.for_message(room, "1700.1")
    await slots.whispered_in(room)
    await slots.in_room(room)
    await slots.about("c:a:1", room)
    await slots.of_subject("1700.1")
    await rooms.having(["slack/T1/user/U1"])


LEFT = ("slot", "slot_record", "lesson", "named", "floated", "trail", "member", "choice", "customer_name")


async def test_what_messages_left_is_searched_for(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/ledger.db")
    plans: list[str] = []
    plain = sqlite.Cursor.execute

    def explained(cursor: sqlite.Cursor, text: str, parameters: Any = ()) -> sqlite.Cursor:
        if text.startswith("SELECT"):
            for row in sqlite3.Cursor(cursor.connection).execute(f"EXPLAIN QUERY PLAN {text}", parameters):
                plans.append(f"{row[3]} ")
        return plain(cursor, text, parameters)

    with patch.object(sqlite.Cursor, "execute", explained):
        await _what_a_room_asks(store, ROOM)
    await store.close()
    scans = {each for each in plans if each.startswith(tuple(f"SCAN {table} " for table in LEFT))}
    assert scans == {"SCAN lesson USING INDEX lesson_taught "}, "the latest of what people said, some fifty"
    used = {found[1] for each in plans if (found := re.search(r"INDEX (\w+)", each))}
    assert {"slot_about", "slot_message", "lesson_name", "lesson_taught", "member_im", "customer_name_at"} <= used


MADE = """
INSERT INTO slot (id, place, room, purpose, subject, message, digest, audience, painted_at, posted_at, state, reader)
SELECT 's' || n, 'slack/C' || mod(n, 50) || '/', 'slack/C' || mod(n, 50), 'whisper', '17' || n,
'["slack/C' || mod(n, 50) || '/", "' || n || '"]', '', '', n, n, '{}', 'r' || n FROM generate_series(1, 20000) AS n;
INSERT INTO lesson (id, name, room, message, record, kind, "by", at, ended_by)
SELECT 'l' || n, 'n' || mod(n, 50), 'r', 'm' || n, '', 'shown', '', n, '' FROM generate_series(1, 20000) AS n;
INSERT INTO member (room, im, name, kind) SELECT 'r' || mod(n, 500), 'i' || n, '', ''
FROM generate_series(1, 20000) AS n
"""


async def test_what_messages_left_is_searched_for_on_postgresql(postgresql_url: str) -> None:
    store = Store.open(postgresql_url)
    engine = connect.plain(connect.address(postgresql_url))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (*MADE.split(";"), "VACUUM ANALYZE"):
            connection.exec_driver_sql(statement)
    plans: list[str] = []
    plain = psycopg.Cursor.execute

    def explained(cursor: Any, query: Any, params: Any = None, **more: Any) -> Any:
        if str(query).startswith("SELECT") and not cursor.connection.pgconn.pipeline_status:
            with psycopg.Cursor(cursor.connection) as beside:
                plans.extend(row[0] for row in plain(beside, f"EXPLAIN {query}", params).fetchall())
        return plain(cursor, query, params, **more)

    with patch.object(psycopg.Cursor, "execute", explained):
        await _what_a_room_asks(store, ROOM)
    with engine.connect() as connection:
        told = sql.ask(connection, f"EXPLAIN {_TAUGHT}", ("n1", 5))
    engine.dispose()
    await store.close()
    plans += [row[0] for row in told]
    assert [each for each in plans if re.search("Seq Scan on (slot|lesson|member)\\b", each)] == []
    used = {found[1] for each in plans if (found := re.search(r"(?:using|Scan on) (\w+)", each))}
    assert {"slot_about", "slot_message", "lesson_name", "lesson_taught", "member_im"} <= used
