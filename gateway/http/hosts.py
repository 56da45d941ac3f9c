"""Under which name the pages are asked for: another site's name that was pointed at this machine is refused."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web

from gateway.config import Config

PAGES = ("/console", "/demo", "/form/")
"""What a browser opens. Networks and the API sign or bear a token: their host may be any."""
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_PORTS = {"http": 80, "https": 443}


def own_name(config: Config) -> Callable[[web.Request], web.Response | None]:
    """Answers 421 for a page under a name that is neither `public_url`'s nor this machine's own; else None."""
    known = _host(config.public_url)

    def checked(request: web.Request) -> web.Response | None:
        if not request.path.startswith(PAGES) or _fits(request, known):
            return None
        where = config.public_url or f"http://127.0.0.1:{_port(request)}"
        text = f"This page is not served under that name. Open {where}, or set public_url to the address you use.\n"
        return web.Response(status=421, text=text, headers={"Cache-Control": "no-store"})

    return checked


def _fits(request: web.Request, known: tuple[str, int] | None) -> bool:
    host = _host(f"{_scheme(request, known)}://{request.host}")
    if host is None:
        return False
    # Nobody else's name resolves to a page that asks for the loopback address itself.
    return host == known or (host[0] in LOOPBACK and host[1] == _port(request))


def _scheme(request: web.Request, known: tuple[str, int] | None) -> str:
    """A proxy speaks plainly to us: a host without a port then means the public address' own."""
    return "https" if known is not None and known[1] == _PORTS["https"] else request.scheme


def _port(request: web.Request) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(name[1]) if isinstance(name, tuple) else 0


def _host(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.hostname.lower().rstrip("."), port) if parts.hostname else None
