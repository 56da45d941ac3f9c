from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.bus import redis as redis_bus
from gateway.bus import redis_lanes
from gateway.store.engine import Store
from tests.engines.redis import Redis
from tests.gateway.bus.benches import Bench
from tests.loops import Loops, loops_of


def pytest_asyncio_loop_factories(item: pytest.Item) -> Loops:
    return loops_of(item)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that end within a second, so that nobody waits for them."""
    monkeypatch.setattr(redis_lanes, "TTL_MS", 700)
    monkeypatch.setattr(redis_lanes, "DRAIN_S", 0.3)
    monkeypatch.setattr(redis_bus, "TICK_S", 0.1)
    monkeypatch.setattr(redis_bus, "BLOCK_MS", 100)


@pytest.fixture
async def shared(redis_server: Redis, hurried: None) -> AsyncIterator[Bench]:
    bench = Bench(redis_server.url())
    yield bench
    await bench.close()


@pytest.fixture(params=["embedded-sqlite", "embedded-postgresql", "redis"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param == "redis":
        request.getfixturevalue("hurried")
        made = Bench(request.getfixturevalue("redis_server").url())
    elif request.param == "embedded-postgresql":
        url = request.getfixturevalue("postgresql_url")
        made = Bench(url, Store.open(url))
    else:
        url = f"sqlite:///{tmp_path}/floatcard.db"
        made = Bench(url, Store.open(url))
    yield made
    await made.close()
