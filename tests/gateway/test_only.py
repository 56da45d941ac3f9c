"""Work that one gateway of several does at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway import only
from gateway.errors import Misconfigured
from gateway.metrics import LEASE
from gateway.only import Only, by_itself
from gateway.store import alone
from gateway.store.leases import LeaseStore
from tests.gateway.bus.benches import until
from tests.gateway.store.outside import look, tamper
from tests.gateway.store.world import quick


def test_the_times_of_a_lease_leave_room_within_the_fifteen_seconds_that_test_holder_measures() -> None:
    assert only.TTL_MS / 1000 + only.RENEW_S < 15
    assert only.RENEW_S * 3 < only.TTL_MS / 1000


def working(name: str, log: list[str]) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        log.append(f"{name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            log.append(f"{name} ends")

    return work


async def test_one_works_and_the_next_takes_over_when_it_is_gone_or_was_fenced_off(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(only, "RENEW_S", 0.05)
    one, two = quick(store_url), quick(store_url)
    log: list[str] = []
    assert await LeaseStore(one).take("sweep", "killed", 400) == 1  # and is never heard of again
    a = Only(LeaseStore(one), "a")
    first = asyncio.create_task(a.run("sweep", working("a", log)))
    await until(lambda: log == ["a begins"])
    assert a.holding == {"sweep": 2}
    second = asyncio.create_task(Only(LeaseStore(two), "b").run("sweep", working("b", log)))
    await asyncio.sleep(0.2)
    assert log == ["a begins"]
    tamper(store_url, "UPDATE lease SET owner = ?, fence = fence + 1, until = 1", "thief")
    await until(lambda: "a ends" in log)
    await until(lambda: sorted(log) in (["a begins", "a begins", "a ends"], ["a begins", "a ends", "b begins"]))
    assert look(store_url, "SELECT fence FROM lease")[0] == 4
    for task in (first, second):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert log.count("a begins") + log.count("b begins") == log.count("a ends") + log.count("b ends")
    assert await LeaseStore(two).take("sweep", "c", 1000) is not None, "who ends lets go"
    await one.close()
    await two.close()


async def test_work_that_ends_by_itself_is_begun_once_and_the_lease_is_free(store_url: str) -> None:
    store = quick(store_url)
    begun: list[str] = []

    async def work() -> None:
        """As of a network that delivers to us: there is nothing to listen to."""
        begun.append("listen")

    await asyncio.wait_for(Only(LeaseStore(store), "a").run("listen", work), 20)
    assert begun == ["listen"]
    assert await LeaseStore(store).take("listen", "b", 1_000) is not None
    await store.close()


def told(lease: str) -> list[float]:
    """What the metrics say of it; nothing where they say nothing."""
    (family,) = LEASE.collect()
    return [each.value for each in family.samples if each.labels["lease"] == lease]


async def test_who_waits_says_so_and_what_is_over_is_told_by_nobody(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(only, "RENEW_S", 0.05)
    store, over = quick(store_url), asyncio.Event()
    lease = f"a wait on {store_url}"
    fence = await LeaseStore(store).take(lease, "another", 60_000)
    assert fence is not None and told(lease) == []
    mine = asyncio.create_task(Only(LeaseStore(store), "me").run(lease, over.wait))
    await until(lambda: told(lease) == [0])
    await LeaseStore(store).release(lease, "another", fence)
    await until(lambda: told(lease) == [1])
    over.set()
    await asyncio.wait_for(mine, 20)
    assert told(lease) == []
    await store.close()


async def breaks() -> None:
    raise ValueError("a bug")


async def test_work_that_broke_is_told_as_what_nobody_does(store_url: str) -> None:
    store = quick(store_url)
    lease, alone = f"a bug on {store_url}", f"a bug alone on {store_url}"
    with pytest.raises(ValueError, match="a bug"):
        await Only(LeaseStore(store), "me").run(lease, breaks)
    with pytest.raises(ValueError, match="a bug"):
        await by_itself(alone, breaks)
    assert (told(lease), told(alone)) == ([0], [0])
    await store.close()


async def test_alone_it_is_ours_until_it_ends() -> None:
    over = asyncio.Event()
    mine = asyncio.create_task(by_itself("a test alone", over.wait))
    await until(lambda: told("a test alone") == [1])
    over.set()
    await mine
    assert told("a test alone") == []


async def test_a_store_that_is_away_for_longer_than_the_lease_ends_the_work(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(only, "RENEW_S", 0.05)
    monkeypatch.setattr(only, "TTL_MS", 1_500)
    store = quick(store_url)
    log: list[str] = []
    leases = LeaseStore(store)
    task = asyncio.create_task(Only(leases, "a").run("sweep", working("a", log)))
    await until(lambda: log == ["a begins"])
    await store.close()
    await until(lambda: log == ["a begins", "a ends"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Silent(LeaseStore):
    """It gives a lease, and then says nothing any more: neither yes nor that it is away."""

    async def renew(self, name: str, owner: str, fence: int, ttl_ms: int) -> bool:
        await asyncio.Event().wait()
        return True


async def test_a_store_that_does_not_answer_ends_the_work_when_the_lease_is_over(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(only, "RENEW_S", 0.05)
    monkeypatch.setattr(only, "TTL_MS", 500)
    store = quick(store_url)
    log: list[str] = []
    task = asyncio.create_task(Only(Silent(store), "a").run("sweep", working("a", log)))
    await until(lambda: log[:2] == ["a begins", "a ends"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()


async def test_who_stood_still_for_longer_than_the_lease_takes_not_one_more_step(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(only, "TTL_MS", 500)
    store = quick(store_url)
    log: list[str] = []
    answered = asyncio.Event()

    async def work() -> None:
        """As of a network that is asked again and again."""
        log.append("asks")
        await answered.wait()
        log.append("asks again")

    task = asyncio.create_task(Only(LeaseStore(store), "a").run("listen", work))
    await until(lambda: log == ["asks"])
    asyncio.get_running_loop().call_soon_threadsafe(answered.set)  # the answer is there when it wakes
    time.sleep(0.7)
    tamper(store_url, "UPDATE lease SET owner = ?, fence = fence + 1, until = 60000 + until", "another")
    await asyncio.sleep(0.1)
    assert log == ["asks"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()


async def test_a_second_gateway_with_the_queue_in_one_postgresql_is_refused_while_the_first_works(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "WITHIN_S", 0.2)
    one, two = quick(postgresql_url), quick(postgresql_url)
    first, second = alone.Alone(one), alone.Alone(two)
    await first.take()
    with pytest.raises(Misconfigured, match="another gateway works on this database"):
        await second.take()
    await first.release()
    await second.take()
    await second.release()
    await one.close()
    await two.close()
    file = quick(f"sqlite:///{tmp_path}/a.db")
    await alone.Alone(file).take()
    await file.close()
