"""One guard before every call that leaves the house: whom it lets through, and that nobody goes around it."""

from __future__ import annotations

import ast
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from crm.hosts import Hosts, Undeclared, guarded, host_of
from crm.http import Client
from crm.keys import NoKeys
from gateway.errors import Refused

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("cards", "channels", "crm", "gateway", "identity", "mentions", "reconcile")
MAKERS = {
    "ClientSession",
    "AsyncClient",
    "TCPConnector",
    "HTTPXRequest",
    "urlopen",
    "SocketModeClient",
    "create_connection",
}
MODULES = {"httpx", "requests", "urllib.request", "http.client", "smtplib", "ftplib", "urllib3"}
KNOWN = {
    "crm/hosts.py": {"ClientSession", "TCPConnector"},  # the guard itself
    "channels/slack/listen.py": {"SocketModeClient"},  # its session is replaced by a guarded one
}


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("slack.com", True),
        ("SLACK.com.", True),
        ("wss-primary.slack.com", True),
        ("evilslack.com", False),
        ("slack.com.evil.example", False),
        ("odoo.intern", True),
        ("10.0.0.7", True),
        ("10.0.0.8", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("169.254.169.254", False),
        ("::ffff:169.254.169.254", False),
        ("", False),
    ],
)
def test_a_name_and_what_is_below_it_and_nothing_else(host: str, taken: bool) -> None:
    hosts = Hosts.of(own=["http://odoo.intern:8069", "http://10.0.0.7/x"], outside=["https://slack.com/api"])
    assert hosts.take(host) is taken


@pytest.mark.parametrize(
    ("host", "address", "stands"),
    [
        ("odoo.intern", "10.1.2.3", True),
        ("odoo.intern", "169.254.169.254", False),
        ("odoo.intern", "0.0.0.0", False),
        ("slack.com", "3.68.170.153", True),
        ("slack.com", "10.1.2.3", False),
        ("slack.com", "127.0.0.1", False),
        ("slack.com", "::ffff:127.0.0.1", False),
        ("slack.com", "fd00::1", False),
        ("slack.com", "fec0::1", False),
        ("slack.com", "64:ff9b:1::a00:1", False),
        ("slack.com", "64:ff9b::a01:203", False),
        ("slack.com", "64:ff9b::344:aa99", True),
        ("slack.com", "2002:a01:203::1", False),
        ("slack.com", "::10.1.2.3", False),
        ("slack.com", "::ffff:0:10.1.2.3", False),
        ("slack.com", "::1", False),
        ("slack.com", "2606:4700::6810:1", True),
        ("odoo.intern", "64:ff9b::169.254.169.254", False),
        ("odoo.intern", "::1", True),
        ("slack.com", "100.100.100.200", False),
    ],
)
def test_a_vendors_name_never_leads_inwards(host: str, address: str, stands: bool) -> None:
    assert Hosts.of(own=["odoo.intern"], outside=["slack.com"]).at(host, address) is stands


def test_what_is_no_address_declares_nothing() -> None:
    assert Hosts.of(own=["", "http://", "http://[::1", "/in/web"]) == Hosts()
    assert host_of("http://[FD00::1]:8069/a") == "fd00::1"


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async def there(request: web.Request) -> web.Response:
        return web.Response(text="here")

    async def lead(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query.get("to", "/there")})

    app = web.Application()
    app.add_routes([web.get("/there", there), web.get("/lead", lead)])
    running = TestServer(app)
    async with running:
        yield running


async def test_a_declared_host_is_called_and_another_is_not(server: TestServer) -> None:
    async with guarded(Hosts.of(own=[str(server.make_url("/"))])) as session:
        async with session.get(server.make_url("/there")) as answer:
            assert await answer.text() == "here"
        with pytest.raises(Undeclared):
            await session.get(f"http://localhost:{server.port}/there")
        with pytest.raises(Undeclared):
            await session.ws_connect(f"ws://localhost:{server.port}/there")


async def test_no_redirect_is_followed_not_even_to_the_same_host(server: TestServer) -> None:
    async with guarded(Hosts.of(own=[str(server.make_url("/"))])) as session:
        for to in ("/there", "http://169.254.169.254/latest/meta-data", f"http://localhost:{server.port}/there"):
            with pytest.raises(Undeclared):
                await session.get(server.make_url("/lead").with_query(to=to))


async def test_a_name_that_was_turned_inwards_is_not_called(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def turned(host: str, *args: object, **more: object) -> object:
        return real("127.0.0.1" if host in ("api.vendor.example", "crm.intern") else host, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", turned)
    async with guarded(Hosts.of(own=["crm.intern"], outside=["api.vendor.example"])) as session:
        async with session.get(f"http://crm.intern:{server.port}/there") as answer:
            assert answer.status == 200, "the operator named it, and it may be in the house"
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://api.vendor.example:{server.port}/there")


async def test_a_crms_client_stays_with_its_own_host(server: TestServer) -> None:
    client = Client("acme", str(server.make_url("")).rstrip("/"), NoKeys())
    try:
        with pytest.raises(Refused):
            await client.call("GET", "/lead")
        assert client._open()._middlewares, "its session is a guarded one"
    finally:
        await client.close()


def _made(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in MAKERS:
                yield name
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in MODULES)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.module


def test_nobody_goes_out_around_the_guard() -> None:
    """Whoever adds a way out uses `crm.hosts.guarded`, or is named above with a reason."""
    strays = {}
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            where = path.relative_to(ROOT).as_posix()
            if more := set(_made(path)) - KNOWN.get(where, set()):
                strays[where] = sorted(more)
    assert strays == {}, "make the session with crm.hosts.guarded"
