"""The worker on the real embedded bus: order, independence, redelivery, and a place for what will not go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

import gateway.worker
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Delivery, Job
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.store.engine import Store
from gateway.store.faults import StoreUnavailable
from gateway.store.jobs import JobStore
from gateway.worker import Worker, pause
from tests.gateway.house import Hands

Handle = Callable[[Delivery], Awaitable[object]]


class Bus(EmbeddedBus):
    """Its store may be out of order for the next few calls."""

    broken = 0

    async def ack(self, delivery: Delivery) -> None:
        if self.broken:
            self.broken -= 1
            raise Retry(0.01, "locked")
        await super().ack(delivery)


@contextlib.asynccontextmanager
async def working(
    path: Path, handle: Handle, *, at_a_time: int = 8, tries: int = 3
) -> AsyncIterator[tuple[Worker, Bus]]:
    store = Store.open(f"sqlite:///{path}/floatcard.db")
    bus = Bus(JobStore(store), Hands())
    worker = Worker(bus, handle, at_a_time=at_a_time, tries=tries)
    await worker.start()
    try:
        yield worker, bus
    finally:
        await worker.stop(2)
        await store.close()


async def quiet(worker: Worker) -> None:
    async with asyncio.timeout(20):
        while worker.busy:
            await worker.idle()


def job(lane: str, name: str) -> Job:
    return Job("event", lane, name, name.encode())


async def test_order_inside_a_lane_and_lanes_side_by_side(tmp_path: Path) -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        if delivery.job.once == "a1":
            await gate.wait()
        done.append(delivery.job.once)

    async with working(tmp_path, handle) as (worker, bus):
        for name in ("a1", "a2", "a3", "b1", "b2"):
            await bus.publish(job(f"room:{name[0]}", name))
        async with asyncio.timeout(5):
            while "b2" not in done:
                await worker.idle()
        assert done == ["b1", "b2"], "the other lane did not wait"
        gate.set()
        await quiet(worker)
        assert done == ["b1", "b2", "a1", "a2", "a3"]


async def test_the_same_name_is_taken_once_and_another_is_another(tmp_path: Path) -> None:
    done: list[str] = []

    async def handle(delivery: Delivery) -> None:
        done.append(delivery.job.once)

    async with working(tmp_path, handle) as (worker, bus):
        assert [await bus.publish(job("room:a", name)) for name in ("x", "x", "y", "X")] == [True, False, True, True]
        await quiet(worker)
        assert await bus.publish(job("room:b", "x")) is False, "also long after it was handled, and in another lane"
        await quiet(worker)
    assert sorted(done) == ["X", "x", "y"]


async def test_one_that_waits_to_be_tried_again_holds_no_place(tmp_path: Path) -> None:
    done: list[str] = []
    patient = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        if delivery.job.lane == "room:down" and not patient.is_set():
            raise Retry(60)
        done.append(delivery.job.once)

    async with working(tmp_path, handle, at_a_time=1) as (worker, bus):
        await bus.publish(job("room:down", "d1"))
        await bus.publish(job("room:up", "u1"))
        async with asyncio.timeout(5):
            while not done:
                await worker.idle()
        assert done == ["u1"]
        await bus.publish(job("room:down", "d2"))
        assert [each.job.once for each in worker.backlog()] == ["d1", "d2"], "what is to be tried again waits as well"


async def test_a_press_never_waits_for_the_rooms(tmp_path: Path) -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        if delivery.job.lane.startswith("room:"):
            await gate.wait()
        done.append(delivery.job.once)

    async with working(tmp_path, handle, at_a_time=2) as (worker, bus):
        for number in range(5):
            await bus.publish(job(f"room:{number}", f"r{number}"))
        await bus.publish(job("press:p", "p"))
        async with asyncio.timeout(5):
            while not done:
                await worker.idle()
        assert done == ["p"]
        gate.set()
        await quiet(worker)


async def test_a_retry_keeps_its_turn(tmp_path: Path) -> None:
    done: list[str] = []
    tries: list[int] = []

    async def handle(delivery: Delivery) -> None:
        if delivery.job.once == "first" and delivery.tries < 3:
            tries.append(delivery.tries)
            raise Retry(0.01)
        done.append(delivery.job.once)

    async with working(tmp_path, handle) as (worker, bus):
        for name in ("first", "second", "third"):
            await bus.publish(job("room:a", name))
        await quiet(worker)
    assert (done, tries) == (["first", "second", "third"], [1, 2])


async def test_a_poisoned_one_is_parked_the_lane_goes_on_and_replay_takes_it_up(tmp_path: Path) -> None:
    done: list[str] = []
    tried: list[int] = []
    mended = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        if delivery.job.once == "poison" and not mended.is_set():
            tried.append(delivery.tries)
            raise KeyError("of ours")
        done.append(delivery.job.once)

    async with working(tmp_path, handle) as (worker, bus):
        await bus.publish(job("room:a", "poison"))
        await bus.publish(job("room:a", "after"))
        await quiet(worker)
        assert (tried, done) == ([1, 2, 3], ["after"])
        ((parked, why),) = await bus.parked()
        assert parked.job.body == b"poison"
        assert why == "KeyError: tried 3 times", "what it said may be a secret; the log has it"
        mended.set()
        assert await bus.replay([parked.id + 1]) == 0
        assert await bus.replay() == 1
        await quiet(worker)
        assert done == ["after", "poison"]
        assert await bus.parked() == []
        assert await bus.replay() == 0


@pytest.mark.parametrize("final", [Refused("no"), Rejected("no"), Unreadable("no")], ids=lambda one: type(one).__name__)
async def test_what_no_second_try_would_help_is_tried_once(tmp_path: Path, final: Exception) -> None:
    tried: list[int] = []

    async def handle(delivery: Delivery) -> None:
        tried.append(delivery.tries)
        raise final

    async with working(tmp_path, handle) as (worker, bus):
        await bus.publish(job("room:a", "x"))
        await quiet(worker)
        assert await bus.parked() == []
    assert tried == [1]
    assert await again(tmp_path) == []


async def test_what_is_not_done_is_delivered_after_a_restart_in_order(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def handle(delivery: Delivery) -> None:
        started.set()
        await asyncio.Event().wait()

    async with working(tmp_path, handle) as (worker, bus):
        for name in ("a1", "b1", "a2"):
            await bus.publish(job(f"room:{name[0]}", name))
        await started.wait()
        await worker.stop(0)
    assert await again(tmp_path) == ["a1", "b1", "a2"]
    assert await again(tmp_path) == []


async def again(path: Path) -> list[str]:
    """What a process that starts now is handed."""
    done: list[str] = []

    async def handle(delivery: Delivery) -> None:
        done.append(delivery.job.once)

    async with working(path, handle) as (worker, _):
        await quiet(worker)
    return done


async def test_a_bus_out_of_order_ends_no_lane(tmp_path: Path) -> None:
    done: list[str] = []

    async def handle(delivery: Delivery) -> None:
        done.append(delivery.job.once)

    async with working(tmp_path, handle) as (worker, bus):
        bus.broken = 3
        for name in ("one", "two", "three"):
            await bus.publish(job("room:a", name))
        await quiet(worker)
        assert bus.broken == 0
    assert done == ["one", "two", "three"]
    assert await again(tmp_path) == [], "each is told to be done in the end"


class Interrupted(JobStore):
    """Something is published just before the table is read, and just after."""

    bus: EmbeddedBus

    async def ready(self) -> list[Delivery]:
        await self.bus.publish(job("room:a", "just before"), "here")
        rows = await super().ready()
        await self.bus.publish(job("room:a", "just after"), "here")
        return rows


async def test_what_comes_while_the_table_is_read_is_neither_lost_nor_doubled(tmp_path: Path) -> None:
    done: list[tuple[str, object]] = []

    async def handle(delivery: Delivery) -> None:
        done.append((delivery.job.once, delivery.local))

    store = Store.open(f"sqlite:///{tmp_path}/floatcard.db")
    jobs = Interrupted(store)
    jobs.bus = EmbeddedBus(jobs, Hands())
    worker = Worker(jobs.bus, handle, at_a_time=4, tries=1)
    await jobs.bus.publish(job("room:a", "long before"), "lost with its process")
    await worker.start()
    await quiet(worker)
    await worker.stop(1)
    await store.close()
    assert done == [("long before", None), ("just before", "here"), ("just after", "here")]


async def test_a_name_is_remembered_for_as_long_as_it_is_told(tmp_path: Path) -> None:
    async def handle(delivery: Delivery) -> None:
        return None

    async with working(tmp_path, handle) as (worker, bus):
        clock = Hands()
        bus._clock = clock
        await bus.publish(job("room:a", "old"))
        clock.ahead(hours=24 * 31)
        await bus.publish(job("room:a", "new"))
        await quiet(worker)
        assert await bus.forget(clock.now() - 30 * 86_400_000) == 1
        assert await bus.publish(job("room:a", "new")) is False
        assert await bus.publish(job("room:a", "old")) is True
        await quiet(worker)


async def test_stopping_waits_for_no_retry(tmp_path: Path) -> None:
    async def handle(delivery: Delivery) -> None:
        raise StoreUnavailable("locked") if delivery.tries > 99 else Retry(300)

    async with working(tmp_path, handle) as (worker, bus):
        await bus.publish(job("room:a", "x"))
        async with asyncio.timeout(5):
            await worker.stop(60)


def test_the_wait_before_the_next_try_doubles_is_scattered_and_is_never_shorter_than_asked() -> None:
    for asked in (0.0, 2.0, 300.0):
        for tries in (1, 4, 8, 2_000):
            drawn = [pause(tries, asked) for _ in range(400)]
            step = min((asked or 0.2) * 2.0 ** min(tries - 1, 20), 60.0)
            assert asked <= min(drawn) < asked + step * 0.1, "full jitter: from nothing on top"
            assert asked + step * 0.9 < max(drawn) <= asked + step


async def test_what_was_asked_for_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, float]] = []

    def none(tries: int, after: float) -> float:
        asked.append((tries, after))
        return 0.0

    monkeypatch.setattr(gateway.worker, "pause", none)

    async def handle(delivery: Delivery) -> None:
        if delivery.tries < 3:
            raise Retry(120.0)

    async with working(tmp_path, handle) as (worker, bus):
        await bus.publish(job("room:a", "x"))
        await quiet(worker)
    assert asked == [(1, 120.0), (2, 120.0)]


class Cut(JobStore):
    """The line to the database breaks in the midst of a commit, which is made."""

    cut = False

    async def add(self, new: Job, at: int) -> int | None:
        id_ = await super().add(new, at)
        if self.cut:
            raise StoreUnavailable("unreachable")
        return id_


async def test_what_was_written_and_never_told_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    done: list[str] = []

    async def handle(delivery: Delivery) -> None:
        done.append(delivery.job.once)

    async with working(tmp_path, handle) as (worker, bus):
        jobs = bus._jobs = Cut(bus._jobs._store)
        put_off = asyncio.create_task(bus.publish(job("room:a", "cancelled")))
        await asyncio.sleep(0)
        put_off.cancel()
        with pytest.raises(asyncio.CancelledError):
            await put_off
        jobs.cut = True
        with pytest.raises(StoreUnavailable):
            await bus.publish(job("room:b", "cut"))
        jobs.cut = False
        await bus.publish(job("room:c", "told"))
        for name in ("cancelled", "cut"):
            assert await bus.publish(job("room:a", name)) is False
        assert [await bus.look(), await bus.look()] == [2, 0]
        await quiet(worker)
        assert bus.waiting == 0
    assert sorted(done) == ["cancelled", "cut", "told"]
    assert await again(tmp_path) == []
