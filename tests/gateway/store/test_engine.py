from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, inspect

from gateway.errors import Misconfigured
from gateway.store import migrate, sql, upsert, writer
from gateway.store.connect import address, plain, writing
from gateway.store.engine import Store
from gateway.store.faults import StoreClosed, StoreUnavailable
from gateway.store.schema import APPLICATION_ID, complete
from gateway.store.tables_app import room
from gateway.store.tables_shared import kept
from tests.gateway.store.outside import difference, look, tamper


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = Store.open(store_url)
    await opened.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    yield opened
    await opened.close()


def create(connection: Connection, items: Sequence[str]) -> list[None]:
    for item in items:
        connection.exec_driver_sql(item)
    return [None] * len(items)


sizes: list[int] = []


def add(connection: Connection, items: Sequence[str]) -> list[int]:
    sizes.append(len(items))
    for item in items:
        sql.change(connection, "INSERT INTO word VALUES (?)", (item,))
    return [len(item) for item in items]


def gather(connection: Connection, items: Sequence[Sequence[str]]) -> list[None]:
    sql.many(connection, "INSERT INTO word VALUES (?)", [(word,) for item in items for word in item])
    return [None] * len(items)


def shout(connection: Connection, items: Sequence[str]) -> list[int]:
    if "bad" in items:
        raise ValueError("bad")
    return add(connection, [item.upper() for item in items])


def words(connection: Connection) -> list[str]:
    return [row[0] for row in connection.exec_driver_sql("SELECT w FROM word ORDER BY w")]


async def test_a_write_is_seen_by_the_next_read(store: Store) -> None:
    assert await store.write(add, "one") == 3
    assert await store.read(words) == ["one"]


async def test_what_waits_is_committed_together(store: Store) -> None:
    sizes.clear()
    await asyncio.gather(*(store.write(add, f"w{n:03}") for n in range(300)))
    assert sum(sizes) == 300
    assert len(sizes) < 20
    assert len(await store.read(words)) == 300


HALF, NUL = "half \ud800.", "nul \0."
"""Text that PostgreSQL refuses, and SQLite in part."""


@pytest.mark.parametrize("text", [HALF, NUL, f"{HALF} {NUL} 😀 \\u0000"])
async def test_what_text_cannot_hold_is_mended_alike_on_its_way_in(store: Store, text: str) -> None:
    def found(connection: Connection) -> list[str]:
        return [row[0] for row in sql.ask(connection, "SELECT w FROM word WHERE w = ?", (text,))]

    def among(connection: Connection) -> list[str]:
        return [row[0] for row in sql.ask_in(connection, "SELECT w FROM word WHERE (w)", [(text,), ("beside",)])]

    whole = text.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    await store.write(add, "beside")
    assert await store.write(add, text) == len(text)
    assert await store.read(found) == [whole], "and who asks for it as it was finds it"
    assert sorted(await store.read(among)) == sorted(["beside", whole])
    await store.write(gather, [f"{n} {text}" for n in range(3)])
    assert sorted(await store.read(words)) == sorted(["beside", whole, *(f"{n} {whole}" for n in range(3))])


async def test_tables_are_written_and_read_alike_whatever_the_text(store: Store) -> None:
    def put(connection: Connection, items: Sequence[str]) -> list[bool]:
        return [upsert.add(connection, room, {"key": item, "title": item}) for item in items]

    assert await store.write(put, f"r {HALF}{NUL}")
    assert not await store.write(put, f"r {HALF}{NUL}"), "it is there"
    query = room.select().where(room.c.title == f"r {HALF}{NUL}")
    assert await store.read(lambda connection: connection.execute(query).one().key) == "r half \ufffd.nul \ufffd."
    sealed = b"\0\xed\xa0\x80"

    def keep(connection: Connection, items: Sequence[bytes]) -> list[None]:
        rows = [{"channel": "c", "key": "k", "sealed": item, "until": None} for item in items]
        upsert.put(connection, kept, rows)
        return [None] * len(items)

    await store.write(keep, sealed)
    assert await store.read(lambda connection: bytes(connection.execute(kept.select()).one().sealed)) == sealed


async def test_a_connection_is_kept_until_something_went_wrong(store: Store) -> None:
    taken: list[object] = []
    event.listen(store._writing, "checkout", lambda *line: taken.append(line))
    for n in range(20):
        await store.write(add, f"w{n}")
    assert len(taken) <= 1
    with pytest.raises(ValueError, match="bad"):
        await store.write(shout, "bad")
    before = len(taken)
    for n in range(20):
        await store.write(add, f"v{n}")
    assert len(taken) == before + 1, "the pool looked at it again"
    assert len(await store.read(words)) == 40


async def test_a_bad_item_fails_alone(store: Store) -> None:
    jobs = [store.write(add, "same"), store.write(add, "same"), store.write(shout, "bad"), store.write(shout, "good")]
    jobs += [store.write(add, "last")]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert results[0] == 4
    assert "unique" in str(results[1]).lower()
    assert isinstance(results[2], ValueError)
    assert results[3:] == [4, 4]
    assert await store.read(words) == ["GOOD", "last", "same"]


async def test_an_operation_with_too_few_results_fails_and_writes_nothing(store: Store) -> None:
    def short(connection: Connection, items: Sequence[str]) -> list[int]:
        add(connection, items)
        return []

    with pytest.raises(ValueError, match="shorter"):
        await store.write(short, "lost")
    assert await store.read(words) == []


async def test_a_cancelled_waiter_does_not_cancel_the_write(store: Store) -> None:
    job = asyncio.ensure_future(store.write(add, "kept"))
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await store.write(add, "next")
    assert await store.read(words) == ["kept", "next"]


async def test_more_than_the_bound_waits_its_turn_and_nothing_is_lost(store_url: str) -> None:
    store = Store.open(store_url, batch=8, waiting=16)
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    peak = 0

    async def one(n: int) -> None:
        nonlocal peak
        await store.write(add, f"{n}")
        peak = max(peak, store.waiting)

    await asyncio.gather(*(one(n) for n in range(200)))
    assert len(await store.read(words)) == 200
    assert peak <= 16
    await store.close()


async def test_who_was_turned_away_gets_a_place_when_all_who_waited_are_told_off(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SLOW_S", 0.0)
    store, away = Store.open(store_url, batch=2, waiting=4), [True]

    def silent(connection: Connection, items: Sequence[str]) -> list[None]:
        if away:
            away.clear()
            raise StoreUnavailable("unreachable")
        return [None] * len(items)

    waiting = [asyncio.create_task(store.write(silent, str(n))) for n in range(12)]
    async with asyncio.timeout(20):
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in told} == {StoreUnavailable, type(None)}
    await store.close()


async def test_a_place_is_not_given_to_one_who_went(store_url: str) -> None:
    store, go = Store.open(store_url, batch=1, waiting=1), threading.Event()

    def slow(connection: Connection, items: Sequence[str]) -> list[None]:
        go.wait(20)
        return [None] * len(items)

    first = [asyncio.create_task(store.write(slow, str(n))) for n in range(2)]
    await asyncio.sleep(0)
    gone = [asyncio.create_task(store.write(slow, str(n))) for n in range(8)]
    last = asyncio.create_task(store.write(slow, "last"))
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    go.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*first, last)
    await store.close()


async def test_close_writes_what_is_queued_and_refuses_what_comes_after(store_url: str) -> None:
    store = Store.open(store_url, batch=4)
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    jobs = [asyncio.ensure_future(store.write(add, f"{n}")) for n in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*jobs)
    with pytest.raises(StoreClosed):
        await store.write(add, "late")
    with pytest.raises(StoreClosed):
        await store.read(words)
    again = Store.open(store_url)
    assert len(await again.read(words)) == 50
    await again.close()


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.read(lambda connection: add(connection, ["no"]))


async def test_a_full_disk_fails_the_batch_and_heals(tmp_path: Path) -> None:
    def pages(connection: Connection, items: Sequence[int]) -> list[int]:
        now = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return [connection.exec_driver_sql(f"PRAGMA max_page_count={now + item}").scalar_one() for item in items]

    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    await store.write(pages, 0)
    results = await asyncio.gather(*(store.write(add, f"{n}" * 9000) for n in range(100, 120)), return_exceptions=True)
    failed = [result for result in results if isinstance(result, StoreUnavailable)]
    assert failed and all(fault.why == "full" for fault in failed)
    await store.write(pages, 1000)
    assert await store.write(add, "x" * 9000) == 9000
    await store.close()


async def test_a_database_locked_by_another_program_is_said_and_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.connect.BUSY_MS", 50)
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another program"):
        await store.write(add, "later")
    with pytest.raises(Misconfigured, match="another program"):
        Store.open(f"sqlite:///{tmp_path}/a.db")
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(add, "later") == 5
    await store.close()


def test_a_first_start_waits_for_another_that_is_writing(tmp_path: Path) -> None:
    """SQLite gives up at once when it turns to WAL beside a writer."""
    url = address(f"sqlite:///{tmp_path}/a.db")
    migrate.prepare(url)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    other.execute("BEGIN IMMEDIATE")
    over = threading.Timer(0.3, other.rollback)
    over.start()
    engine = writing(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    over.join()
    engine.dispose()
    other.close()


def foreign(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE invoices (id INTEGER)")
    other.close()


def marked(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("PRAGMA application_id=7")
    other.close()


def text(path: Path) -> None:
    path.write_text("dear diary, " * 1000)


@pytest.mark.parametrize("make", [foreign, marked, text])
def test_what_is_not_ours_is_refused_and_left_as_it_was(tmp_path: Path, make: object) -> None:
    path = tmp_path / "theirs.db"
    assert callable(make)
    make(path)
    before = path.read_bytes()
    with pytest.raises(Misconfigured) as refused:
        Store.open(f"sqlite:///{path}")
    assert "point `store` at" in str(refused.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://a:secret@b/c", "nonsense"])
def test_an_address_that_cannot_be_a_store_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Store.open(url)
    assert "secret" not in str(refused.value)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="path and its rights"):
        Store.open(f"sqlite:///{tmp_path}/no/such/folder.db")


async def test_a_newer_schema_and_a_stray_one_are_refused(store_url: str) -> None:
    url = store_url
    await Store.open(url).close()
    assert tamper(url, "UPDATE alembic_version SET version_num='9999'") == 1
    tamper(url, "UPDATE floatcard_meta SET value='9999' WHERE key=?", migrate.READS)
    with pytest.raises(Misconfigured, match="newer Floatcard"):
        Store.open(url)
    tamper(url, "UPDATE alembic_version SET version_num=?", migrate.head())
    tamper(url, "ALTER TABLE floatcard_meta RENAME COLUMN value TO price")
    with pytest.raises(Misconfigured, match="unreleased build"):
        Store.open(url)


async def test_migrations_make_exactly_the_tables_of_the_metadata(store_url: str) -> None:
    await Store.open(store_url).close()
    engine = plain(address(store_url))
    with engine.begin() as connection:
        if store_url.startswith("sqlite"):
            assert connection.exec_driver_sql("PRAGMA application_id").scalar_one() == APPLICATION_ID
        assert difference(connection) == [], "run `python -m gateway.store.migrate new`"
        inspector = inspect(connection)
        for table in complete().sorted_tables:
            there = {index["name"] for index in inspector.get_indexes(table.name)}
            assert {str(index.name) for index in table.indexes} <= there
    engine.dispose()


OPEN = """
import asyncio, sys
from gateway.store.engine import Store
sys.stdin.read(1)
asyncio.run(Store.open(sys.argv[1]).close())
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_processes_starting_at_once_migrate_once(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/a.db" if engine == "sqlite" else request.getfixturevalue("postgresql").fresh()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.flush()
    for process in started:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
    assert look(url, "SELECT count(*) FROM floatcard_meta")[0] == 2
