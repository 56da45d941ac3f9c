from __future__ import annotations

import pytest

from gateway.store.connect import LINE
from gateway.store.faults import AFTER
from tests.loops import UVLOOP, Loops


def pytest_asyncio_loop_factories() -> Loops:
    """As a gateway that people run: what a line that broke is told differs from asyncio's."""
    return UVLOOP


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience in seconds where a gateway has it in half minutes: what is shown holds at any of them."""
    monkeypatch.setattr("channels.web.calls.TIRED", 0.3)
    monkeypatch.setattr("channels.wire.TIRED", 0.3)
    monkeypatch.setattr("gateway.store.connect.CONNECT_S", 2)
    monkeypatch.setitem(LINE, "connect_timeout", "2")
    for why in list(AFTER):
        monkeypatch.setitem(AFTER, why, 0.5)
    monkeypatch.setattr("gateway.store.engine.WRITE_S", 1.5)
    monkeypatch.setattr("gateway.store.engine.READ_S", 1.5)
    monkeypatch.setattr("gateway.store.ledger.outbox.LEASE_MS", 3_000)
    monkeypatch.setattr("gateway.store.due.LEASE_MS", 3_000)
    monkeypatch.setattr("gateway.bus.redis_address.ANSWER_S", 1.5)
    monkeypatch.setattr("gateway.bus.redis_address.BLOCK_MS", 300)
    monkeypatch.setattr("gateway.bus.redis.BLOCK_MS", 300)
    monkeypatch.setattr("gateway.bus.redis.TICK_S", 0.3)
    monkeypatch.setattr("gateway.bus.redis_lanes.TTL_MS", 4_000)
