"""One gateway alone on a PostgreSQL with its queue in it: its lock outlives a restart, or is seen as lost."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Delivery
from gateway.clock import SystemClock
from gateway.errors import Misconfigured, Retry
from gateway.store import alone
from gateway.store.alone import LOCK, TAKEN, Alone
from gateway.store.engine import Store
from gateway.store.jobs import JobStore
from tests.cluster.gateways import Gateway, Ground, cleared
from tests.engines.postgresql import Postgresql
from tests.faults.proxy import HALF_OPEN, PASS, between
from tests.faults.test_servers import own_postgresql
from tests.gateway.bus.benches import job, until

__all__ = ["own_postgresql"]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "LOOK_S", 0.05)
    monkeypatch.setattr(alone, "WITHIN_S", 0.3)


def listens(gateway: Gateway) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", gateway.port)) == 0


@pytest.mark.timeout(120)
async def test_a_whole_gateway_whose_database_another_took_lets_go_of_everything_and_ends(
    own_postgresql: Postgresql, tmp_path: Path
) -> None:
    """Else both would hold the networks' connections, write to the CRMs and paint the same cards."""
    url = own_postgresql.fresh()
    name = url.partition("@/")[2].partition("?")[0]
    ground = Ground(tmp_path, url, "store:", "http://127.0.0.1:1/demo/api")
    await ground.furnish(["东风医疗"])
    gateway = Gateway(ground, "alone", program="gateway.cli")
    try:
        await gateway.start()
        ((mine,),) = holders(own_postgresql, name)()
        with psycopg.connect(url, autocommit=True) as other:  # its lock is free only once this waits for it
            taken = asyncio.create_task(asyncio.to_thread(other.execute, f"SELECT pg_advisory_lock({LOCK})"))
            await until(lambda: len(own_postgresql.run(f"SELECT 1 FROM pg_locks WHERE objid = {LOCK}")) == 2)
            own_postgresql.run(f"SELECT pg_terminate_backend({mine})")
            await taken
            assert await gateway.ended(20) == 1, gateway.log()
            assert "another gateway took this database over" in gateway.log()
            assert not listens(gateway)
            gateway.begin()
            assert await gateway.ended(60) == 2
            assert TAKEN in gateway.log()
        await gateway.start()  # the other one is gone
        assert await gateway.stop() == 0
    finally:
        cleared([gateway])


def holders(server: Postgresql, name: str) -> Callable[[], list[tuple[int]]]:
    query = f"SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE objid = {LOCK} AND granted"
    return lambda: server.run(f"{query} AND d.datname = '{name}'")


async def test_a_restart_of_the_server_does_not_let_a_second_one_in(own_postgresql: Postgresql) -> None:
    url = own_postgresql.fresh()
    store, other = Store.open(url), Store.open(url)
    mine, theirs = Alone(store), Alone(other)
    await mine.take()
    await asyncio.to_thread(own_postgresql.stop, signal.SIGQUIT)
    await asyncio.to_thread(own_postgresql.start)
    await until(lambda: bool(holders(own_postgresql, store.url.database or "")()))
    with pytest.raises(Misconfigured, match="another gateway works on this database"):
        await theirs.take()
    assert not mine.lost
    await mine.release()
    await theirs.take()
    await theirs.release()
    await store.close()
    await other.close()


async def test_ones_own_session_behind_a_dead_line_is_no_other_gateway(
    own_postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "ANSWER_S", 0.5)
    name = own_postgresql.fresh().partition("@/")[2].partition("?")[0]
    with between(own_postgresql.folder / f".s.PGSQL.{own_postgresql.port}") as line:
        store = Store.open(f"postgresql://postgres@127.0.0.1:{line.port}/{name}?sslmode=disable")
        mine, lock = Alone(store), holders(own_postgresql, name)
        await mine.take()
        before = lock()
        line.set(HALF_OPEN)
        taken = line.taken
        await until(lambda: line.taken > taken)
        assert lock() == before, "the server knows of nothing"
        line.set(PASS)
        await until(lambda: lock() not in (before, []))
        assert not mine.lost
        await mine.release()
        await store.close()


async def test_a_lock_whose_answer_was_lost_is_ones_own(
    own_postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(own_postgresql.fresh())
    mine, lock = Alone(store), holders(own_postgresql, store.url.database or "")
    await mine.take()
    real, kept = Connection.exec_driver_sql, list[Connection]()

    def cut(self: Connection, statement: str, *given: Any) -> Any:
        answer = real(self, statement, *given)
        if "pg_try_advisory_lock" in statement and not kept:
            self.detach()
            kept.append(self)  # the server does not hear that its line is no more
            mine._connection = None
            raise OperationalError(statement, None, psycopg.OperationalError("cut"))
        return answer

    before = lock()
    monkeypatch.setattr(Connection, "exec_driver_sql", cut)
    own_postgresql.run(f"SELECT pg_terminate_backend({before[0][0]})")
    await until(lambda: bool(kept))
    ghost = lock()
    assert ghost not in (before, [])
    await until(lambda: mine.lost or lock() not in (ghost, []))
    assert not mine.lost
    kept[0].close()
    await mine.release()
    await store.close()


async def test_who_lost_it_to_another_takes_and_does_nothing_more(own_postgresql: Postgresql) -> None:
    url = own_postgresql.fresh()
    store, other = Store.open(url), Store.open(url)
    mine, theirs = Alone(store), Alone(other)
    await mine.take()
    bus, got = EmbeddedBus(JobStore(store), SystemClock(), mine), list[Delivery]()
    await bus.start(got.append)
    await bus.publish(job("before"))
    assert bus.holds(got[0])
    await bus.begin(got[0])
    name = store.url.database or ""
    lock = holders(own_postgresql, name)
    taking = asyncio.create_task(theirs.take())  # it waits for the lock, and has it the moment it is free
    while not mine.lost and not taking.done():
        own_postgresql.run(f"SELECT pg_terminate_backend({lock()[0][0]})") if not taking.done() else None
        await asyncio.wait({taking}, timeout=0.12)
        if taking.done() and taking.exception() is not None:
            taking = asyncio.create_task(theirs.take())
    await until(lambda: mine.lost)
    assert not bus.holds(got[0])
    with pytest.raises(Retry, match="another gateway took this database over"):
        await bus.publish(job("after"))
    await taking
    await bus.close()
    query = "SELECT starts FROM job"
    told = await other.read(lambda connection: connection.exec_driver_sql(query).scalar_one())
    assert told == 1, "how often it was begun is the other's to note"
    await theirs.release()
    await store.close()
    await other.close()
