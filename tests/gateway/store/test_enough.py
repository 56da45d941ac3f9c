"""A gateway that gets fewer connections than it works with is told how many, before anything is served."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from psycopg import InternalError
from psycopg.errors import InternalError_, ProtocolViolation

from gateway.errors import Misconfigured
from gateway.store import enough
from gateway.store.alone import Alone
from gateway.store.connect import READERS
from gateway.store.engine import Store
from gateway.store.faults import SAY, unavailable
from tests.engines.pooler import pooler
from tests.engines.postgresql import PASSWORD, Postgresql
from tests.gateway.store.test_engine import add, create, words

NEEDS = READERS + 1


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enough, "WITHIN_S", 0.3)
    monkeypatch.setattr(enough, "SILENT_S", 1.0)
    monkeypatch.setattr(enough, "LONG_S", 0.9)


def limited(postgresql: Postgresql, most: int) -> str:
    """The address for a user who may have so many connections."""
    name = name_of(postgresql.fresh())
    role = f"limited_{name}"
    postgresql.run(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT {most}")
    postgresql.run(f"ALTER DATABASE {name} OWNER TO {role}")
    return postgresql.by_network(name, role)


def name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


async def refused(store: Store, beside: int = 0) -> str:
    with pytest.raises(Misconfigured) as said:
        await store.fill(beside)
    assert PASSWORD not in str(said.value)
    return str(said.value)


@pytest.mark.parametrize("most", [1, 3, NEEDS - 1])
async def test_a_user_who_may_have_too_few_is_told_how_many_it_takes(postgresql: Postgresql, most: int) -> None:
    store = Store.open(limited(postgresql, most))
    assert f"{most} of the {NEEDS} connections" in await refused(store)
    await store.close()


async def test_what_is_taken_stays_open_and_is_worked_with(postgresql: Postgresql) -> None:
    store = Store.open(limited(postgresql, NEEDS))
    await store.fill()
    count = f"SELECT pid FROM pg_stat_activity WHERE datname = '{store.url.database}' ORDER BY pid"
    before = postgresql.run(count)
    assert len(before) == NEEDS
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    await store.write(add, "a")
    assert await asyncio.gather(*(store.read(words) for _ in range(20))) == [["a"]] * 20
    assert postgresql.run(count) == before
    await store.close()


async def test_the_one_that_a_gateway_alone_holds_is_counted(postgresql: Postgresql) -> None:
    store = Store.open(limited(postgresql, NEEDS))
    alone = Alone(store)
    await alone.take()
    assert f"{NEEDS} of the {NEEDS + 1} connections" in await refused(store, beside=1)
    await alone.release()
    await store.close()
    assert "up to six" in SAY["too_many"] and NEEDS + 1 == 6


async def test_none_for_the_lock_of_a_gateway_alone_is_said(postgresql: Postgresql) -> None:
    store = Store.open(limited(postgresql, 3))
    postgresql.run(f"ALTER ROLE {store.url.username} CONNECTION LIMIT 0")
    with pytest.raises(Misconfigured, match="no connection left"):
        await Alone(store).take()
    await store.close()


@pytest.mark.parametrize(
    "text",
    [
        "no more connections allowed (max_client_conn)",
        "client connections exceeded (max_user_client_connections)",
        "query_wait_timeout",
    ],
)
async def test_a_pooler_that_takes_no_more_is_said(postgresql: Postgresql, text: str) -> None:
    name = name_of(postgresql.fresh())
    upstream = postgresql.folder / f".s.PGSQL.{postgresql.port}"
    with pooler(upstream, 3, text) as port:
        store = Store.open(f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
        assert f"3 of the {NEEDS} connections" in await refused(store)
        await store.close()
    with (
        pooler(upstream, 0, text) as port,
        pytest.raises(Misconfigured, match="max_connections or the pooler's size"),
    ):
        Store.open(f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable")


async def test_a_pooler_that_keeps_the_next_one_waiting_is_said(postgresql: Postgresql) -> None:
    name = name_of(postgresql.fresh())
    with pooler(postgresql.folder / f".s.PGSQL.{postgresql.port}", 3) as port:
        store = Store.open(f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
        assert f"3 of the {NEEDS} connections" in await refused(store)
        await store.close()


def test_what_a_pooler_says_in_the_midst_of_a_query_goes_by_its_text() -> None:
    assert unavailable(ProtocolViolation("query_wait_timeout")) == "too_many"
    assert unavailable(ProtocolViolation("server login failed")) == "unreachable"


def test_an_answer_that_is_none_is_the_lines_fault_and_an_error_of_the_servers_own_is_not() -> None:
    assert unavailable(InternalError("received 2 results from command 'COMMIT'")) == "unreachable"
    assert unavailable(InternalError_("an error of its own")) is None


async def test_on_sqlite_there_is_nothing_to_take(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    await store.fill()
    await store.close()
