"""SQLite's log and its file: who brings the one into the other, and what that costs whoever writes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.store import checkpoint, sql
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


async def test_nobody_who_writes_waits_for_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bring, begun, go_on = checkpoint.Checkpoints._bring, threading.Event(), threading.Event()

    def slow(self: checkpoint.Checkpoints) -> None:
        begun.set()
        go_on.wait(20)
        bring(self)

    monkeypatch.setattr(checkpoint.Checkpoints, "_bring", slow)
    await store.write(put, checkpoint.ROWS)
    assert await asyncio.to_thread(begun.wait, 20)
    started = time.monotonic()
    for _ in range(10):
        await store.write(put, checkpoint.ROWS)
    assert time.monotonic() - started < 10, "the thread had not gone on yet"
    go_on.set()


async def test_the_log_begins_anew_however_much_is_written(store: Store, path: Path) -> None:
    """Never a pause in which the thread could be done with all of it, and never much more than is called long."""
    each, times = 100, 400

    async def lane() -> None:
        for _ in range(times // 8):
            await store.write(put, each)

    await asyncio.gather(*(lane() for _ in range(8)))
    written = each * times * WORD / PAGE
    assert written > 0.9 * checkpoint.LONG, "the size of the test"
    assert pages(path) < 1.6 * checkpoint.LONG
    async with asyncio.timeout(60):
        await asyncio.gather(*(lane() for _ in range(8)))
        await asyncio.gather(*(lane() for _ in range(8)))
    assert pages(path) < 1.6 * checkpoint.LONG
    assert len(await store.read(words)) == 3 * each * times


async def test_the_log_waits_for_whoever_still_reads(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "LONG", 200)
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
    bring, failed = checkpoint.Checkpoints._bring, list[float]()

    def full(self: checkpoint.Checkpoints) -> None:
        failed.append(time.monotonic())
        raise OperationalError("PRAGMA", None, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(checkpoint.Checkpoints, "_bring", full)
    with caplog.at_level(logging.WARNING, "floatcard.store"):
        for n in range(3):
            await store.write(put, checkpoint.ROWS)
            await until(lambda least=n + 1: len(failed) >= least)  # type: ignore[misc]
            await asyncio.sleep(0.05)
    assert [record.getMessage() for record in caplog.records] == [
        "the database's log cannot be brought into its file: OperationalError"
    ]
    assert len(await store.read(words)) == 3 * checkpoint.ROWS
    monkeypatch.setattr(checkpoint.Checkpoints, "_bring", bring)
    await store.write(put, checkpoint.ROWS)
    await until(lambda: in_the_file(path) == 4 * checkpoint.ROWS)


async def test_without_its_thread_the_log_is_bounded_all_the_same(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then a commit does it, later than SQLite would."""
    monkeypatch.setattr(checkpoint, "ROWS", 10**9)
    assert await store.write(_longest, 300) == LONGEST
    for _ in range(40):
        await store.write(put, checkpoint.LONG // 40)
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
    assert not [each for each in threading.enumerate() if each.name == "store-checkpoint"]
