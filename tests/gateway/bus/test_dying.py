"""A job that ends the process it runs in is found among those that ran beside it, and parked; nothing else is."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.bus.model import Delivery
from gateway.worker import SURVIVED_S, Worker
from tests.gateway.bus.benches import Bench, job
from tests.gateway.bus.dying import ROOMS, TRIES


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_server").url())
    return f"sqlite:///{tmp_path}/floatcard.db"


def run(*words: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "tests.gateway.bus.dying", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 9), done.stderr
    return done.returncode, done.stdout.splitlines()


def test_what_kills_the_process_is_parked_after_as_many_starts_as_tries(url: str) -> None:
    ended, said = run(url, "fill")
    codes = [ended]
    while ended:
        assert len(codes) <= TRIES, "it goes on killing"
        ended, more = run(url)
        codes.append(ended)
        said += more
    assert codes == [9] * TRIES + [0]
    assert [line for line in said if line.startswith("parked")] == [
        f"parked poison the process ended at least {TRIES - 1} times while it ran"
    ]
    done = {line for line in said if not line.startswith("parked")}  # twice is what a lease that ran out may cost
    assert sorted(done) == sorted(f"{room}-{n}" for room in range(ROOMS) for n in range(3) if (room, n) != (5, 0))


async def test_only_what_may_have_been_running_is_suspect(bench: Bench) -> None:
    one = await (await bench.open()).start()
    for name, lane in (("a1", "room:a"), ("a2", "room:a"), ("b1", "room:b")):
        await one.bus.publish(job(name, lane))
    assert not any(each.suspect for each in await one.arrived(3))
    await bench.crash(one)
    two = await (await bench.open()).start()
    assert {each.job.once: (each.suspect, each.starts) for each in await two.arrived(3)} == {
        "a1": (True, 0),
        "a2": (False, 0),
        "b1": (True, 0),
    }


async def test_a_start_counts_until_it_ends(bench: Bench) -> None:
    first = await (await bench.open()).start()
    for name in ("dies", "fails", "clean", "spared"):
        await first.bus.publish(job(name, f"room:{name}"))
    await first.arrived(4)
    await bench.crash(first)
    for starts in (0, 1):
        one = await (await bench.open()).start()
        got = {each.job.once: each for each in await one.arrived(4)}
        assert {name: each.starts for name, each in got.items()} == {
            "dies": starts,
            "fails": 0,
            "clean": 0,
            "spared": 0,
        }
        await one.bus.begin(got["dies"])
        await one.bus.begin(got["spared"])
        await one.bus.spare(got["spared"])
        await one.bus.begin(got["fails"])
        await one.bus.retry(got["fails"], 0.0)
        await bench.crash(one)
    last = await (await bench.open()).start()
    got = {each.job.once: each for each in await last.arrived(4)}
    await last.bus.begin(got["clean"])
    await last.bus.begin(got["dies"])
    await last.bus.spare(got["dies"])
    await last.bus.begin(got["spared"])
    await last.bus.spare(got["spared"])
    await last.bus.begin(got["spared"])
    bench.opened.remove(last.bus)
    await last.bus.close()  # in good order: it was cut off, it killed nobody
    after = await (await bench.open()).start()
    counted = {"dies": 2, "fails": 0, "clean": 0, "spared": 0}
    assert {each.job.once: each.starts for each in await after.arrived(4)} == counted
    got = {each.job.once: each for each in after.got}
    await after.bus.begin(got["dies"])
    await after.bus.spare(got["dies"])
    await after.bus.ack(got["dies"])
    await after.bus.begin(got["spared"])
    await after.bus.spare(got["spared"])
    await after.bus.begin(got["spared"])
    await bench.crash(after)
    again = await (await bench.open()).start()
    assert {each.job.once: each.starts for each in await again.arrived(3)} == {"fails": 0, "clean": 0, "spared": 1}


async def test_suspects_that_began_before_run_one_at_a_time_beside_everything_else(bench: Bench) -> None:
    running, most, done, new = 0, 0, list[str](), asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        nonlocal running, most
        if delivery.job.once == "new":
            new.set()
        else:
            running += 1
            most = max(most, running)
            await (new.wait() if len(done) == 5 else asyncio.sleep(0.02))  # the last of them waits for what is new
            running -= 1
        done.append(delivery.job.once)

    one = await (await bench.open()).start()
    for n in range(6):
        await one.bus.publish(job(f"{n}", f"room:{n}"))
    await one.arrived(6)
    await bench.crash(one)
    two = await (await bench.open()).start()
    for each in await two.arrived(6):
        await two.bus.begin(each)
    await bench.crash(two)
    three = await bench.open()
    worker = Worker(three.bus, handle, at_a_time=2, tries=5)
    await worker.start()
    await three.bus.publish(job("new", "room:new"))
    async with asyncio.timeout(20):
        while len(done) < 7:
            await asyncio.sleep(0.01)
    await worker.stop(1)
    assert most == 1


@pytest.mark.parametrize(("draws", "starts"), [(0.9, 0), (0.1, 1)])
async def test_a_suspect_that_goes_on_for_long_is_mostly_spared(bench: Bench, draws: float, starts: int) -> None:
    """That something kills the process while it waits says little of it, and yet what kills slowly is found in time."""
    begun = asyncio.Event()

    async def waits(delivery: Delivery) -> None:
        begun.set()
        await asyncio.Event().wait()

    class Drawn(random.Random):
        def random(self) -> float:
            return draws

    one = await (await bench.open()).start()
    await one.bus.publish(job("waits"))
    await one.arrived(1)
    await bench.crash(one)
    for before in (0, starts):
        two = await bench.open()
        worker = Worker(two.bus, waits, at_a_time=2, tries=5, chance=Drawn())
        begun.clear()
        await worker.start()
        await begun.wait()
        await asyncio.sleep(SURVIVED_S + 0.5)
        await bench.crash(two)
        await worker.stop(0)
        three = await (await bench.open()).start()
        (waiting,) = await three.arrived(1)
        assert waiting.starts == before + starts
        await bench.crash(three)


async def test_one_that_is_killed_at_once_is_spared_nothing(bench: Bench) -> None:
    begun = asyncio.Event()

    async def waits(delivery: Delivery) -> None:
        begun.set()
        await asyncio.Event().wait()

    one = await (await bench.open()).start()
    await one.bus.publish(job("dies"))
    await one.arrived(1)
    await bench.crash(one)
    two = await bench.open()
    worker = Worker(two.bus, waits, at_a_time=2, tries=5)
    await worker.start()
    await begun.wait()
    await bench.crash(two)
    await worker.stop(0)
    three = await (await bench.open()).start()
    assert [each.starts for each in await three.arrived(1)] == [1]


async def test_a_bus_that_does_not_answer_keeps_nobody_from_stopping(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await (await bench.open()).start()
    await one.bus.publish(job("waits"))
    await one.arrived(1)
    await bench.crash(one)
    two = await bench.open()
    asked = asyncio.Event()

    async def silent(delivery: Delivery) -> None:
        asked.set()
        await asyncio.Event().wait()

    async def waits(delivery: Delivery) -> None:
        await asyncio.Event().wait()

    class Spared(random.Random):
        def random(self) -> float:
            return 0.9

    monkeypatch.setattr(two.bus, "spare", silent)
    worker = Worker(two.bus, waits, at_a_time=2, tries=5, chance=Spared())
    await worker.start()
    await asyncio.wait_for(asked.wait(), 20)
    await asyncio.wait_for(worker.stop(0.1), 5)
