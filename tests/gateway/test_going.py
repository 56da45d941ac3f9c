"""Whatever breaks what a gateway does as long as it runs, it goes on; what cannot be read keeps none from starting."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from gateway import going
from gateway.app import open_house
from gateway.config import load
from gateway.errors import Misconfigured, Retry
from gateway.going import going_on
from gateway.house import House
from gateway.http.run import open_server
from gateway.schedule import Schedule
from gateway.sweep import Sweep
from tests.gateway.bus.benches import until
from tests.gateway.house import LI, NAME, configured, opened
from tests.gateway.test_faults import CHAT


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long it slept: it does not."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    return slept


async def test_what_breaks_is_logged_and_begins_anew_ever_later(
    waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    faults = [ValueError("a bug"), Retry(3, "the store is away"), *[KeyError("another")] * 6]
    left = iter(faults)

    async def work() -> None:
        if (fault := next(left, None)) is not None:
            raise fault

    await going_on("a test", work)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    told = [(each.levelno, each.getMessage(), each.exc_info is not None) for each in caplog.records]
    broke = (logging.ERROR, "a test broke, and begins anew", True)
    assert told == [broke, (logging.WARNING, "a test waits: the store is away", False), *[broke] * 6]


async def test_what_went_on_for_long_begins_anew_soon(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going, "FIRST_S", 0.01)
    monkeypatch.setattr(going, "LAST_S", 0.04)
    lasting, now = iter([0, 0, 0, 0.1, 0]), 0.0

    async def work() -> None:
        nonlocal now
        if (seconds := next(lasting, None)) is not None:
            now += seconds
            raise ValueError

    await going_on("a test", work, lambda: now)
    assert waits == [0.01, 0.02, 0.04, 0.01, 0.02]


async def test_work_of_one_gateway_that_breaks_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going, "FIRST_S", 0.01)
    run, begun = Schedule.run, []

    async def breaks_once(self: Schedule) -> None:
        begun.append(1)
        if len(begun) == 1:
            raise ValueError("a bug")
        await run(self)

    monkeypatch.setattr(Schedule, "run", breaks_once)
    house = await open_house(load(configured(tmp_path, CHAT)))
    await house.start()
    await until(lambda: len(begun) == 2)
    assert not any(task.done() for task in house.tasks if task.get_name() != "listen web")
    await house.close()


async def test_a_crm_that_cannot_be_read_keeps_no_gateway_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path):
        pass
    with monkeypatch.context() as broken:

        async def breaks(self: Sweep, *, first: bool = False) -> int:
            raise ValueError("a record that is none")

        broken.setattr(Sweep, "once", breaks)
        async with opened(tmp_path) as live:
            assert "the sweep of local broke" in caplog.messages
            await live.say(LI, "deal", f"What of {NAME}?")
            await live.quiet()
            assert live.cards("deal")


async def test_a_start_whose_database_another_took_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, ended = load(configured(tmp_path, CHAT, "[server]\nport = 0")), asyncio.Event()
    with monkeypatch.context() as patched:

        async def reads_on(self: House) -> None:
            assert self.alone is not None
            self.alone._over.set()
            try:
                await asyncio.Event().wait()  # a CRM that is large
            finally:
                ended.set()

        patched.setattr(House, "take_up", reads_on)
        with pytest.raises(Misconfigured, match="another gateway took this database over"):
            await open_server(config)
    assert ended.is_set()
    _, close = await open_server(config)
    await close()


async def test_what_a_start_that_fails_held_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(configured(tmp_path, CHAT, "[server]\nport = 0"))
    with monkeypatch.context() as broken:

        async def fails(self: House) -> None:
            raise Retry(1, "the store is away")

        broken.setattr(House, "start", fails)
        with pytest.raises(Retry):
            await open_server(config)
    _, close = await open_server(config)  # else: another gateway works on this database
    await close()
