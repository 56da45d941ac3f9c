"""What every bus promises, on every engine."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

import pytest

from gateway.bus.model import Job
from gateway.store import jobs
from tests.gateway.bus.benches import Bench, job, until


async def test_a_job_is_handed_over_as_it_was_published(bench: Bench) -> None:
    one = await (await bench.open()).start()
    body = bytes(range(256))
    assert await one.bus.publish(Job("record", "record:x", "r1", body)) is True
    (got,) = await one.arrived(1)
    assert (got.job.topic, got.job.lane, got.job.once, got.job.body) == ("record", "record:x", "r1", body)
    assert got.tries == 1
    assert one.bus.holds(got)


async def test_each_tells_when_it_was_published_now_and_after_a_restart(bench: Bench) -> None:
    """From which the age of what waits is told, and its alarm rings."""
    one = await (await bench.open()).start()
    began = bench.clock.at if bench.store is not None else time.time() * 1000
    await one.bus.publish(job("a"))
    (got,) = await one.arrived(1)
    assert abs(got.at - began) < 60_000
    await bench.crash(one)
    two = await (await bench.open()).start()
    assert [each.at for each in await two.arrived(1)] == [got.at]


async def test_a_second_job_of_the_same_name_is_dropped_even_after_the_first_is_done(bench: Bench) -> None:
    one = await (await bench.open()).start()
    assert await one.bus.publish(job("a"))
    assert not await one.bus.publish(job("a", "room:b"))
    await one.arrived(1)
    await one.ack_all()
    assert not await one.bus.publish(job("a"))
    two = await (await bench.open()).start()
    assert not await two.bus.publish(job("a"))
    assert one.onces == ["a"]
    assert two.got == []


async def test_of_many_at_once_one_is_taken(bench: Bench) -> None:
    one, two = await (await bench.open()).start(), await bench.open()
    taken = await asyncio.gather(*((one, two)[n % 2].bus.publish(job("same")) for n in range(60)))
    assert sum(taken) == 1


async def test_order_is_kept_within_every_lane(bench: Bench) -> None:
    one = await (await bench.open()).start()
    await asyncio.gather(*(_in_turn(bench, one.bus.publish, lane) for lane in range(7)))
    by_lane: dict[str, list[str]] = defaultdict(list)
    for each in await one.arrived(7 * 30):
        by_lane[each.job.lane].append(each.job.once)
    assert by_lane == {f"room:{lane}": [f"{lane}-{n}" for n in range(30)] for lane in range(7)}


async def _in_turn(bench: Bench, publish, lane: int) -> None:  # type: ignore[no-untyped-def]
    for n in range(30):
        assert await publish(job(f"{lane}-{n}", f"room:{lane}"))


async def test_what_was_published_before_the_start_comes_first(bench: Bench) -> None:
    one = await bench.open()
    for n in range(5):
        await one.bus.publish(job(f"{n}"))
    await one.start()
    await one.bus.publish(job("later"))
    await one.arrived(6)
    assert one.onces == ["0", "1", "2", "3", "4", "later"]


async def test_what_is_wanted_here_is_handed_over_at_once_with_what_came_with_it(bench: Bench) -> None:
    one = await (await bench.open()).start()
    for n in range(100):
        await one.bus.publish(job(f"m{n}", "room:busy"))
    local = object()
    await one.bus.publish(job("p", "press:p", here=True), local)
    (press,) = [each for each in one.got if each.job.once == "p"]
    assert press.local is local
    await one.bus.ack(press)
    await one.arrived(101)


async def test_after_a_crash_what_was_not_acknowledged_comes_again_in_order(bench: Bench) -> None:
    one = await (await bench.open()).start()
    for n in range(20):
        await one.bus.publish(job(f"{n}", here=n % 5 == 0))
    for each in (await one.arrived(20))[:]:
        if int(each.job.once) < 6:
            await one.bus.ack(each)
    again = next(each for each in one.got if each.job.once == "6")
    again = await one.bus.retry(again, 0.0)
    assert again.tries == 2
    await bench.crash(one)
    two = await (await bench.open()).start()
    await two.bus.publish(job("new"))
    await two.arrived(15)
    assert sorted(two.onces, key=lambda once: 99 if once == "new" else int(once)) == [*map(str, range(6, 20)), "new"]
    shared = [once for once in two.onces if once != "new" and int(once) % 5]
    assert shared == sorted(shared, key=int)
    assert {each.job.once: each.tries for each in two.got}["6"] == 2
    await two.ack_all()
    await bench.crash(two)
    three = await (await bench.open()).start()
    await three.bus.publish(job("last"))
    await three.arrived(1)
    assert three.onces == ["last"]


async def test_a_clean_end_leaves_the_rest_to_the_next_at_once(bench: Bench) -> None:
    one = await (await bench.open()).start()
    for n in range(3):
        await one.bus.publish(job(f"{n}"))
    await one.bus.ack((await one.arrived(3))[0])
    bench.opened.remove(one.bus)
    await one.bus.close()
    two = await (await bench.open()).start()
    await two.arrived(2)
    assert two.onces == ["1", "2"]


async def test_what_is_parked_is_counted_and_told_page_by_page(bench: Bench) -> None:
    one = await (await bench.open()).start()
    assert await one.bus.aside() == (0, None) and await one.bus.parked(limit=1) == []
    for n in range(5):
        await one.bus.publish(job(f"{n}"))
        await one.bus.park((await one.arrived(n + 1))[-1], "ValueError")
    whole = [each.id for each, _ in await one.bus.parked()]
    assert sorted(whole) == whole and len(whole) == 5
    pages = [[each.id for each, _ in await one.bus.parked(after, 2)] for after in (0, whole[1], whole[3], whole[4])]
    assert pages == [whole[:2], whole[2:4], whole[4:], []]
    count, oldest = await one.bus.aside()
    assert count == 5 and oldest == min(each.at for each, _ in await one.bus.parked())
    assert await one.bus.parked(2**63 - 1) == []
    assert await one.bus.replay([whole[1], 2**62]) == 1 and (await one.bus.aside())[0] == 4
    assert await one.bus.replay() == 4 and await one.bus.aside() == (0, None)


async def test_a_parked_job_makes_way_and_is_taken_up_again_from_the_first_try(bench: Bench) -> None:
    one = await (await bench.open()).start()
    for once in ("bad", "good"):
        await one.bus.publish(job(once, body=once.encode()))
    bad, good = (await one.arrived(2))[:]
    bad = await one.bus.retry(bad, 0.0)
    await one.bus.park(bad, "ValueError: tried 2 times")
    await one.bus.ack(good)
    ((parked, why),) = await one.bus.parked()
    assert (parked.job.once, parked.job.body, parked.job.lane, parked.tries, why) == (
        "bad",
        b"bad",
        "room:a",
        2,
        "ValueError: tried 2 times",
    )
    assert not await one.bus.publish(job("bad"))
    assert await one.bus.replay([parked.id + 1]) == 0
    assert await one.bus.replay([parked.id]) == 1
    assert await one.bus.parked() == []
    await one.arrived(3)
    assert (one.got[2].job.once, one.got[2].tries) == ("bad", 1)
    await one.bus.ack(one.got[2])
    assert await one.bus.replay() == 0


async def test_a_parked_job_survives_a_restart(bench: Bench) -> None:
    one = await (await bench.open()).start()
    await one.bus.publish(job("bad"))
    await one.bus.park((await one.arrived(1))[0], "x" * 5000)
    await bench.crash(one)
    two = await (await bench.open()).start()
    ((_, why),) = await two.bus.parked()
    assert set(why) == {"x"}
    assert two.got == []
    assert await two.bus.replay() == 1
    await two.arrived(1)


async def test_names_are_forgotten_by_age_but_not_of_what_still_waits(bench: Bench) -> None:
    one = await (await bench.open()).start()
    for once in ("done", "waits", "parked"):
        await one.bus.publish(job(once))
    done, _, parked = (await one.arrived(3))[:]
    await one.bus.ack(done)
    await one.bus.park(parked, "x")
    bench.clock.at += 1000
    await one.bus.publish(job("young"))
    await one.arrived(4)
    await one.bus.ack(one.got[3])
    assert await one.bus.forget(bench.clock.at) == 1
    assert [await one.bus.publish(job(once)) for once in ("done", "waits", "parked", "young")] == [
        True,
        False,
        False,
        False,
    ]


async def test_names_of_what_was_parked_out_of_order_or_replayed_stay(bench: Bench) -> None:
    one = await (await bench.open()).start()
    await one.bus.publish(job("replayed"))
    await one.bus.publish(job("old"))
    bench.clock.at += 1000
    await one.bus.publish(job("young"))
    replayed, old, young = (await one.arrived(3))[:]
    for each in (replayed, young, old):
        await one.bus.park(each, "x")
    await one.bus.publish(job("ahead"))
    (first, *_) = [delivery for delivery, _ in await one.bus.parked() if delivery.job.once == "replayed"]
    assert await one.bus.replay([first.id]) == 1
    await one.arrived(5)
    await one.bus.forget(bench.clock.at)
    assert [await one.bus.publish(job(once)) for once in ("replayed", "old", "young")] == [False, False, False]


async def test_hostile_names_are_names(bench: Bench) -> None:
    one = await (await bench.open()).start()
    names = [
        "\0",
        "\ufffd",
        "a\ud800",
        "😀" * 10_000,
        "😀" * 10_001,
        "x" * 600,
        "' OR 1=1 --",
        "\u202egnp",
        "a\r\nb",
        "%s ? :x",
    ]
    for name in names:
        assert await one.bus.publish(job(name, name)), ascii(name[:20])
        assert not await one.bus.publish(job(name, name)), ascii(name[:20])
    got = await one.arrived(len(names))
    assert len({each.job.lane for each in got}) == len(names)
    assert len({each.job.once for each in got}) == len(names)
    await one.ack_all()
    await bench.crash(one)
    two = await (await bench.open()).start()
    await two.bus.publish(job("last"))
    await two.arrived(1)
    assert two.onces == ["last"]


async def test_the_epoch_grows_with_every_bump(bench: Bench) -> None:
    one = await bench.open()
    told = [await one.bus.epoch()]
    for _ in range(3):
        await one.bus.bump()
        told.append(await one.bus.epoch())
    assert told == sorted(set(told))


async def test_what_is_parked_is_dropped_by_age(bench: Bench) -> None:
    one = await (await bench.open()).start()
    await one.bus.publish(job("bad"))
    await one.bus.park((await one.arrived(1))[0], "x")
    ((parked, _),) = await one.bus.parked()
    assert parked.at > 0
    assert await one.bus.discard(parked.at) == 0
    assert await one.bus.discard(parked.at + 1) == 1
    assert await one.bus.parked() == []


async def test_a_replay_by_another_process_is_taken_up_by_whoever_works(bench: Bench) -> None:
    one = await (await bench.open()).start()
    for once in ("bad", "worse"):
        await one.bus.publish(job(once))
    for each in (await one.arrived(2))[:]:
        await one.bus.park(each, "x")
    other = await bench.open()
    first, _ = [each for each, _ in await other.bus.parked()]
    assert await other.bus.replay([first.id]) == 1
    assert other.got == []
    for _ in range(2):
        await one.bus.look()
    await one.arrived(3)
    assert [(each.job.once, each.tries) for each in one.got[2:]] == [("bad", 1)]
    assert await other.bus.replay() == 1
    await bench.crash(one)
    three = await (await bench.open()).start()
    await three.bus.look()
    await three.arrived(2)
    assert three.onces == ["bad", "worse"]


async def test_what_waits_is_counted(bench: Bench) -> None:
    one = await bench.open()
    for n in range(5):
        await one.bus.publish(job(f"{n}", f"room:{n}"))
    await one.start()
    await one.arrived(5)
    await until(lambda: one.bus.waiting == 5)
    await one.bus.publish(job("5"))
    assert one.bus.waiting == 6, "known at once"
    await one.arrived(6)
    await one.bus.park(one.got[0], "x")
    for each in one.got[1:]:
        await one.bus.ack(each)
    await until(lambda: one.bus.waiting == 0)
    await one.bus.replay()
    await until(lambda: one.bus.waiting == 1)


async def test_more_names_than_go_at_once_are_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 7)
    one = await (await bench.open()).start()
    await asyncio.gather(*(one.bus.publish(job(f"{n}", f"room:{n}")) for n in range(50)))
    await one.arrived(50)
    await one.ack_all()
    bench.clock.at += 1
    gone = 0
    while some := await one.bus.forget(bench.clock.at):
        gone += some
    assert gone == 50
    assert await one.bus.forget(bench.clock.at) == 0
