"""The short way in for what networks post: a plain POST to a configured channel is taken off its line here.

aiohttp makes of whatever comes a request with tasks, a stream and a response of its own, which costs more than checking
the signature and reading what it signs. Whatever is said in more words (another method or address, chunks, an encoding,
a header twice, an old HTTP, a body past the limit, what is malformed) goes to aiohttp with its line and every byte of
it, and so does all that comes over that line from then on. There it gets the answer that it would get here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from channels.model import Inbound
from gateway.http.around import DOOR, Take
from gateway.http.spelt import spelt

HEAD = 8_190
"""How many bytes of a head are looked at here: as many as aiohttp lets a single header have."""
MANY = 100
"""Headers; fewer than it lets a head have."""
QUIET_S = 3630.0
"""Nothing taken for so long, and the line is closed: as aiohttp has it, longer than proxies keep theirs."""
ENDING_S = 5.0
"""How long a stop waits for the answers that are being made."""

_START = b"POST " + DOOR.encode()
_STAYS = "keep-alive"
_WORDY = frozenset(
    {"transfer-encoding", "content-encoding", "expect", "upgrade", "proxy-connection", "sec-websocket-key1"}
)


class Entrance:
    """Makes the protocol of each line that comes in."""

    def __init__(self, takes: Mapping[str, Take], address: str, limit: int, others: web.Server) -> None:
        """`takes`: by the channel's name. `address`: what the gateway is called outside. `limit`: of a body, bytes."""
        self.takes = {f"{DOOR}{name}".encode(): take for name, take in takes.items()}
        self.address = address
        self.limit = limit
        self.others = others
        self.loop = asyncio.get_running_loop()
        self.lines: set[Line] = set()
        self.ending = False
        self._left = asyncio.Event()

    def __call__(self) -> Line:
        return Line(self)

    def leave(self, line: Line) -> None:
        self.lines.discard(line)
        self._left.set()

    async def close(self) -> None:
        """What was begun is done and answered, for which `ENDING_S` is the longest; nobody is heard any more."""
        self.ending = True
        for line in list(self.lines):
            line.go_on()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDING_S):
                while self.lines:
                    self._left.clear()
                    await self._left.wait()
        for line in list(self.lines):
            line.cut()
        await asyncio.sleep(0)  # for what was cancelled by it


class _Head:
    """What the parser finds in one."""

    __slots__ = ("end", "headers", "length", "target", "twice", "whole")

    def __init__(self, length: int) -> None:
        self.length = length
        self.end = length
        """Of the request: its body included."""
        self.headers: dict[str, str] = {}
        self.target = b""
        self.twice = False
        """Whether a header came twice: what that means is aiohttp's to say."""
        self.whole = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        known = name.decode("ascii").lower()
        self.twice |= known in self.headers
        self.headers[known] = value.decode().rstrip(" \t")

    def on_headers_complete(self) -> None:
        self.whole = True


class Line(asyncio.Protocol):
    """One request after the other: what comes while one is answered waits, and past one reading is not read."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._raw: bytes | bytearray = b""
        """What came and was not taken, from the beginning of a request on."""
        self._head: _Head | None = None
        """Of that request, once it is all here."""
        self._answering: asyncio.Task[None] | None = None
        self._full = False
        """Whether whoever is at the other end reads no answers."""
        self._transport: Any = None
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # the line --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        loop = self._entrance.loop
        self._transport = transport
        self._entrance.lines.add(self)
        self._last = loop.time()
        if self._entrance.ending:
            transport.close()
        self._timer = loop.call_later(QUIET_S, self._quiet)

    def connection_lost(self, why: Exception | None) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None
        if self._answering is None:  # else a stop waits for what is being done, though nobody hears of it
            self._entrance.leave(self)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self.go_on()

    def _quiet(self) -> None:
        loop = self._entrance.loop
        left = self._last + QUIET_S - loop.time()
        if left <= 0 and self._answering is None:
            self.cut()  # whatever is still to be read over there: it was not, all that time
        else:
            self._timer = loop.call_later(max(left, 1.0), self._quiet)

    def cut(self) -> None:
        """At once, and what is being done with it."""
        if self._answering is not None:
            self._answering.cancel()
        if self._transport is not None:
            self._transport.abort()

    # what comes over it ------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._raw:
            if isinstance(self._raw, bytes):
                self._raw = bytearray(self._raw)  # which grows and shrinks without being copied each time
            self._raw += data
        else:
            self._raw = data
        if self._answering is not None or self._full:
            self._transport.pause_reading()
        else:
            self._look()

    def go_on(self) -> None:
        """With what came meanwhile, and only then with what is still to come; or ends, where that is wanted."""
        if self._answering is not None or self._transport is None:
            return
        if self._entrance.ending:
            self._transport.close()
        elif not self._full:
            if self._raw:
                self._look()
            if self._answering is None and self._transport is not None:
                self._transport.resume_reading()

    def _look(self) -> None:
        """Takes the request, if it is all here, or leaves it to others."""
        head = self._head
        if head is None:
            head, ours = self._read()
            if not ours:
                self._hand_over()
                return
            self._head = head
        if head is not None and len(self._raw) >= head.end:
            self._head = None
            url = self._entrance.address + head.target.decode("ascii")
            inbound = Inbound("POST", url, head.headers, bytes(self._raw[head.length : head.end]))
            self._drop(head.end)
            take = self._entrance.takes[head.target]
            self._answering = self._entrance.loop.create_task(self._answer(take, inbound))

    def _drop(self, count: int) -> None:
        if len(self._raw) == count:
            self._raw = b""
        else:
            self._raw = bytearray(self._raw) if isinstance(self._raw, bytes) else self._raw
            del self._raw[:count]

    def _read(self) -> tuple[_Head | None, bool]:
        """The head, None while it is not all here; and whether it may be, or is, one of ours."""
        raw = self._raw
        if not raw.startswith(_START[: len(raw)]):
            return None, False
        end = raw.find(b"\r\n\r\n", 0, HEAD)
        if end < 0:
            return None, len(raw) < HEAD
        head = _Head(end + 4)
        parser = HttpRequestParser(head)
        try:
            parser.feed_data(raw[: head.length])
        except (HttpParserError, HttpParserUpgrade):
            return None, False
        # asked of the header: of a request without a body the parser has forgotten it by now
        stays = head.headers.get("connection", _STAYS).lower() == _STAYS
        plain = head.whole and not head.twice and parser.get_http_version() == "1.1" and stays
        few = len(head.headers) <= MANY and _WORDY.isdisjoint(head.headers) and "host" in head.headers
        if not (plain and few and head.target in self._entrance.takes):
            return None, False
        length = int(head.headers.get("content-length", "0"))
        head.end += length
        return head, length <= self._entrance.limit

    async def _answer(self, take: Take, inbound: Inbound) -> None:
        said = b""
        try:
            said = spelt(await take(inbound))
        finally:
            self._answering = None
            if self._transport is None:
                self._entrance.leave(self)
            elif not said:
                self.cut()  # rather than a line on which nobody is ever answered again
        if self._transport is not None:
            self._transport.write(said)
            self._last = self._entrance.loop.time()
            self.go_on()

    def _hand_over(self) -> None:
        """With all that came; from here on this protocol hears nothing more."""
        transport, raw = self._transport, bytes(self._raw)
        self._leave()
        other = self._entrance.others()
        transport.resume_reading()  # the other does not know that it was paused
        transport.set_protocol(other)
        other.connection_made(transport)
        other.data_received(raw)
