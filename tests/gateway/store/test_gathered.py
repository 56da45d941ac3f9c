"""Small questions to PostgreSQL that come together: one transaction, each its own answer and its own fault."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.store.engine import Store
from gateway.store.faults import StoreClosed, StoreUnavailable
from gateway.store.gathered import AT_ONCE, MANY
from tests.gateway.store.test_engine import add, create, words


@pytest.fixture
async def store(postgresql_url: str) -> AsyncIterator[Store]:
    opened = Store.open(postgresql_url)
    await opened.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    yield opened
    await opened.close()


class Held:
    """As many questions as are asked at once, none of which is answered before `go`."""

    def __init__(self, store: Store) -> None:
        self._ready = threading.Semaphore(0)
        self._go = threading.Event()
        self.asked = [asyncio.ensure_future(store.look(self._wait)) for _ in range(AT_ONCE)]

    def _wait(self, connection: Connection) -> None:
        self._ready.release()
        assert self._go.wait(20)

    async def up(self) -> Held:
        for _ in self.asked:
            assert await asyncio.to_thread(self._ready.acquire, timeout=20)
        return self

    async def go(self) -> None:
        self._go.set()
        await asyncio.gather(*self.asked)


def transaction(connection: Connection) -> tuple[str, str]:
    row = connection.exec_driver_sql("SELECT pg_backend_pid(), now()::text").one()
    return str(row[0]), str(row[1])


def wrong(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT * FROM nothing")


def absent(connection: Connection) -> str:
    return os.environ["FLOATCARD_ABSENT"]


def cut(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_what_waits_shares_a_transaction(store: Store) -> None:
    held = await Held(store).up()
    asked = [asyncio.ensure_future(store.look(transaction)) for _ in range(MANY + 1)]
    await asyncio.sleep(0)
    await held.go()
    found = await asyncio.gather(*asked)
    assert len(set(found[:MANY])) == 1
    assert found[MANY] != found[0], "more than so many are another's"


async def test_what_is_asked_alone_waits_for_nobody(store: Store) -> None:
    first = await store.look(transaction)
    assert await store.look(transaction) != first


async def test_it_sees_what_was_written_while_others_were_asked(store: Store) -> None:
    held = await Held(store).up()
    await store.write(add, "meanwhile")
    asked = asyncio.ensure_future(store.look(words))
    await asyncio.sleep(0)
    await held.go()
    assert await asked == ["meanwhile"]


async def test_a_bad_one_fails_alone(store: Store) -> None:
    await store.write(add, "here")
    held = await Held(store).up()
    asked = [asyncio.ensure_future(store.look(each)) for each in (words, wrong, words, absent, words)]
    await asyncio.sleep(0)
    await held.go()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert found[::2] == [["here"]] * 3
    assert isinstance(found[1], DBAPIError)
    assert isinstance(found[3], KeyError)
    assert await store.look(words) == ["here"]


async def test_a_database_that_went_is_waited_for_once(store: Store) -> None:
    """And each is told in words of its own, so that nobody's traceback grows with the others'."""
    counted: list[int] = []

    def gone(connection: Connection) -> None:
        counted.append(1)
        cut(connection)

    held = await Held(store).up()
    asked = [asyncio.ensure_future(store.look(gone)) for _ in range(8)]
    await asyncio.sleep(0)
    await held.go()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, StoreUnavailable) for each in found), found
    assert len({id(each) for each in found}) == 8
    assert len(counted) == 2, "once, and once more over another line"
    assert await store.look(words) == []


async def test_who_went_is_not_asked_for(store: Store) -> None:
    counted: list[int] = []
    held = await Held(store).up()
    left = asyncio.ensure_future(store.look(lambda connection: counted.append(1)))
    stays = asyncio.ensure_future(store.look(words))
    await asyncio.sleep(0)
    left.cancel()
    await held.go()
    assert await stays == []
    assert left.cancelled()
    assert counted == []


async def test_who_goes_while_it_is_asked_takes_nobody_along(store: Store) -> None:
    held = await Held(store).up()
    held.asked[0].cancel()
    asked = asyncio.ensure_future(store.look(words))
    held._go.set()
    assert await asked == []
    await held.asked[1]


async def test_what_waits_when_the_store_closes_is_told(postgresql_url: str) -> None:
    store = Store.open(postgresql_url)
    held = await Held(store).up()
    asked = [asyncio.ensure_future(store.look(transaction)) for _ in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    while not store._readers._shutdown:
        await asyncio.sleep(0.01)
    await held.go()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, StoreClosed) for each in found), found
    await closing
    with pytest.raises(StoreClosed):
        await store.look(transaction)


async def test_another_event_loop_asks_for_itself(store: Store) -> None:
    held = await Held(store).up()
    assert await asyncio.to_thread(lambda: asyncio.run(store.look(words))) == []
    await held.go()
