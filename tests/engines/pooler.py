"""What stands before a PostgreSQL and has so many places: whoever comes after that is refused, or waits unanswered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

READY = b"Z\0\0\0\5I"
CHUNK = 65_536


@contextmanager
def pooler(upstream: Path, places: int, refusal: str = "") -> Iterator[int]:
    """Its port. Without a refusal whoever has no place is logged in, as PgBouncer does, and not answered after that."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended, free = threading.Event(), threading.Semaphore(places)

    def taken(line: socket.socket) -> None:
        placed = free.acquire(blocking=False)
        try:
            with line, suppress(OSError):
                if placed or not refusal:
                    _between(line, upstream, placed)
                else:
                    line.recv(CHUNK)
                    line.sendall(_refused(refusal))
        finally:
            if placed:
                free.release()

    def serve() -> None:
        with suppress(OSError):
            while not ended.is_set():
                threading.Thread(target=taken, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        ended.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _between(line: socket.socket, upstream: Path, placed: bool) -> None:
    """Returns when one side is gone."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(str(upstream))
        mute = threading.Event()
        back = threading.Thread(target=_back, args=(server, line, None if placed else mute), daemon=True)
        back.start()
        with suppress(OSError):
            while data := line.recv(CHUNK):
                if not mute.is_set():
                    server.sendall(data)
        server.shutdown(socket.SHUT_RDWR)
        back.join()


def _back(server: socket.socket, line: socket.socket, mute: threading.Event | None) -> None:
    with suppress(OSError):
        while data := server.recv(CHUNK):
            if mute is not None and READY in data:
                mute.set()
            line.sendall(data)
        line.shutdown(socket.SHUT_RDWR)


def _refused(text: str) -> bytes:
    said = b"SFATAL\0C08P01\0M" + text.encode() + b"\0\0"
    return b"E" + (len(said) + 4).to_bytes(4, "big") + said
