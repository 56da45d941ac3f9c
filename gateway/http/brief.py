"""What a network is answered for nearly all it posts: taken, and nothing more.

aiohttp makes a response out of its headers, each time anew, which is half of what a request costs it. This one is
written once a second. Whatever is said in more words, or over a line that is to be closed, is an ordinary response.
"""

from __future__ import annotations

import time
from email.utils import formatdate

from aiohttp import HttpVersion11, web
from aiohttp.http import SERVER_SOFTWARE

from gateway.http.around import HEADERS


def brief(request: web.Request) -> web.StreamResponse:
    """200 without a body."""
    plain = request.version == HttpVersion11 and request.keep_alive and request.method == "POST"
    return _BRIEF if plain else web.Response()


class _Brief(web.StreamResponse):
    prepared = True
    """There is nothing in it that could still be changed."""
    keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> None:
        if request.transport is None:
            raise ConnectionResetError("the network has hung up")
        request.transport.write(_written(int(time.time())))
        await request.writer.drain()  # for one that asks and asks, and reads no answer

    async def write_eof(self, data: bytes = b"") -> None:
        """All of it is written."""


_BRIEF = _Brief()
"""One for all: it keeps nothing of whom it answers."""

_now, _line = 0, b""


def _written(now: int) -> bytes:
    global _now, _line
    if now != _now:
        fixed = {"Content-Length": "0", "Date": formatdate(now, usegmt=True), "Server": SERVER_SOFTWARE, **HEADERS}
        head = "".join(f"{name}: {value}\r\n" for name, value in fixed.items())
        _now, _line = now, f"HTTP/1.1 200 OK\r\n{head}\r\n".encode("ascii")
    return _line
