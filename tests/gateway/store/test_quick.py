"""Small questions: asked at once, never waited for, and as true as any."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.store.engine import Store
from gateway.store.faults import StoreClosed, StoreUnavailable
from tests.gateway.store.test_engine import add, create, words


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = Store.open(store_url)
    await opened.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    yield opened
    await opened.close()


def thread(connection: Connection) -> int:
    return threading.get_ident()


async def test_it_sees_what_was_written_just_now(store: Store) -> None:
    for n in range(20):
        await store.write(add, f"word {n}")
        assert f"word {n}" in await store.look(words)


async def test_on_sqlite_it_is_asked_here_and_elsewhere_in_a_thread(store: Store) -> None:
    here = store.url.get_backend_name() == "sqlite"
    assert (await store.look(thread) == threading.get_ident()) is here
    assert await store.read(thread) != threading.get_ident()


async def test_one_question_is_one_snapshot(store: Store) -> None:
    """What is committed in the midst of it is not seen by its second half."""
    await store.write(add, "before")

    def twice(connection: Connection) -> tuple[int, int]:
        first = len(words(connection))
        other = threading.Thread(target=lambda: asyncio.run(_one_more(store)))
        other.start()
        other.join()
        return first, len(words(connection))

    assert await store.look(twice) == (1, 1)
    assert len(await store.look(words)) == 2


async def _one_more(store: Store) -> None:
    await store.write(add, "meanwhile")


async def test_a_wrong_question_raises_and_the_next_is_answered(store: Store) -> None:
    with pytest.raises(DBAPIError):
        await store.look(lambda connection: connection.exec_driver_sql("SELECT * FROM nothing"))
    with pytest.raises(KeyError):
        await store.look(lambda connection: os.environ["FLOATCARD_ABSENT"])
    assert await store.look(words) == []


async def test_it_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.look(lambda connection: connection.exec_driver_sql("INSERT INTO word VALUES ('x')"))
    assert await store.look(words) == []


async def test_it_is_asked_of_a_reader_where_the_file_is_taken(tmp_path: Path) -> None:
    """A program that holds the file for itself keeps the loop from nothing: a thread waits for it."""
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    await store.write(add, "here")
    await store.close()
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    for line in (store._reading, store._writing):
        line.dispose()
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    asked = asyncio.create_task(store.look(words))
    await asyncio.sleep(0.05)  # the loop goes on meanwhile
    assert not asked.done()
    other.execute("COMMIT")
    other.close()
    assert await asked == ["here"]
    await store.close()


async def test_a_closed_store_answers_nothing(store_url: str) -> None:
    store = Store.open(store_url)
    await store.close()
    with pytest.raises(StoreClosed):
        await store.look(words)
