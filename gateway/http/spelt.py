"""An answer as it goes over the line, where aiohttp makes none."""

from __future__ import annotations

import logging
import re
import time
from email.utils import formatdate
from http import HTTPStatus

from aiohttp.http import SERVER_SOFTWARE

from channels.model import Reply
from gateway.http.around import BROKEN, HEADERS

log = logging.getLogger("floatcard.http")

_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_BREAK = re.compile(r"[\r\n\0]")
_now, _brief = 0, b""


def spelt(reply: Reply) -> bytes:
    """HTTP/1.1, over a line that stays. Nearly all of them say that something was taken and nothing more: that one is
    written once a second."""
    global _now, _brief
    now = int(time.time())
    if reply.body or reply.headers or reply.status != HTTPStatus.OK:
        try:
            return _spelt(reply, now)
        except ValueError:  # no status, or a header that goes on in another line
            log.exception("an answer could not be spelt")
            return _spelt(BROKEN, now)
    if now != _now:
        _now, _brief = now, _spelt(Reply(), now)
    return _brief


def _spelt(reply: Reply, now: int) -> bytes:
    status = HTTPStatus(reply.status)
    body = b"" if status in _BODILESS else reply.body
    ours = {"Date": formatdate(now, usegmt=True), "Server": SERVER_SOFTWARE}
    if status not in _BODILESS:
        ours["Content-Length"] = str(len(body))
    parts = ({"Content-Type": "application/octet-stream"} if body else {}, HEADERS, reply.headers, ours)
    named = {name.lower(): f"{name}: {value}" for part in parts for name, value in part.items()}
    if any(map(_BREAK.search, named.values())):
        raise ValueError("a header breaks its line")
    head = "".join(f"{line}\r\n" for line in named.values())
    return f"HTTP/1.1 {status} {status.phrase}\r\n{head}\r\n".encode() + body
