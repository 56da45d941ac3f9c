"""A real Tryton on a real PostgreSQL: a process of its own, out of an environment of its own (`make tryton`).

Making the database takes about a minute. `make tryton` does it (`python -m tests.crm.tryton.server`), so that no test
waits for it; it is kept as a dump beside the environment, and restored the next time.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.crm.databases import postgresql
from tests.engines.postgresql import Postgresql, free_port

ROOT = Path(__file__).parents[3]
VENV = ROOT / ".venv-tryton"
LIST = ROOT / "requirements" / "tryton.txt"
DATABASE = "crm"
PASSWORD = "made up for the tests"


class Tryton:
    def __init__(self, postgresql: Postgresql, folder: Path) -> None:
        self.postgresql, self.folder, self.port = postgresql, folder, free_port()
        self._conf = folder / "trytond.conf"
        self._conf.write_text(
            f"[database]\nuri = postgresql://postgres@/?host={postgresql.folder}&port={postgresql.port}\n"
            f"[web]\nlisten = 127.0.0.1:{self.port}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """The database with its modules and an admin: restored, or made and kept."""
        name = hashlib.sha256(LIST.read_bytes() + PASSWORD.encode()).hexdigest()[:16]
        kept = VENV / f"database-{name}.dump"
        self.postgresql.run(f"DROP DATABASE IF EXISTS {DATABASE}")  # of a try that was cut off
        self.postgresql.run(f"CREATE DATABASE {DATABASE}")
        if kept.is_file() and self._program("pg_restore", "-d", DATABASE, "--no-owner", str(kept)) == 0:
            return
        self.postgresql.run(f"DROP DATABASE {DATABASE}")
        self.postgresql.run(f"CREATE DATABASE {DATABASE}")
        self._initialise()
        half = kept.with_suffix(f".{os.getpid()}.part")
        if self._program("pg_dump", "-d", DATABASE, "-Fc", "-f", str(self.folder / half.name)) == 0:
            half.write_bytes((self.folder / half.name).read_bytes())
            half.replace(kept)

    def _program(self, name: str, *words: str) -> int:
        where = ["-h", str(self.postgresql.folder), "-p", str(self.postgresql.port), "-U", "postgres"]
        with (self.folder / "log").open("ab") as log:
            found = self.postgresql.bin / name
            return subprocess.run([found, *where, *words], stdout=log, stderr=log, check=False).returncode

    def _initialise(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        words = ["-c", str(self._conf), "-d", DATABASE, "--email", "admin@example.com"]
        words += ["-u", "sale_opportunity", "--activate-dependencies"]
        with (self.folder / "log").open("ab") as log:
            subprocess.run(
                [VENV / "bin" / "trytond-admin", *words],
                env={**os.environ, "TRYTONPASSFILE": str(self.folder / "password")},
                stdout=log,
                stderr=log,
                check=True,
                timeout=900,
            )

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [VENV / "bin" / "trytond", "-c", str(self._conf), "-d", DATABASE], stdout=log, stderr=log
            )
        _until(self._answers, self._process)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/{DATABASE}/rpc/", data=b"{}", timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            return True
        except OSError:
            return False
        return True

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None


def _until(true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while not true():
        if time.monotonic() > end or process.poll() is not None:
            raise RuntimeError("Tryton did not start; its log is beside its configuration")
        time.sleep(0.1)


@functools.cache
def tryton() -> Tryton:
    """The one of this test run; it ends with it."""
    if not (VENV / ".ready").is_file():
        pytest.skip("no Tryton here: `make tryton` installs it")
    server = _prepared()
    server.start()
    atexit.register(server.stop)
    return server


def _prepared() -> Tryton:
    database, stack = postgresql(), ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fc-tryton-", dir="/tmp")))
    server = Tryton(database, folder)
    server.prepare()
    return server


if __name__ == "__main__" and (VENV / ".ready").is_file() and not list(VENV.glob("database-*.dump")):
    with suppress(pytest.skip.Exception):  # no PostgreSQL here: the tests say so
        _prepared()
