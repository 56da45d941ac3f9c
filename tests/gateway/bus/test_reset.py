"""Lines to Redis that are reset under a bus that works: whoever asks then is told to come again, and all goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from gateway.bus.model import Delivery
from gateway.bus.redis import RedisBus
from gateway.errors import Retry
from gateway.worker import Worker
from tests.engines.redis import Redis
from tests.faults.proxy import CUT, PASS, Proxy, between
from tests.gateway.bus.benches import Clock, job, until

pytestmark = pytest.mark.both_loops
RESETS = 5


@pytest.fixture
def line(redis_server: Redis, hurried: None) -> Iterator[Proxy]:
    with between(("127.0.0.1", redis_server.port)) as proxy:
        yield proxy


@pytest.fixture
def url(line: Proxy, redis_server: Redis) -> str:
    return redis_server.url().replace(str(redis_server.port), str(line.port))


async def test_all_that_was_published_is_done_and_acknowledged(
    line: Proxy, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bus = await RedisBus.open(url, "test", Clock())
    done: list[str] = []

    async def handle(delivery: Delivery) -> None:
        await asyncio.sleep(0.05)
        done.append(delivery.job.once)

    async def published(name: str) -> None:
        while True:
            try:
                await bus.publish(job(name, f"room:{name}"))
                return
            except Retry:
                await asyncio.sleep(0.05)

    worker = Worker(bus, handle, at_a_time=8, tries=5)
    await worker.start()
    sent = 0
    for _ in range(RESETS):
        for _ in range(8):
            await published(f"{sent}")
            sent += 1
        await asyncio.sleep(0.02)
        line.set(CUT)
        with pytest.raises(Retry):
            await bus.bump()
        line.set(PASS)
    await until(lambda: len(set(done)) == sent)
    await until(lambda: not worker.busy and bus.waiting == 0)
    assert not [task for task in bus._tasks if task.done()], "each loop of it goes on"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    await worker.stop(1)
    line.set(CUT)
    await bus.close()


async def test_lines_that_were_reset_while_nobody_used_them_are_faults_like_any(line: Proxy, url: str) -> None:
    bus = await RedisBus.open(url, "test", Clock())
    for _ in range(RESETS):
        await asyncio.gather(*(bus.epoch() for _ in range(4)), return_exceptions=True)
        line.set(CUT)
        line.set(PASS)
        await asyncio.sleep(0.05)
        for _ in range(8):
            try:
                await bus.bump()
            except Retry:
                continue
    assert await bus.epoch() >= RESETS
    await bus.close()
