"""What is wrong outside is said in a sentence that tells what to do, before anything is served."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.bus.redis import RedisBus
from gateway.clock import SystemClock
from gateway.errors import Misconfigured
from gateway.store import migrate
from gateway.store.connect import address, plain
from gateway.store.engine import Store
from tests.engines.postgresql import PASSWORD, Postgresql
from tests.engines.redis import Redis
from tests.engines.tls import certificate
from tests.faults.proxy import CUT, GARBAGE, HALF_OPEN, PASS, REFUSE, Fault, Proxy, between
from tests.gateway.store.earlier import earlier, load
from tests.gateway.store.outside import look
from tests.gateway.store.test_migrate import rows

SHOWN = {
    "unknown": ("localhost", 30, False),
    "of another host": ("elsewhere.example", 30, True),
    "expired": ("localhost", -1, True),
    "of tomorrow": ("localhost", 31, True),
}
REDIS_SAYS = {
    "unknown": "name the authority's file with ssl_ca_certs=… in the address of `bus`",
    "of another host": "write the host in the address of `bus` as the certificate names it",
    "expired": "has expired; renew it there",
    "of tomorrow": "is not valid yet; mend its dates",
}


def secured(folder: Path, host: str, days: int, known: bool) -> tuple[ssl.SSLContext, Path]:
    """What the proxy shows, and the authority that the gateway is told to trust."""
    shown = certificate(folder, host, days, "shown")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)
    return context, shown if known else certificate(folder, "localhost", 30, "trusted")


def refused(url: str) -> str:
    with pytest.raises(Misconfigured) as said:
        Store.open(url)
    assert PASSWORD not in str(said.value)
    return str(said.value)


async def refused_queue(url: str) -> str:
    with pytest.raises(Misconfigured) as said:
        await (await RedisBus.open(url, "test", SystemClock())).close()
    return str(said.value)


def behind(server: Postgresql) -> Path:
    return server.folder / f".s.PGSQL.{server.port}"


def store_at(line: Proxy, name: str, more: str) -> str:
    return f"postgresql://postgres@localhost:{line.port}/{name}?hostaddr=127.0.0.1&{more}"


@pytest.mark.parametrize("what", SHOWN)
async def test_a_wrong_certificate_of_either_server(
    tmp_path: Path, postgresql: Postgresql, redis_server: Redis, what: str
) -> None:
    context, trusted = secured(tmp_path, *SHOWN[what])
    with between(behind(postgresql), tls=context, asked=True) as line:
        said = refused(store_at(line, "postgres", f"sslmode=verify-full&sslrootcert={trusted}"))
        assert "mend the certificate (its name, its dates, who signed it)" in said
    with between(("127.0.0.1", redis_server.port), tls=context) as line:
        said = await refused_queue(f"rediss://localhost:{line.port}/0?ssl_ca_certs={trusted}")
        assert [kind for kind, says in REDIS_SAYS.items() if says in said] == [what]


async def test_a_right_certificate_is_served_over(
    tmp_path: Path, postgresql: Postgresql, postgresql_url: str, redis_server: Redis
) -> None:
    context, trusted = secured(tmp_path, "localhost", 30, True)
    name = postgresql_url.partition("@/")[2].partition("?")[0]
    with between(behind(postgresql), tls=context, asked=True) as line:
        store = Store.open(store_at(line, name, f"sslmode=verify-full&sslrootcert={trusted}"))
        assert await store.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar_one()) == 1
        await store.close()
    with between(("127.0.0.1", redis_server.port), tls=context) as line:
        url = f"rediss://localhost:{line.port}/0?ssl_ca_certs={trusted}&prefix=tls:"
        await (await RedisBus.open(url, "test", SystemClock())).close()


async def test_tls_that_redis_has_not_and_files_that_are_none_are_said(tmp_path: Path, redis_server: Redis) -> None:
    context, trusted = secured(tmp_path, "localhost", 30, True)
    (tmp_path / "words.pem").write_text("no certificate")
    assert "is it switched on in this Redis" in await refused_queue(f"rediss://localhost:{redis_server.port}/0")
    with between(("127.0.0.1", redis_server.port), tls=context) as line:
        for name in ("words.pem", "nowhere.pem"):
            said = await refused_queue(f"rediss://localhost:{line.port}/0?ssl_ca_certs={tmp_path / name}")
            assert "a file that the address of `bus` names with ssl_…=…" in said
        said = await refused_queue(f"rediss://127.0.0.1:{line.port}/0?ssl_ca_certs={trusted}")
        assert REDIS_SAYS["of another host"] in said
        line.set(GARBAGE)  # under a TLS that is as it should be
        said = await refused_queue(f"rediss://localhost:{line.port}/0?ssl_ca_certs={trusted}")
        assert "check that it is running" in said
    assert "check that it is running" in await refused_queue("rediss://no-such-host.invalid/0")
    assert "check that it is running" in await refused_queue("rediss://127.0.0.1:1/0")


async def test_a_certificate_of_ours_that_redis_asks_for_is_said(tmp_path: Path, redis_server: Redis) -> None:
    context, trusted = secured(tmp_path, "localhost", 30, True)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(trusted)
    with between(("127.0.0.1", redis_server.port), tls=context) as line:
        url = f"rediss://localhost:{line.port}/0?ssl_ca_certs={trusted}&prefix=tls:"
        assert "name one with ssl_certfile=… and ssl_keyfile=…" in await refused_queue(url)
        url += f"&ssl_certfile={trusted}&ssl_keyfile={trusted}"
        await (await RedisBus.open(url, "test", SystemClock())).close()


def test_tls_that_postgresql_has_not_is_said_through_any_line(postgresql: Postgresql) -> None:
    with between(behind(postgresql)) as line:
        assert "asks for TLS and the server has none" in refused(store_at(line, "postgres", "sslmode=require"))


async def test_a_version_too_old_is_said(postgresql: Postgresql, redis_server: Redis) -> None:
    number = postgresql.run("SHOW server_version_num")[0][0]
    with between(behind(postgresql)) as line:
        line.set(Fault("rewrite", was=number.encode(), shown=b"130004"))
        assert "needs 14 or newer" in refused(store_at(line, "postgres", "sslmode=disable"))
    with between(("127.0.0.1", redis_server.port)) as line:
        line.set(Fault("rewrite", was=b"redis_version:6.2.", shown=b"redis_version:5.0."))
        said = await refused_queue(f"redis://127.0.0.1:{line.port}/0?prefix=old:")
        assert "Redis 5.0." in said and "needs 6.2 or newer" in said


@pytest.mark.parametrize("fault", [CUT, HALF_OPEN, GARBAGE, REFUSE], ids=str)
async def test_a_line_that_is_spoilt_at_the_start(
    postgresql: Postgresql, postgresql_url: str, redis_server: Redis, fault: Fault
) -> None:
    name = postgresql_url.partition("@/")[2].partition("?")[0]
    with between(behind(postgresql)) as line:
        line.set(fault)
        assert "check that it is running" in refused(store_at(line, name, "sslmode=disable"))
        line.set(PASS)
        await Store.open(store_at(line, name, "sslmode=disable")).close()
    with between(("127.0.0.1", redis_server.port)) as line:
        line.set(fault)
        url = f"redis://127.0.0.1:{line.port}/0?prefix=spoilt:"
        assert "check that it is running" in await refused_queue(url)
        line.set(PASS)
        await (await RedisBus.open(url, "test", SystemClock())).close()


# a migration that is killed -------------------------------------------------------------------------------------

DIES = """
import os, signal, sys
from gateway.store import migrate
from gateway.store.connect import address
def dies(connection, *_):
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_spill=1")
    os.kill(os.getpid(), signal.SIGKILL)
setattr(migrate, sys.argv[2], dies)
migrate.prepare(address(sys.argv[1]))
"""


@pytest.fixture
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgresql").fresh()
    else:
        yield f"sqlite:///{tmp_path}/a.db"


@pytest.mark.parametrize(
    ("empty_url", "step"),
    [("sqlite", "_sign"), ("sqlite", "_probe"), ("postgresql", "_probe")],
    indirect=["empty_url"],
)
async def test_a_migration_that_is_killed_is_whole_after_the_next_start(empty_url: str, step: str) -> None:
    """After the tables were made, and after they were signed; neither is committed by then."""
    died = subprocess.run([sys.executable, "-c", DIES, empty_url, step], capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    engine = plain(address(empty_url))
    with engine.begin() as connection:
        assert not connection.dialect.get_table_names(connection), "nothing half done"
    engine.dispose()
    await Store.open(empty_url).close()
    assert look(empty_url, "SELECT version_num FROM alembic_version")[0] == migrate.head()


@pytest.mark.parametrize("number", earlier())
@pytest.mark.parametrize(
    ("empty_url", "step"),
    [("sqlite", "_narrow"), ("sqlite", "_probe"), ("postgresql", "_sign"), ("postgresql", "_probe")],
    indirect=["empty_url"],
)
async def test_an_upgrade_that_is_killed_leaves_every_row_and_is_done_at_the_next_start(
    empty_url: str, step: str, number: str
) -> None:
    """After the tables were changed, before and after they were signed."""
    load(empty_url, number)
    before = rows(empty_url)
    died = subprocess.run([sys.executable, "-c", DIES, empty_url, step], capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    assert look(empty_url, "SELECT version_num FROM alembic_version")[0] == number
    assert rows(empty_url) == before
    await Store.open(empty_url).close()
    assert look(empty_url, "SELECT version_num FROM alembic_version")[0] == migrate.head()
    after = rows(empty_url)
    assert {name: len(after[name]) for name in before} == {name: len(each) for name, each in before.items()}
