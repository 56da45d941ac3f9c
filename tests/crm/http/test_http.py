"""Whatever stands at the other end, a call ends in an answer or in one of the named outcomes."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from crm.http import MOST, WORDS, Answer, Client, Manners, address, inert, retry_after, rows
from crm.keys import Bearer, NoKeys, Renewed
from gateway.errors import Refused, Retry, Unsure

TOKEN = "pat-secret-0123456789"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(answer: bytes) -> AsyncIterator[str]:
    """A server that answers these bytes, whatever is asked, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def client(
    base: str, keys: Bearer | Renewed | None = None, manners: Manners | None = None
) -> AsyncIterator[Client]:
    made = Client("acme", base, keys or Bearer(TOKEN), manners or Manners(timeout=60))
    try:
        yield made
    finally:
        await made.close()


async def asked(handler: Handler, method: str = "GET", path: str = "/x", manners: Manners | None = None) -> Answer:
    async with served(handler) as base, client(base, manners=manners) as it:
        return await it.call(method, path, body={"name": "x"} if method != "GET" else None)


def always(status: int, body: object = None, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=headers, content_type="application/json")

    return handler


async def test_an_answer_is_given_with_its_headers() -> None:
    answer = await asked(always(200, {"id": "7"}, ETag='W/"3"'))
    assert (answer.status, answer.table, answer.headers["etag"]) == (200, {"id": "7"}, 'W/"3"')


async def test_what_is_sent() -> None:
    seen: list[tuple[str, str, str, object]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.path_qs, request.headers["Authorization"], await request.json()))
        return web.json_response({})

    async with served(handler) as base, client(f"{base}/tenant/") as it:
        await it.call("POST", "/a", params=[("q", "名 a+b&c=1/2"), ("q", "%2F")], body={"名": "\ud800"})
    assert seen[0][:3] == ("POST", "/tenant/a?q=%E5%90%8D%20a%2Bb%26c%3D1/2&q=%252F", f"Bearer {TOKEN}")
    assert seen[0][3] == {"名": "\ud800"}


async def test_no_answer_is_an_answer() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=204)

    assert (await asked(handler)).body is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    followed = []

    async def handler(request: web.Request) -> web.Response:
        followed.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    with pytest.raises(Refused, match="sends us to another address"):
        await asked(handler)
    assert followed == ["/x"]


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("/api/next?$skiptoken=%3Ccookie%2F%3E", "/next?$skiptoken=%3Ccookie%2F%3E"),
        ("https://crm.example/api/next", "/next"),
        ("next?a=1", "/next?a=1"),
    ],
)
async def test_a_link_within_is_a_path(link: str, path: str) -> None:
    async with client("https://crm.example/api") as it:
        assert it.within(link) == path


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/next",
        "http://crm.example/api/next",
        "https://crm.example:8443/api/next",
        "//evil.example/api/x",
        "https://crm.example@evil.example/api/x",
        "/other",
        "file:///etc/passwd",
    ],
)
async def test_a_link_outside_is_refused(link: str) -> None:
    async with client("https://crm.example/api") as it:
        with pytest.raises(Refused, match="outside its own"):
            it.within(link)


@pytest.mark.parametrize(
    ("status", "after", "expected", "limit"),
    [
        (429, "7", 7.0, "network"),
        (429, "0.25", 0.5, "network"),
        (429, "", 5.0, "network"),
        (429, "soon", 5.0, "network"),
        (429, "99999", 3600.0, "network"),
        (503, "12", 12.0, "network"),
        (503, "", 5.0, ""),
        (500, "", 5.0, ""),
        (502, "", 5.0, ""),
        (504, "", 5.0, ""),
        (408, "", 5.0, ""),
    ],
)
async def test_tired(status: int, after: str, expected: float, limit: str) -> None:
    with pytest.raises(Retry) as caught:
        await asked(always(status, "<html>down</html>", **({"Retry-After": after} if after else {})))
    assert (caught.value.after, caught.value.limit) == (expected, limit)
    assert not isinstance(caught.value, Unsure)


@pytest.mark.parametrize(("status", "unsure"), [(500, True), (502, True), (504, True), (503, False), (429, False)])
async def test_a_write_that_broke_is_in_doubt(status: int, unsure: bool) -> None:
    with pytest.raises(Retry) as caught:
        await asked(always(status, "down"), "POST")
    assert isinstance(caught.value, Unsure) is unsure


async def test_after_a_429_nothing_is_sent_until_its_time() -> None:
    calls = []

    async def handler(_: web.Request) -> web.Response:
        calls.append(1)
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with served(handler) as base, client(base) as it:
        for _ in range(3):
            with pytest.raises(Retry) as caught:
                await it.call("GET", "/x")
            assert 50 < caught.value.after <= 60
    assert len(calls) == 1


async def test_a_limit_nearly_used_up_slows_us_down() -> None:
    manners = Manners(pace=lambda headers: 60.0 if headers.get("X-Left") == "0" else 0.0)
    async with served(always(200, {}, **{"X-Left": "0"})) as base, client(base, manners=manners) as it:
        await it.call("GET", "/x")
        with pytest.raises(Retry, match="limit of calls is used up"):
            await it.call("GET", "/x")


async def test_a_token_is_renewed_once() -> None:
    given = iter(["old", "new", "newer"])
    asked_for = []

    async def fetch() -> tuple[str, float]:
        asked_for.append(1)
        await asyncio.sleep(0)
        return next(given), 3600.0

    async def handler(request: web.Request) -> web.Response:
        good = request.headers["Authorization"] == "Bearer new"
        return web.json_response({}, status=200 if good else 401)

    async with served(handler) as base, client(base, Renewed(fetch)) as it:
        await asyncio.gather(*(it.call("GET", "/x") for _ in range(5)))
    assert len(asked_for) == 2, "the first, and one for all five that were told 401"


@pytest.mark.parametrize("keys", [Bearer(TOKEN), NoKeys()])
async def test_who_is_locked_out_is_told_to_reconnect(keys: Bearer) -> None:
    async with served(always(401, {"message": f"bad {TOKEN}"})) as base, client(base, keys) as it:
        with pytest.raises(Refused, match="reconnect") as caught:
            await it.call("GET", "/x")
    assert TOKEN not in str(caught.value.facts)


async def test_a_renewed_token_that_is_refused_too_is_told() -> None:
    asked_for = []

    async def fetch() -> tuple[str, float]:
        asked_for.append(1)
        return f"token-{len(asked_for)}", 3600.0

    async with served(always(401)) as base, client(base, Renewed(fetch)) as it:
        with pytest.raises(Refused, match="reconnect"):
            await it.call("GET", "/x")
    assert len(asked_for) == 2


async def test_a_token_is_renewed_before_it_ends() -> None:
    asked_for = []

    async def fetch() -> tuple[str, float]:
        asked_for.append(1)
        return "t", 0.0

    keys = Renewed(fetch)
    await keys.headers()
    await keys.headers()
    assert len(asked_for) == 2


def words(body: object) -> str:
    return str(body.get("message", "")) if isinstance(body, dict) else ""


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422])
async def test_a_refusal_is_in_the_crms_own_words(status: int) -> None:
    with pytest.raises(Refused) as caught:
        await asked(always(status, {"message": "Phone is <b>too</b> long"}), manners=Manners(words=words))
    assert caught.value.facts == {"crm": "acme", "words": "Phone is too long"}
    assert ("does not permit" in caught.value.say) is (status == 403)


async def test_a_refusal_that_is_a_web_page_is_its_status() -> None:
    with pytest.raises(Refused) as caught:
        await asked(always(400, "<html>Bad</html>"), manners=Manners(words=words))
    assert caught.value.facts["words"] == "400"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("<script>alert(1)</script>plain", "alert(1) plain"),
        ("&lt;img src=x onerror=y&gt;a &amp; b", "a & b"),
        ("a\u202eb\u0000c\ud800\nd\u200b", "a b c d"),
        (f"token {TOKEN} is bad", "token … is bad"),
        ("x" * 10_000, "x" * (WORDS - 1) + "…"),
        ("😀" * 10_000, "😀" * (WORDS - 1) + "…"),
        ("{crm} %s", "{crm} %s"),
        ("", ""),
    ],
)
def test_words_are_made_inert(said: str, told: str) -> None:
    assert inert(said, (TOKEN, "abc")) == told


@pytest.mark.parametrize(
    "body", ["<html>Sign in</html>", '{"results": [{"id": "1"', "nonsense", '{"a": NaN}', "[" * 9999]
)
async def test_what_is_not_json_is_tried_again(body: str) -> None:
    with pytest.raises(Retry, match="JSON was expected") as caught:
        await asked(always(200, body))
    assert not isinstance(caught.value, Unsure)
    assert body[:12] not in str(caught.value)
    with pytest.raises(Unsure):
        await asked(always(200, body), "PATCH")


async def test_a_cut_answer_is_tried_again() -> None:
    cut = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"id": "1"'
    async with raw(cut) as base, client(base) as it:
        with pytest.raises(Retry, match="broke off"):
            await it.call("GET", "/x")
        with pytest.raises(Unsure):
            await it.call("POST", "/x", body={})
        with pytest.raises(Retry) as caught:
            await it.call("POST", "/search", body={}, reads=True)
    assert not isinstance(caught.value, Unsure)


@pytest.mark.parametrize("nonsense", [b"SSH-2.0-OpenSSH_9\r\n", b"", b"HTTP/1.1 999999 X\r\n\r\n"])
async def test_what_is_not_http_is_tried_again(nonsense: bytes) -> None:
    async with raw(nonsense) as base, client(base) as it:
        with pytest.raises(Retry):
            await it.call("GET", "/x")


async def test_nobody_there_is_no_doubt() -> None:
    async with client("http://127.0.0.1:1") as it:
        with pytest.raises(Retry, match="cannot be reached") as caught:
            await it.call("POST", "/x", body={})
    assert not isinstance(caught.value, Unsure)


async def test_too_slow_is_tried_again() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    with pytest.raises(Retry, match="TimeoutError"):
        await asked(handler, manners=Manners(timeout=0.05))


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_is_bounded(packed: bool) -> None:
    """Also one that is small as long as it is packed."""

    async def handler(_: web.Request) -> web.Response:
        body = b'"' + b"x" * 200_000 + b'"'
        headers = {"Content-Encoding": "gzip"} if packed else {}
        return web.Response(body=gzip.compress(body) if packed else body, headers=headers)

    with pytest.raises(Retry, match="answered more than 100000 bytes"):
        await asked(handler, manners=Manners(most=100_000))
    assert MOST > 1_000_000


async def test_what_no_database_takes_is_replaced() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b'{"a\\u0000": ["\\ud800x"]}')

    assert (await asked(handler)).body == {"a\ufffd": ["\ufffdx"]}


async def test_statuses_one_asks_for_are_given() -> None:
    async with served(always(412, {"a": 1})) as base, client(base) as it:
        assert (await it.call("GET", "/x", take=(412,))).status == 412


@pytest.mark.parametrize("body", [None, "text", [1], {"a": 1}, 7, True])
def test_the_wrong_shape_is_named(body: object) -> None:
    answer = Answer(200, {}, body)  # type: ignore[arg-type]
    if isinstance(body, dict):
        assert answer.table == body
    else:
        with pytest.raises(Retry, match="where an object was expected"):
            _ = answer.table
    with pytest.raises(Retry, match="list of objects"):
        rows(body)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://crm.example",
        "https://user:pw@crm.example",
        "https://crm.example?x=1",
        "https://crm.example/#x",
        "crm.example",
        "",
        "https://",
        "https://crm.example:99999",
        "https://crm .example",
        "https://crm.example\\@evil.example",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"http|[Pp]ort"):
        address(url)


def test_the_forms_of_retry_after() -> None:
    assert retry_after("3") == 3.0
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0.5
    assert 3000 < (retry_after("Fri, 01 Jan 2100 00:00:00 GMT") or 0) <= 3600
    assert retry_after(None) is retry_after("-1") is retry_after("∞") is None


async def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (200, 401, 400, 500):
        try:
            await asked(always(status, {"message": TOKEN}), manners=Manners(words=words))
        except (Refused, Retry) as fault:
            assert TOKEN not in f"{fault!r}{fault}{getattr(fault, 'facts', '')}{fault.__cause__!r}"
    assert TOKEN not in caplog.text


async def test_their_clock_is_known_from_their_date() -> None:
    async with served(always(200, {}, Date="Fri, 01 Jan 2100 00:00:00 GMT")) as base, client(base) as it:
        assert it.clock_offset is None
        await it.call("GET", "/x")
        assert it.clock_offset is not None and it.clock_offset > 10**9
