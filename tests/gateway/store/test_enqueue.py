"""Many jobs in one statement: each once, in the order they came."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.bus.model import Job
from gateway.store import enqueue
from tests.gateway.store.world import quick


def publish(connection: Connection, batches: Sequence[list[tuple[Job, int]]]) -> list[list[int | None]]:
    return [enqueue.publish(connection, each) for each in batches]


def remove(connection: Connection, batches: Sequence[list[int]]) -> list[list[None]]:
    return [enqueue.remove(connection, each) for each in batches]


async def test_of_many_at_once_each_is_taken_once_and_in_order(store_url: str) -> None:
    store = quick(store_url)
    jobs = [(Job("event", f"room:{n % 3}", f"once-{n % 40}", b"body %d" % n), n) for n in range(100)]
    ids = await store.write(publish, jobs)
    again = await store.write(publish, jobs)
    await store.close()
    new = [id_ for id_ in ids if id_ is not None]
    assert [id_ is None for id_ in ids] == [False] * 40 + [True] * 60
    assert new == sorted(set(new))
    assert again == [None] * 100


async def test_what_is_done_is_gone_and_the_rest_stays(store_url: str) -> None:
    store = quick(store_url)
    jobs = [(Job("event", "room", f"once-{n}", b""), n) for n in range(10)]
    ids = await store.write(publish, jobs)
    done = [id_ for id_ in ids if id_ is not None][:7]
    await store.write(remove, done)
    left = await store.read(lambda connection: connection.exec_driver_sql("SELECT once FROM job ORDER BY id").all())
    await store.close()
    assert [row[0] for row in left] == ["once-7", "once-8", "once-9"]


async def test_one_that_is_known_takes_no_other_with_it(store_url: str) -> None:
    store = quick(store_url)
    jobs = [(Job("event", "room", f"once-{n}", b"%d" % n), n) for n in range(12)]
    first = await store.write(publish, jobs[3:5])
    second = await store.write(publish, jobs)
    left = await store.read(lambda connection: connection.exec_driver_sql("SELECT once FROM job ORDER BY id").all())
    seen = await store.read(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM seen").scalar_one())
    await store.close()
    assert None not in first and [n for n, id_ in enumerate(second) if id_ is None] == [3, 4]
    assert [row[0] for row in left] == [f"once-{n}" for n in (3, 4, 0, 1, 2, 5, 6, 7, 8, 9, 10, 11)]
    assert seen == 12
