"""SQLite's log and its file: when the one is brought into the other, and who waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.store import checkpoint, sql, writer
from gateway.store.connect import LONGEST
from gateway.store.engine import Store
from tests.gateway.store.test_engine import create, words

PAGE = 4096
WORD = 400
"""So long that no more than ten are in a page."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    opened = Store.open(f"sqlite:///{path}")
    await opened.write(create, "CREATE TABLE word (w TEXT)")
    yield opened
    await opened.close()


def put(connection: Connection, items: Sequence[int]) -> list[None]:
    """So many words for each item."""
    sql.many(connection, "INSERT INTO word VALUES (?)", [(f"{n:{WORD}}",) for item in items for n in range(item)])
    return [None] * len(items)


def in_the_file(path: Path) -> int:
    """How many words the file holds, whatever the log beside it does."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as look:
            return int(look.execute("SELECT count(*) FROM word").fetchone()[0])
    except sqlite3.DatabaseError:  # in the midst of being written
        return 0


def pages(path: Path) -> float:
    """How long the log ever was."""
    return path.with_name(f"{path.name}-wal").stat().st_size / PAGE


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def still_reading(path: Path) -> Iterator[None]:
    """Somebody who goes on reading what stood at this moment."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM word").fetchone()
        yield
        other.execute("COMMIT")


async def test_the_file_has_what_was_written_long_before_the_log_is_long(store: Store, path: Path) -> None:
    for _ in range(4):
        await store.write(put, checkpoint.ROWS // 2)
    await until(lambda: in_the_file(path) >= checkpoint.ROWS)
    assert pages(path) < 1000, "so short that SQLite itself would have left it"


async def test_little_is_not_worth_a_sync(store: Store, path: Path) -> None:
    await store.write(put, checkpoint.ROWS // 4)
    await asyncio.sleep(0.3)
    assert in_the_file(path) == 0
    assert len(await store.read(words)) == checkpoint.ROWS // 4


async def test_whoever_waited_is_answered_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bring, begun, go_on = checkpoint.Checkpoints.bring, threading.Event(), threading.Event()

    def slow(self: checkpoint.Checkpoints, driver: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(20)
        bring(self, driver)

    monkeypatch.setattr(checkpoint.Checkpoints, "bring", slow)
    async with asyncio.timeout(10):
        await store.write(put, checkpoint.ALONE_ROWS)
        assert await asyncio.to_thread(begun.wait, 5)
        assert len(await store.read(words)) == checkpoint.ALONE_ROWS
    go_on.set()


async def test_it_is_done_by_the_one_connection_that_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until 3.51.3 SQLite may spoil a file where another does it just as somebody commits."""
    bring, done = checkpoint.Checkpoints.bring, set[tuple[str, bool, bool]]()

    def seen(self: checkpoint.Checkpoints, driver: sqlite3.Connection) -> None:
        writes = store._writer._kept
        ours = writes is not None and driver is writes.connection.driver_connection
        done.add((threading.current_thread().name, ours, driver.in_transaction))
        bring(self, driver)

    monkeypatch.setattr(checkpoint.Checkpoints, "bring", seen)
    await asyncio.gather(*(store.write(put, 40) for _ in range(100)))
    await store.write(put, checkpoint.ROWS)
    await asyncio.sleep(4 * checkpoint.IDLE_S)
    assert done == {("store-writer", True, False)}


async def test_who_writes_alone_meets_it_more_rarely(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.writer.IDLE_S", 20)
    bring, rows = checkpoint.Checkpoints.bring, list[int]()

    def counted(self: checkpoint.Checkpoints, driver: sqlite3.Connection) -> None:
        rows.append(driver.total_changes - self._rows)
        bring(self, driver)

    monkeypatch.setattr(checkpoint.Checkpoints, "bring", counted)
    await asyncio.sleep(2 * writer.BUSY_S)
    for _ in range(60):
        await store.write(put, 100)
    assert rows and min(rows) >= checkpoint.ALONE_ROWS
    rows.clear()
    for _ in range(6):
        await asyncio.gather(*(store.write(put, 100) for _ in range(10)))
    assert rows and min(rows) >= checkpoint.ROWS and sum(rows) / len(rows) < checkpoint.ALONE_ROWS


async def test_the_log_begins_anew_however_much_is_written(store: Store, path: Path) -> None:
    """And never a pause."""
    each, times = 100, 400

    async def lane() -> None:
        for _ in range(times // 8):
            await store.write(put, each)

    await asyncio.gather(*(lane() for _ in range(8)))
    assert len(await store.read(words)) == each * times
    assert pages(path) < each * times * WORD / PAGE / 4


async def test_the_log_waits_for_whoever_still_reads(store: Store, path: Path) -> None:
    with still_reading(path):
        for _ in range(30):
            await store.write(put, checkpoint.ROWS)
        held = pages(path)
        assert held > 1000, "what is read as it was before stays"
        assert in_the_file(path) < 30 * checkpoint.ROWS
    for _ in range(20):
        await store.write(put, checkpoint.ROWS)
        await asyncio.sleep(0.05)
    assert pages(path) < held + 20 * checkpoint.ROWS * WORD / PAGE / 2, "and then its place is used again"
    await until(lambda: in_the_file(path) > 30 * checkpoint.ROWS)


async def test_where_it_fails_it_is_said_once_and_tried_again(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(checkpoint, "PASSIVE", "PRAGMA no such")
    with caplog.at_level(logging.WARNING, "floatcard.store"):
        for n in range(3):
            await store.write(put, checkpoint.ALONE_ROWS)
            await until(lambda least=n: store._writer._checkpoints._rows >= least * checkpoint.ALONE_ROWS)  # type: ignore[misc,union-attr]
    said = "the database's log cannot be brought into its file: SQLITE_ERROR"
    assert [record.getMessage() for record in caplog.records] == [said]
    assert len(await store.read(words)) == 3 * checkpoint.ALONE_ROWS
    monkeypatch.undo()
    await store.write(put, checkpoint.ALONE_ROWS)
    await until(lambda: in_the_file(path) == 4 * checkpoint.ALONE_ROWS)


async def test_where_it_never_comes_to_that_a_commit_does_it_later_than_sqlite_would(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.writer.ALONE_ROWS", 10**9)
    monkeypatch.setattr("gateway.store.writer.IDLE_S", 20)
    assert await store.write(_longest, 300) == LONGEST
    for _ in range(40):
        await store.write(put, 100)
    assert pages(path) < 400
    assert in_the_file(path) > 0


def _longest(connection: Connection, items: Sequence[int]) -> list[int]:
    """What it was before."""
    before = [int(connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one()) for _ in items]
    connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint={items[0]}")
    return before


async def test_a_store_that_ends_leaves_everything_in_its_file(path: Path) -> None:
    opened = Store.open(f"sqlite:///{path}")
    await opened.write(create, "CREATE TABLE word (w TEXT)")
    for _ in range(5):
        await opened.write(put, checkpoint.ROWS)
    await opened.close()
    assert in_the_file(path) == 5 * checkpoint.ROWS
    assert [each.name for each in path.parent.iterdir()] == [path.name]
