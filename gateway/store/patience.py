"""How long the database may be silent: a line that takes and never answers is cut here, or its thread waits for ever.

libpq knows no limit to the wait for an answer, and TCP none while the other machine acknowledges what it never reads.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

LOOK_S = 0.25


@dataclass(slots=True)
class _Wait:
    until: float
    line: Any = None
    """psycopg's connection, once there is one."""


class Patience:
    """`with patience():` around a whole transaction, its connecting and its commit included. No-op off PostgreSQL."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._seconds = seconds
        self._waits: dict[int, _Wait] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._idle = engine.dialect.name != "postgresql"
        if self._idle:
            return
        event.listen(engine, "connect", self._on, insert=True)  # before anything is asked over it
        event.listen(engine, "checkout", self._on)
        threading.Thread(target=self._watch, name="store-patience", daemon=True).start()

    @contextlib.contextmanager
    def __call__(self, line: Any = None, seconds: float | None = None) -> Iterator[None]:
        """`line`: the connection, where it was taken out of the pool before. `seconds`: other than always."""
        if self._idle:
            yield
            return
        me = threading.get_ident()
        self._waits[me] = _Wait(time.monotonic() + (self._seconds if seconds is None else seconds), line)
        try:
            yield
        finally:
            with self._lock:
                del self._waits[me]

    def close(self) -> None:
        self._ended.set()

    def _on(self, line: Any, *_: Any) -> None:
        wait = self._waits.get(threading.get_ident())
        if wait is not None:
            wait.line = line

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            for wait in [wait for wait in list(self._waits.values()) if wait.until < time.monotonic()]:
                with self._lock:
                    if wait in self._waits.values():
                        _cut(wait.line)


def _cut(line: Any) -> None:
    """Whoever waits for it sees it closed."""
    # whatever this raises, the line is closed already
    with contextlib.suppress(Exception), socket.socket(fileno=os.dup(line.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)
