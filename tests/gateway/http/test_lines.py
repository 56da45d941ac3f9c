"""Our own lines in front of aiohttp: whatever bytes come, and in whichever pieces, the answers are aiohttp's."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.model import Inbound, Reply
from gateway.http import entrance as ways
from gateway.http.entrance import Entrance, Line
from gateway.http.spelt import spelt

pytestmark = pytest.mark.both_loops
LIMIT = 200
ANSWER = re.compile(rb"HTTP/\d\.\d (\d{3}) [^\r]*\r\n(.*?)\r\n\r\n", re.DOTALL)


class Wire(asyncio.Transport):
    """The other end in memory."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.came = b""
        self.closed = self.paused = False
        protocol.connection_made(self)

    def hear(self, data: bytes) -> None:
        if not self.closed:
            assert not self.paused, "nothing is read from a line that is paused"
            self.protocol.data_received(data)

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        assert not self.closed
        self.came += bytes(data)

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


async def rest(rounds: int = 30) -> None:
    """Until nobody has anything left to do."""
    for _ in range(rounds):
        await asyncio.sleep(0)


def told(method: str, url: str, headers: Any, body: bytes) -> bytes:
    said = {name: headers.get(name) for name in ("host", "x-a", "x-b", "content-type")}
    return json.dumps([method, url, said, body.decode("latin-1")]).encode()


async def take(inbound: Inbound) -> Reply:
    await asyncio.sleep(0)
    return Reply(headers={"x-told": "yes"}, body=told(inbound.method, inbound.url, inbound.headers, inbound.body))


def once(ready: asyncio.Event) -> Callable[[Inbound], Awaitable[Reply]]:
    """`take`, but no sooner."""

    async def waiting(inbound: Inbound) -> Reply:
        await ready.wait()
        return await take(inbound)

    return waiting


def alone() -> web.Server:
    """aiohttp's own, that answers as `take` does what is posted to `/in/x`, and 404 all else."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if not (request.method == "POST" and request.path_qs == "/in/x"):
            return web.Response(status=404, text="nothing")
        request._client_max_size = LIMIT
        return web.Response(
            headers={"x-told": "yes"}, body=told(request.method, "http://f/in/x", request.headers, await request.read())
        )

    return web.Server(answer, access_log=None)


def entrance(take: Callable[[Inbound], Awaitable[Reply]] = take) -> Entrance:
    return Entrance({"x": take}, "http://f", LIMIT, alone())


async def heard(protocol: Any, pieces: Sequence[bytes]) -> tuple[list[tuple[int, bytes]], bool]:
    """Each answer's status and body, and whether the line was closed."""
    wire = Wire(protocol)
    for piece in pieces:
        wire.hear(piece)
        await rest()
    got = read(wire.came)
    closed = wire.closed
    wire.close()
    await rest()
    return got, closed


def read(came: bytes) -> list[tuple[int, bytes]]:
    got = []
    while came:
        found = ANSWER.match(came)
        assert found is not None, came
        length = re.search(rb"(?i)content-length: (\d+)", found[2])
        end = found.end() + (int(length[1]) if length else 0)
        got.append((int(found[1]), came[found.end() : end]))
        came = came[end:]
    return got


_NOBODY = b"(no host)"


def request(
    body: bytes = b"hello", *more: bytes, start: bytes = b"POST /in/x HTTP/1.1", length: int | None = None
) -> bytes:
    host = [] if _NOBODY in more else [b"Host: f"]
    said = b"Content-Length: %d" % (len(body) if length is None else length)
    lines = [start, *host, said, *(each for each in more if each != _NOBODY)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


ODD = [
    b"Content-Length: 5",
    b"content-length: 3",
    b"Content-Length: +5",
    b"Content-Length: 5, 5",
    b"Content-Length: ",
    b"Content-Length: 99999999999999999999999",
    b"Content-Length : 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\tchunked",
    b"Content-Encoding: gzip",
    b"Content-Encoding: br",
    b"Expect: 100-continue",
    b"Expect: the unexpected",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Upgrade: h2c",
    b"X-A: 1\r\n folded",
    b"X-A: 1\n",
    b"X-A: 1\r",
    b"X-A: \x00",
    b"X-A: \xff\xfe",
    "X-A: 华星".encode(),
    b"X-A: 1\r\nX-a: 2",
    b"X-B:   padded  ",
    b"X B: 1",
    b"nocolon",
    b": noname",
    b"X-A:",
    b"X-A: " + b"a" * 9000,
    b"X-A: " + b"a" * 8100,
    b"\r\n".join(b"X-%d: 1" % n for n in range(140)),
    b"X-\xe9: 1",
    b"Host: g",
    _NOBODY,
    b"Proxy-Connection: close",
    b"Sec-WebSocket-Key1: a",
    b"\r\nX-A: 1",
]
STARTS = [
    b"POST /in/x HTTP/1.1",
    b"POST /in/x HTTP/1.0",
    b"POST /in/x HTTP/1.2",
    b"POST /in/x HTTP/2.0",
    b"POST /in/x",
    b"POST  /in/x HTTP/1.1",
    b"POST /in/x  HTTP/1.1",
    b"POST\t/in/x HTTP/1.1",
    b"post /in/x HTTP/1.1",
    b"POSTX /in/x HTTP/1.1",
    b"POST /in/x?a=b HTTP/1.1",
    b"POST /in/x# HTTP/1.1",
    b"POST /in/%78 HTTP/1.1",
    b"POST /in/x/ HTTP/1.1",
    b"POST /in/y HTTP/1.1",
    b"POST /in/\xc3\xa9 HTTP/1.1",
    b"POST http://f/in/x HTTP/1.1",
    b"GET /in/x HTTP/1.1",
    b"GET / HTTP/1.1",
    b"\r\nPOST /in/x HTTP/1.1",
    b"POST /in/x HTTP/1.1\nX-B: 1",
    b"",
]
BODIES = [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"x" * LIMIT, b"x" * 201]

requests = st.builds(
    request,
    st.sampled_from(BODIES) | st.binary(max_size=40),
    start=st.sampled_from(STARTS),
    length=st.none() | st.integers(0, 260),
) | st.builds(
    lambda body, more, start: request(body, *more, start=start),
    st.sampled_from(BODIES),
    st.lists(st.sampled_from(ODD), max_size=3),
    st.sampled_from(STARTS[:2]),
)


GOOD = [request(), request(b""), request(b"x" * LIMIT), request(start=b"GET / HTTP/1.1")]


async def same(pieces: Sequence[bytes]) -> list[tuple[int, bytes]]:
    (ours, end), (also, ends) = await heard(entrance()(), pieces), await heard(alone()(), pieces)
    if (known(ours), end) != (known(also), ends):
        # aiohttp answers nothing of what came in one piece with what is malformed, and hangs up
        left = iter(known(ours))
        assert all(each in left for each in known(also)) and len(also) < len(ours)
        assert end and ends and also[-1][0] == ours[-1][0] == 400
    return ours


def known(answers: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return [(status, body if status == 200 else b"") for status, body in answers]


@settings(max_examples=600)
@given(requests, st.lists(st.integers(1, 400), max_size=4))
def test_one_request_in_whichever_pieces(sent: bytes, cuts: list[int]) -> None:
    at = sorted({0, *(cut for cut in cuts if cut < len(sent)), len(sent)})
    asyncio.run(with_nothing_left(same([sent[a:b] for a, b in pairwise(at)])))


@settings(max_examples=300)
@given(st.lists(requests, min_size=2, max_size=4))
def test_one_request_after_the_other(sent: list[bytes]) -> None:
    asyncio.run(with_nothing_left(same(sent)))


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([request(), request(b""), request(b"x" * LIMIT), request(start=STARTS[18])]), max_size=6)
)
def test_several_good_ones_at_once(sent: list[bytes]) -> None:
    assert len(asyncio.run(with_nothing_left(same([b"".join(sent)] if sent else [])))) == len(sent)


async def with_nothing_left(asked: Awaitable[Any]) -> Any:
    wrong: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    found = await asked
    assert wrong == []
    return found


@pytest.mark.parametrize("start", STARTS)
async def test_each_first_line(start: bytes) -> None:
    await same([request(start=start)])


@pytest.mark.parametrize("odd", ODD)
async def test_each_odd_header_before_and_after_others(odd: bytes) -> None:
    await same([request(b"hello", odd)])
    await same([request(b"", odd)])
    await same([request(b"hello", odd).replace(b"Content-Length: 5\r\n", b"", 1) + request()])
    await same([request(), request(b"5\r\nhello\r\n0\r\n\r\n", odd), request(b"again")])


async def test_what_is_plain_is_taken_here_and_what_is_not_takes_its_line_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = entrance()
    wire = Wire(way())
    for n in range(3):
        wire.hear(request(b"%d" % n))
        await rest()
    (line,) = way.lines
    assert wire.protocol is line
    wire.hear(request(start=b"GET / HTTP/1.1"))
    await rest()
    assert not way.lines and wire.protocol is not line
    wire.hear(request(b"after it"))
    await rest()
    assert [status for status, _ in read(wire.came)] == [200, 200, 200, 404, 200]
    wire.close()
    await rest()


async def test_a_line_is_not_handed_over_before_its_answers_are_out() -> None:
    ready = asyncio.Event()
    way = entrance(once(ready))
    wire = Wire(way())
    wire.hear(request())
    await rest()
    wire.hear(request(start=b"GET / HTTP/1.1"))
    await rest()
    assert wire.paused and wire.came == b"" and len(way.lines) == 1
    ready.set()
    await rest()
    assert not wire.paused and [status for status, _ in read(wire.came)] == [200, 404] and not way.lines
    wire.close()
    await rest()


async def test_byte_by_byte() -> None:
    sent = request(b"x" * LIMIT) + request(b"y")
    assert len(await same([sent[n : n + 1] for n in range(len(sent))])) == 2


async def test_a_quiet_line_is_closed_and_one_that_is_answered_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "QUIET_S", 0.05)
    ready = asyncio.Event()
    way = entrance(once(ready))
    quiet, busy = Wire(way()), Wire(way())
    busy.hear(request())
    async with asyncio.timeout(10):
        while not quiet.closed:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.12)  # in which the busy one would be closed too, were it asked only how long it is quiet
    assert not busy.closed
    ready.set()
    await asyncio.sleep(0)
    await rest()
    assert [status for status, _ in read(busy.came)] == [200] and not busy.closed
    await asyncio.sleep(1.1)
    assert busy.closed and not way.lines


async def test_a_stop_waits_for_answers_and_for_nobody_else() -> None:
    ready = asyncio.Event()
    way = entrance(once(ready))
    idle, half, busy = (Wire(way()) for _ in range(3))
    half.hear(request()[:-2])
    busy.hear(request() + request())
    await rest()
    ending = asyncio.create_task(way.close())
    await rest()
    assert idle.closed and half.closed and not busy.closed and not ending.done()
    late = Wire(way())
    ready.set()
    await asyncio.wait_for(ending, 1)
    assert late.closed and busy.closed
    assert [status for status, _ in read(busy.came)] == [200], "the second was not begun with: it is sent again"


async def test_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "ENDING_S", 0.05)
    never = asyncio.Event()
    way = entrance(once(never))
    wire = Wire(way())
    wire.hear(request())
    await rest()
    await asyncio.wait_for(way.close(), 1)
    assert wire.closed
    never.set()
    await rest()
    assert wire.came == b""


async def test_a_stop_waits_for_what_was_begun_for_one_who_hung_up() -> None:
    ready = asyncio.Event()
    way = entrance(once(ready))
    wire = Wire(way())
    wire.hear(request())
    await rest()
    wire.close()
    await rest()
    ending = asyncio.create_task(way.close())
    await rest()
    assert not ending.done()
    ready.set()
    await asyncio.wait_for(ending, 1)
    assert not way.lines


@pytest.mark.parametrize("why", [asyncio.CancelledError, TypeError])
async def test_no_line_is_left_without_an_answer(why: type[BaseException]) -> None:
    async def broken(inbound: Inbound) -> Reply:
        raise why

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    way = entrance(broken)
    wire = Wire(way())
    wire.hear(request() + request())
    await rest()
    assert wire.closed and not way.lines


async def test_whoever_sends_and_sends_is_heard_no_faster_than_answered() -> None:
    """Over a real socket, where each reading brings as much as it can."""
    way, loop = entrance(), asyncio.get_running_loop()
    server = await loop.create_server(way, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    sent = request(b"") * 40_000

    async def send() -> None:
        writer.write(sent)
        await writer.drain()

    sending = asyncio.create_task(send())
    most = 0
    for _ in range(40_000):
        await reader.readuntil(b'""]')
        for line in way.lines:
            most = max(most, len(line._raw))
    await sending
    assert 0 < most < 3 * 256 * 1024 < len(sent)
    writer.close()
    await writer.wait_closed()
    server.close()


async def test_who_hung_up_is_answered_nothing() -> None:
    ready = asyncio.Event()
    done: list[Inbound] = []

    async def slow(inbound: Inbound) -> Reply:
        await ready.wait()
        done.append(inbound)
        return Reply()

    way = entrance(slow)
    wire = Wire(way())
    wire.hear(request() + request())
    await rest()
    wire.close()
    await rest()
    ready.set()
    await rest()
    assert len(done) == 1 and wire.came == b"" and not way.lines


async def test_who_reads_no_answers_is_not_heard() -> None:
    way = entrance()
    line: Line = way()
    wire = Wire(line)
    line.pause_writing()
    wire.hear(request())
    await rest()
    assert wire.paused and wire.came == b""
    line.resume_writing()
    await rest()
    assert not wire.paused and len(read(wire.came)) == 1
    wire.close()
    await rest()


async def test_a_reply_that_would_split_the_answer_is_a_bug_and_nobody_is_split() -> None:
    async def split(inbound: Inbound) -> Reply:
        return Reply(headers={"x-a": "1\r\nset-cookie: a=b"})

    wire = Wire(entrance(split)())
    wire.hear(request())
    await rest()
    assert [status for status, _ in read(wire.came)] == [500] and b"set-cookie" not in wire.came
    wire.close()
    await rest()


def test_an_answer_names_a_thing_once_and_a_bare_one_has_no_body() -> None:
    answer = spelt(Reply(headers={"content-length": "9", "server": "x", "x-frame-options": "SAMEORIGIN"}, body=b"a"))
    head = answer.lower().partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    names = [line.partition(b":")[0] for line in head]
    assert len(names) == len(set(names)) and b"content-length: 1" in head and b"x-frame-options: sameorigin" in head
    bare = spelt(Reply(status=204, body=b"a"))
    assert bare.startswith(b"HTTP/1.1 204 No Content\r\n") and bare.endswith(b"\r\n\r\n")
    assert b"content-length" not in bare.lower()
    assert spelt(Reply(status=799)).startswith(b"HTTP/1.1 500 ")
