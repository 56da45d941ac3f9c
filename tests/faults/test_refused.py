"""`floatcard run` as its own process on what it cannot work with: one sentence, exit code 2, and nobody listens."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis as Client

from gateway.bus.redis_tls import NO_TLS
from tests.cluster.gateways import MASTER, SECRET, Ground
from tests.engines.postgresql import PASSWORD, Postgresql, free_port
from tests.engines.redis import Redis
from tests.faults.proxy import Fault, between
from tests.faults.test_start import SHOWN, behind, secured, store_at
from tests.gateway.test_cli import ENV, floatcard

CHAT = "http://127.0.0.1:1/demo/api"
WRONG = "wrong-secret"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Spoilt:
    """What a gateway says, and to which store or queue; the other one is as it should be."""

    says: str
    store: str = ""
    bus: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """The real servers, for a test to spoil."""

    postgresql: Postgresql
    redis: Redis
    folder: Path
    stack: contextlib.ExitStack
    """Lines that stand between for as long as the test."""

    def weak(self) -> str:
        """Who may log in over the network, and no more."""
        if not self.postgresql.run("SELECT 1 FROM pg_roles WHERE rolname = 'weak'"):
            self.postgresql.run(f"CREATE ROLE weak LOGIN PASSWORD '{PASSWORD}'")
        return "weak"

    def database(self) -> str:
        """The name of an empty one."""
        return self.postgresql.fresh().partition("@/")[2].partition("?")[0]


@pytest.fixture
def around(postgresql: Postgresql, redis_server: Redis, tmp_path: Path) -> Iterator[Around]:
    with contextlib.ExitStack() as stack:
        yield Around(postgresql, redis_server, tmp_path, stack)


def configured(folder: Path, around: Around, store: str = "", bus: str = "") -> int:
    """Its port."""
    port = free_port()
    sound = around.postgresql.url(around.database()), around.redis.url()
    ground = Ground(folder, store or sound[0], bus or sound[1], CHAT)
    (folder / "master.key").write_text(MASTER)
    (folder / "web.key").write_text(SECRET)
    ground.config.write_text(ground.text(port), "utf-8")
    return port


class Watch:
    """Knocks at a port again and again, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.knocks = self.answered = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._knock, daemon=True)

    def _knock(self) -> None:
        while not self._over.wait(0.002):
            self.knocks += 1
            # From another address: a socket that was given this very port as its own would reach itself.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1, ("127.0.0.2", 0)):
                self.answered += 1

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def no_rights(around: Around) -> Spoilt:
    store = around.postgresql.by_network(around.database(), around.weak())
    return Spoilt("GRANT CREATE, USAGE ON SCHEMA public TO weak", store)


def few_connections(around: Around) -> Spoilt:
    name = around.database()
    around.postgresql.run(f"CREATE ROLE narrow LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 3")
    around.postgresql.run(f"ALTER DATABASE {name} OWNER TO narrow")
    store = around.postgresql.by_network(name, "narrow")
    return Spoilt("3 of the 5 connections it works with; raise the user's CONNECTION LIMIT", store)


def somebody_elses(around: Around) -> Spoilt:
    name = around.database()
    around.postgresql.run("CREATE TABLE invoices (id integer)", name)
    return Spoilt("belongs to another program", around.postgresql.url(name))


def wrong_password(around: Around) -> Spoilt:
    return Spoilt("refuses the user or the password", around.postgresql.by_network("postgres", around.weak(), WRONG))


def no_tls_at_postgresql(around: Around) -> Spoilt:
    store = around.postgresql.by_network("postgres", around.weak(), more="?sslmode=require")
    return Spoilt("asks for TLS and the server has none", store)


def expired_certificate_of_postgresql(around: Around) -> Spoilt:
    shown, trusted = secured(around.folder, *SHOWN["expired"])
    line = around.stack.enter_context(between(behind(around.postgresql), tls=shown, asked=True))
    store = store_at(line, around.database(), f"sslmode=verify-full&sslrootcert={trusted}")
    return Spoilt("mend the certificate (its name, its dates, who signed it)", store)


def expired_certificate_of_redis(around: Around) -> Spoilt:
    shown, trusted = secured(around.folder, *SHOWN["expired"])
    line = around.stack.enter_context(between(("127.0.0.1", around.redis.port), tls=shown))
    return Spoilt("has expired; renew it there", bus=f"rediss://localhost:{line.port}/0?ssl_ca_certs={trusted}")


def version_too_old(around: Around) -> Spoilt:
    number = around.postgresql.run("SHOW server_version_num")[0][0]
    line = around.stack.enter_context(between(behind(around.postgresql)))
    line.set(Fault("rewrite", was=number.encode(), shown=b"130004"))
    return Spoilt("needs 14 or newer", store_at(line, around.database(), "sslmode=disable"))


def no_connection_left(around: Around) -> Spoilt:
    name = around.database()
    around.postgresql.run(f"CREATE ROLE shut LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0")
    around.postgresql.run(f"ALTER DATABASE {name} OWNER TO shut")
    return Spoilt("the database has no connection left", around.postgresql.by_network(name, "shut"))


def no_tls_at_redis(around: Around) -> Spoilt:
    return Spoilt(NO_TLS, bus=around.redis.url().replace("redis:", "rediss:", 1))


def others_keys(around: Around) -> Spoilt:
    with Client(port=around.redis.port) as client:
        client.set("theirs:session:7", "x")
    return Spoilt("keys that begin with theirs: belong to another program", bus=around.redis.at("theirs:"))


SPOILS = (
    no_rights,
    few_connections,
    somebody_elses,
    wrong_password,
    no_tls_at_postgresql,
    no_tls_at_redis,
    expired_certificate_of_postgresql,
    expired_certificate_of_redis,
    version_too_old,
    no_connection_left,
    others_keys,
)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda each: str(each.__name__))
def test_it_is_one_sentence_and_nobody_listens(
    tmp_path: Path, around: Around, spoil: Callable[[Around], Spoilt]
) -> None:
    spoilt = spoil(around)
    with Watch(configured(tmp_path, around, spoilt.store, spoilt.bus)) as watch:
        ended = floatcard(tmp_path, "run")
    assert (ended.code, ended.out) == (2, ""), ended
    (line,) = ended.err.splitlines()
    assert spoilt.says in line
    assert PASSWORD not in line and WRONG not in line
    assert watch.knocks > 20 and watch.answered == 0


def test_with_nothing_spoilt_it_listens_and_is_heard(tmp_path: Path, around: Around) -> None:
    """The same configuration on the same servers: it was the fault that kept the others from it."""
    port = configured(tmp_path, around)
    command = [sys.executable, "-m", "gateway.cli", "run"]
    with Watch(port) as watch, (tmp_path / "log").open("wb") as log:
        env = {**ENV, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env=env)
        try:
            ends = time.monotonic() + 90
            while not watch.answered and process.poll() is None and time.monotonic() < ends:
                time.sleep(0.05)
            process.terminate()
            assert process.wait(30) == 0, (tmp_path / "log").read_text("utf-8")
        finally:
            process.kill()
            process.wait()
    assert watch.answered > 0
