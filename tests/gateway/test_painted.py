"""One repaint serves all that were asked for before it began; what changed since is never left unpainted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.bus.model import Delivery, Job
from gateway.painted import Painted


class Epochs:
    """As much of a bus as this needs."""

    def __init__(self, *, shared: bool = True) -> None:
        self.shared = shared
        self.at = 0

    async def epoch(self) -> int:
        return self.at


class Wall:
    def __init__(self, *, shared: bool = True) -> None:
        self.bus = Epochs(shared=shared)
        self.painted = Painted(self.bus)  # type: ignore[arg-type]
        self.runs = 0

    async def asked(self, body: bytes = b"record", topic: str = "record") -> Delivery:
        self.bus.at += 1  # every change moves it on
        job = Job(topic, "record:a", await self.painted.name(topic), body)
        return Delivery(1, job, 1)

    async def run(self, delivery: Delivery) -> None:
        await self.painted.once(self._work)(delivery)

    async def _work(self, delivery: Delivery) -> None:
        self.runs += 1


async def test_those_that_waited_are_served_by_the_first() -> None:
    wall = Wall()
    waiting = [await wall.asked() for _ in range(5)]
    for each in waiting:
        await wall.run(each)
    assert wall.runs == 1
    await wall.run(await wall.asked())
    assert wall.runs == 2, "asked for since"


async def test_what_is_asked_for_while_it_runs_is_painted_after_it() -> None:
    wall = Wall()
    first, second = await wall.asked(), list[Delivery]()

    async def changed_meanwhile(delivery: Delivery) -> None:
        second.append(await wall.asked())

    await wall.painted.once(changed_meanwhile)(first)
    await wall.run(second[0])
    assert wall.runs == 1


async def test_another_subject_and_one_that_failed_serve_nobody() -> None:
    wall = Wall()
    mine, others = await wall.asked(), await wall.asked(b"other")

    async def breaks(delivery: Delivery) -> None:
        raise ValueError("the paint is out")

    with pytest.raises(ValueError, match="the paint is out"):
        await wall.painted.once(breaks)(others)
    await wall.run(mine)
    await wall.run(others)
    assert wall.runs == 2


async def test_a_whole_room_serves_each_record_in_it() -> None:
    wall = Wall()
    here, there = await wall.asked(b"r1\nrecord", "about"), await wall.asked(b"r2\nrecord", "about")
    await wall.run(await wall.asked(b"r1", "room"))
    await wall.run(here)
    assert wall.runs == 1
    await wall.run(there)
    await wall.run(await wall.asked(b"r1\nrecord", "about"))
    assert wall.runs == 3


async def test_an_epoch_that_began_anew_serves_nobody() -> None:
    wall = Wall()
    wall.bus.at = 500
    await wall.run(await wall.asked())
    wall.bus.at = 0
    await wall.run(await wall.asked())
    assert wall.runs == 2
    wall.painted.forget()
    wall.bus.at = 600
    job = (await wall.asked()).job
    await wall.run(Delivery(1, replace(job, once="record:1.ab"), 1))
    assert wall.runs == 3


@pytest.mark.parametrize("name", ["record:12ab", "record:1234", "record:x.ab", "", "record:.ab"])
async def test_a_name_that_tells_no_epoch_is_always_painted(name: str) -> None:
    wall = Wall()
    await wall.run(await wall.asked())
    job = (await wall.asked()).job
    await wall.run(Delivery(1, replace(job, once=name), 1))
    assert wall.runs == 2


async def test_what_is_asked_for_after_redis_lost_some_is_painted() -> None:
    """Its count goes on from where it was a second ago, and so stands for other changes."""
    wall = Wall()
    wall.bus.at = 1000
    await wall.run(await wall.asked())
    wall.bus.at = 980
    await wall.run(await wall.asked(b"another"))
    wall.bus.at = 985
    owed = await wall.asked()
    wall.bus.at = 1005
    await wall.run(owed)
    assert wall.runs == 3


@pytest.mark.parametrize("lost", [0, 1])
async def test_an_answer_that_was_overtaken_is_no_loss_and_hides_none(
    monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """Two lines to Redis: who asked first is answered last."""
    wall = Wall()
    await wall.run(await wall.asked(b"painted"))
    again, slow, quick = await wall.asked(b"painted"), await wall.asked(b"slow"), await wall.asked(b"quick")
    await wall.run(again)
    assert wall.runs == 2
    earlier, held = wall.bus.at, asyncio.Event()

    async def answered_late() -> int:
        await held.wait()
        return earlier

    with monkeypatch.context() as patch:
        patch.setattr(wall.bus, "epoch", answered_late)
        first = asyncio.create_task(wall.run(slow))
        await asyncio.sleep(0)
    wall.bus.at += 5
    await wall.run(quick)
    held.set()
    await first
    assert wall.runs == 4
    wall.bus.at -= lost  # below the highest that was seen, and above what came last
    await wall.run(again)
    assert wall.runs == 4 + lost, "what was painted is known, unless Redis lost some"


async def test_what_was_begun_before_redis_lost_some_serves_nobody_after_it() -> None:
    wall = Wall()
    wall.bus.at = 1000

    async def lost_meanwhile(delivery: Delivery) -> None:
        wall.bus.at = 980
        await wall.run(await wall.asked(b"another"))

    await wall.painted.once(lost_meanwhile)(await wall.asked())
    owed = await wall.asked()
    wall.bus.at = 1005
    await wall.run(owed)
    assert wall.runs == 2


async def test_a_queue_of_one_process_has_its_own_way() -> None:
    wall = Wall(shared=False)
    for each in [await wall.asked(), await wall.asked()]:
        await wall.run(each)
    assert wall.runs == 2


async def test_what_those_before_it_left_one_process_paints_once() -> None:
    wall = Wall(shared=False)
    left = []
    for _ in range(3):  # processes that died, each with its own
        wall.painted = Painted(wall.bus)  # type: ignore[arg-type]
        left += [await wall.asked(), await wall.asked(b"r1", "room"), await wall.asked(b"r1\nrecord", "about")]
    wall.painted, wall.bus.at = Painted(wall.bus), 0  # type: ignore[arg-type]
    for each in left:
        await wall.run(each)
    assert wall.runs == 2, "the record and the room, which serves each record in it"
    await wall.run(await wall.asked())
    await wall.run(Delivery(1, Job("record", "record:a", "record:12ab", b"record"), 1))
    assert wall.runs == 4, "its own, and one that an older program left"
