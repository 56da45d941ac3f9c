"""The short way in answers as the application does, over real sockets: nobody notices anything but its speed."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.http.health import Health
from gateway.http.server import application, listen
from tests.channels.slack.recipe import seal
from tests.channels.slack.world import DEAL, LI, TEAM, around
from tests.gateway.house import Live, listening

pytestmark = pytest.mark.both_loops
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def without(live: Live) -> AbstractAsyncContextManager[str]:
    """The same house behind aiohttp alone."""
    return listening(application(live.house, Health(live.s, live.house.worker)))


def posted(raw: bytes, path: str = "/in/slack", version: str = "1.1", method: str = "POST", **headers: str) -> bytes:
    named = {"Host": "floatcard", "Content-Type": "application/json", "Content-Length": str(len(raw))}
    named |= seal(method, path, raw, int(time.time())) | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/{version}\r\n{head}\r\n".encode() + raw


def at(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


async def answered(url: str, sent: bytes, answers: int = 1, *, ends: bool = False) -> bytes:
    """What came back, until as many answers as were asked for are whole, or the other side hung up."""
    reader, writer = await asyncio.open_connection(*at(url))
    writer.write(sent)
    got = b""
    async with asyncio.timeout(10):
        for _ in range(answers):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            got += head + (await reader.readexactly(int(length[1])) if length else b"")
        if ends:
            assert await reader.read() == b"", "the line was to be closed"
    writer.close()
    return got


def plainly(answer: bytes) -> tuple[bytes, set[bytes], bytes]:
    """Its first line, its headers but for the time, its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, {line.lower() for line in lines if not line.lower().startswith(b"date:")}, body


def said(n: int) -> bytes:
    event = {"type": "message", "channel": DEAL, "user": LI, "text": "hello", "ts": f"1795228320.{n:06d}"}
    return json.dumps({"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{n}", "event": event}).encode()


ASKED: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "taken": (200, posted),
    "wrong": (401, lambda raw: posted(raw)[:-1] + b" "),
    "not understood": (200, lambda raw: posted(b"[]")),
    "a challenge": (200, lambda raw: posted(b'{"type":"url_verification","challenge":"abc"}')),
    "another channel": (404, lambda raw: posted(raw, "/in/nobody")),
    "spelt otherwise": (200, lambda raw: posted(raw, "/in/sl%61ck")),
    "a question": (200, lambda raw: posted(raw, "/in/slack?a=b")),
    "a slash": (404, lambda raw: posted(raw, "/in/slack/")),
    "a page": (404, lambda raw: posted(raw, "/in/slack/page")),
    "not posted": (200, lambda raw: posted(b"", method="GET")),
    "an old line": (200, lambda raw: posted(raw, version="1.0")),
    "an old line that stays": (200, lambda raw: posted(raw, version="1.0", Connection="keep-alive")),
    "the last": (200, lambda raw: posted(raw, Connection="close")),
    "patience": (100, lambda raw: posted(raw, Expect="100-continue")),
    "too much": (413, lambda raw: posted(b"x" * ((1 << 20) + 1))),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_both_ways_answer_alike(tmp_path: Path, asked: str) -> None:
    status, sent = ASKED[asked]
    async with around(tmp_path) as world, without(world.live) as alone:
        ends = asked in ("an old line", "the last")
        urls = (world.live.url, alone)
        first, second = [plainly(await answered(url, sent(said(n)), ends=ends)) for n, url in enumerate(urls)]
        assert first == second
        assert int(first[0].split()[1]) == status


async def test_a_bug_is_500_with_nothing_of_its_insides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with around(tmp_path) as world, without(world.live) as alone:

        async def broken(_: object) -> None:
            raise RuntimeError("a secret of the inside")

        monkeypatch.setattr(world.live.s.channels["slack"], "receive", broken)
        first, second = [plainly(await answered(url, posted(said(1)))) for url in (world.live.url, alone)]
        assert first == second and first[0].split()[1] == b"500" and b"secret" not in first[2]


async def test_what_comes_in_one_piece_is_answered_in_order(tmp_path: Path) -> None:
    """Requests sent without waiting for answers, one of them wrong; then one in two halves, and one in chunks."""
    async with around(tmp_path) as world:
        wrong = posted(said(2))[:-1] + b" "
        got = await answered(world.live.url, posted(said(1)) + wrong + posted(said(3)), 3)
        assert STATUS.findall(got) == [b"200", b"401", b"200"]
        reader, writer = await asyncio.open_connection(*at(world.live.url))
        whole = posted(said(4))
        for piece in whole[: len(whole) // 2], whole[len(whole) // 2 :]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert (await world.post(said(5), "application/json"))[0] == 200, "in chunks"
        await world.live.settle()
        assert await world.live.rows("seen") == 4


async def test_who_reads_no_answer_is_waited_for(tmp_path: Path) -> None:
    """What is to be written to them stays within a bound, and all of it comes once they read."""
    async with around(tmp_path) as world:
        health = Health(world.live.s, world.live.house.worker)
        server = await listen(application(world.live.house, health), health, "127.0.0.1", 0)
        server.listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(at(server.address))
        reader, writer = await asyncio.open_connection(sock=slow, limit=1 << 12)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        many = 2_000
        writer.write(posted(b'{"type":"app_rate_limited","team_id":"%b"}' % TEAM.encode()) * many)
        await asyncio.sleep(1.0)
        (line,) = server.entrance.lines
        assert 0 < line._transport.get_write_buffer_size() < 1 << 17
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            for _ in range(many):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
        await server.stop()


async def test_what_is_taken_says_when(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        head = await answered(world.live.url, posted(said(1)))
        assert re.search(rb"\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", head)
        assert b"X-Content-Type-Options: nosniff\r\n" in head and head.endswith(b"\r\n\r\n")
