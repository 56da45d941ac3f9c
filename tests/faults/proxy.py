"""A line that can be spoilt: a TCP proxy before any server, with a fault that is switched on, off, or played by seed.

A fault strikes the connections that stand as well as new ones. What it has spoilt stays so: bytes that were swallowed
are gone, and a line that fell silent never speaks again, as when a firewall has forgotten it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import struct
import threading
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "pass", "delay", "cut", "half-open", "mute", "drip", "garbage", "refuse", "status", "rewrite", "cut-answer"
]
Upstream: TypeAlias = tuple[str, int] | Path
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """What the line does. `seconds`: of a delay, between two drops; `status`: of every answer, over HTTP."""

    kind: Kind
    seconds: float = 0.0
    status: int = 0
    retry_after: str = ""
    seed: int = 0
    was: bytes = b""
    shown: bytes = b""
    """`rewrite`: what stands in the answers instead of `was`, of the same length."""

    def __str__(self) -> str:
        return f"{self.kind}{f' {self.status}' if self.status else ''}"


PASS = Fault("pass")
CUT = Fault("cut")
"""Every connection ends with a reset, as soon as it was made."""
CUT_ANSWER = Fault("cut-answer")
"""What is asked arrives; where the answer should come, the line is reset: nobody knows what was done."""
HALF_OPEN = Fault("half-open")
"""Takes connections and bytes, and says nothing, ever."""
MUTE = Fault("mute")
"""What is asked arrives; the answer never does, and the line stays open."""
REFUSE = Fault("refuse")
GARBAGE = Fault("garbage", seed=7)
SLOW = Fault("delay", seconds=0.15)
DRIP = Fault("drip", seconds=0.05)
TIRED = Fault("status", status=429, retry_after="1")
BROKEN = Fault("status", status=500)
AWAY = Fault("status", status=503)


@dataclass(eq=False, slots=True)
class Line:
    writer: asyncio.StreamWriter
    upstream: asyncio.StreamWriter | None = None
    swallowed: set[bool] = field(default_factory=set)
    """The directions that are dead: True is the way back."""

    @property
    def ends(self) -> list[asyncio.StreamWriter]:
        return [self.writer] if self.upstream is None else [self.writer, self.upstream]

    async def close(self) -> None:
        """Returns when what was on its way is out."""
        for each in self.ends:
            each.close()
        for each in self.ends:
            with contextlib.suppress(OSError):
                await each.wait_closed()

    def abort(self) -> None:
        for each in self.ends:
            _abort(each)


class _Wire:
    """What runs in the proxy's own loop."""

    def __init__(self, upstream: Upstream, *, tls: ssl.SSLContext | None, asked: bool) -> None:
        self.fault = PASS
        self.taken = 0
        self.struck = 0
        self.port = 0
        self._upstream = upstream
        self._tls, self._asked = tls, asked
        self._lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._place: socket.socket | None = None
        self._chance = random.Random()

    async def start(self) -> None:
        self._hold()
        await self._listen()

    async def close(self) -> None:
        """Nothing of it is left in the loop: what was just taken, what is being dialled, what is not out yet."""
        self._unlisten()
        if self._place is not None:
            self._place.close()
        await settled()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for line in self._lines:
            line.abort()
        await settled()

    async def set(self, fault: Fault) -> None:
        """From now on, for every line."""
        was, self.fault = self.fault, fault
        self._chance = random.Random(fault.seed)
        if fault.kind in ("cut", "refuse", "status") or was.kind == "status":
            self.reset()
        if fault.kind == "refuse":
            self._unlisten()
            self._hold()
        elif was.kind == "refuse":
            await self._listen()

    def reset(self) -> None:
        """Every line that stands is cut, with a reset on both sides."""
        for line in list(self._lines):
            self.struck += not _over(line.writer)
            line.abort()

    # -- listening

    def _hold(self) -> None:
        """The port stays ours while nobody listens: whoever calls is refused."""
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", self.port))
        self.port = self._place.getsockname()[1]

    async def _listen(self) -> None:
        place, self._place = self._place, None
        self._server = await asyncio.start_server(self._take, sock=place)

    def _unlisten(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        line = Line(writer)
        self._lines.add(line)
        task = asyncio.get_running_loop().create_task(self._served(reader, line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _served(self, reader: asyncio.StreamReader, line: Line) -> None:
        with contextlib.suppress(OSError, EOFError):  # a line that breaks is what this is for
            await self._serve(reader, line)
        await line.close()
        self._lines.discard(line)

    # -- one line

    async def _serve(self, reader: asyncio.StreamReader, line: Line) -> None:
        self.struck += self.fault.kind == "cut"
        if self.fault.kind == "cut":
            return _abort(line.writer)
        if self._tls is not None:
            await self._secure(reader, line.writer)
        if self.fault.kind == "status":
            return await self._turn_away(reader, line.writer)
        back, line.upstream = await self._dial()
        ways = [self._pump(reader, line.upstream, line, False), self._pump(back, line.writer, line, True)]
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return None

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, Path):
            return await asyncio.open_unix_connection(str(self._upstream))
        return await asyncio.open_connection(*self._upstream)

    async def _secure(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """PostgreSQL's clients ask for TLS in the clear and are told S; Redis' begin with it."""
        assert self._tls is not None
        if self._asked:
            assert await reader.readexactly(8) == SSL_REQUEST
            writer.write(b"S")
        await writer.start_tls(self._tls)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, line: Line, back: bool) -> None:
        while data := await source.read(CHUNK):
            if self._dead(line, back):
                continue
            if self.fault.kind == "cut-answer" and back:
                return _abort(line.writer)
            await self._pass_on(data, sink, back)
        if line.swallowed:
            await asyncio.Event().wait()  # who is silent does not say goodbye either
        return None

    def _dead(self, line: Line, back: bool) -> bool:
        self.struck += self.fault.kind != "pass"
        if self.fault.kind == "half-open":
            line.swallowed |= {True, False}
        elif self.fault.kind == "mute" and back:
            line.swallowed.add(True)
        return back in line.swallowed

    async def _pass_on(self, data: bytes, sink: asyncio.StreamWriter, back: bool) -> None:
        fault = self.fault
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "garbage" and back:
            data = self._chance.randbytes(len(data))
        elif fault.kind == "rewrite" and back:
            data = data.replace(fault.was, fault.shown)
        step = 1 if fault.kind == "drip" else len(data)
        for start in range(0, len(data), step):
            sink.write(data[start : start + step])
            await sink.drain()
            if self.fault.kind == "drip" and start + step < len(data):
                await asyncio.sleep(fault.seconds)

    async def _turn_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Every request over this line, while the fault lasts, is answered with its status."""
        while self.fault.kind == "status":
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [each for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")]
            await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)
            fault = self.fault
            again = f"Retry-After: {fault.retry_after}\r\n" if fault.retry_after else ""
            writer.write(f"HTTP/1.1 {fault.status or 503} Fault\r\n{again}Content-Length: 2\r\n\r\n{{}}".encode())
            await writer.drain()


async def settled() -> None:
    """The loop's next few turns: who was taken has a line, who was ended is gone. A socket that is cancelled before
    its first turn would be nobody's."""
    for _ in range(10):
        await asyncio.sleep(0)


def _abort(writer: asyncio.StreamWriter) -> None:
    """A reset, not a goodbye."""
    with contextlib.suppress(AttributeError):  # TLS that has ended has nothing behind it any more
        line = writer.get_extra_info("socket")
        if line is not None and line.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


def _over(writer: asyncio.StreamWriter) -> bool:
    try:
        return writer.is_closing()
    except AttributeError:
        return True


class Proxy:
    """Listens on 127.0.0.1 at `port` until `close`, in a thread of its own: a test's loop may stand still.

    With `tls` it takes TLS and speaks to the upstream in the clear; `asked`: as PostgreSQL's clients ask for it.
    """

    def __init__(self, upstream: Upstream, *, tls: ssl.SSLContext | None = None, asked: bool = False) -> None:
        self._wire = _Wire(upstream, tls=tls, asked=asked)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._thread.start()
        self._run(self._wire.start())

    @property
    def port(self) -> int:
        return self._wire.port

    @property
    def fault(self) -> Fault:
        return self._wire.fault

    @property
    def taken(self) -> int:
        """Connections made so far."""
        return self._wire.taken

    @property
    def struck(self) -> int:
        """How often a fault met somebody."""
        return self._wire.struck

    def set(self, fault: Fault) -> None:
        """From now on, for every line."""
        self._run(self._wire.set(fault))

    async def play(self, script: Iterable[tuple[Fault, float]]) -> None:
        """Each fault for so many seconds; after the last one the line is well."""
        try:
            for fault, seconds in script:
                self.set(fault)
                await asyncio.sleep(seconds)
        finally:
            self.set(PASS)

    def close(self) -> None:
        try:
            self._run(self._wire.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@contextlib.contextmanager
def between(upstream: Upstream, *, tls: ssl.SSLContext | None = None, asked: bool = False) -> Iterator[Proxy]:
    proxy = Proxy(upstream, tls=tls, asked=asked)
    try:
        yield proxy
    finally:
        proxy.close()


def storm(seed: int, faults: Iterable[Fault], rounds: int, longest: float) -> list[tuple[Fault, float]]:
    """A script out of a seed: faults in any order, with well times between them."""
    chance, choice = random.Random(seed), tuple(faults)
    script: list[tuple[Fault, float]] = []
    for _ in range(rounds):
        script.append((chance.choice(choice), chance.uniform(0.1, longest)))
        script.append((PASS, chance.uniform(0.05, longest / 2)))
    return script
