"""Whom we call: one guard for every client. A host that nobody declared, a redirect and an inner address behind an
outside name are not called at all."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_SCHEMES = frozenset({"http", "https", "ws", "wss"})
_GIVEN_OUT = IPv6Network("2000::/3")
"""All that is public of IPv6; Python calls more of it global."""
_WRAPS = tuple(map(IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
"""Where the last 32 bits are an IPv4 address: compatible, translated (RFC 2765), NAT64 (RFC 6052)."""


class Undeclared(aiohttp.ClientError):
    """Nothing was sent: the address is outside what the configuration declares."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """`own`: named by the operator, so they may be inside the house. `outside`: a vendor's, and public for certain.

    A name stands for itself and what is below it: `slack.com` for `wss-primary.slack.com`.
    """

    own: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()

    @staticmethod
    def of(own: Iterable[str] = (), outside: Iterable[str] = ()) -> Hosts:
        """From addresses, or bare names; what is neither is left out."""
        return Hosts(frozenset(filter(None, map(host_of, own))), frozenset(filter(None, map(host_of, outside))))

    def __or__(self, other: Hosts) -> Hosts:
        return Hosts(self.own | other.own, self.outside | other.outside)

    def take(self, host: str) -> bool:
        """Whether it may be called by that name or that literal address."""
        name = _plain(host)
        return not _never(name) and (_under(name, self.own) or (_under(name, self.outside) and not _address(name)))

    def at(self, host: str, address: str) -> bool:
        """Whether this address may stand behind that name."""
        if _never(address):
            return False
        return _under(_plain(host), self.own) or _public(address)


def host_of(text: str) -> str:
    """The host of an address, or the bare name itself, in lower case; "" when there is none."""
    try:
        return _plain(urlsplit(text if "//" in text else f"//{text}").hostname or "")
    except ValueError:
        return ""


def guarded(hosts: Hosts, **how: Any) -> aiohttp.ClientSession:
    """A session that calls these alone and follows no redirect. `how`: the session's own arguments."""

    async def only(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if request.url.scheme not in _SCHEMES or not hosts.take(request.url.host or ""):
            raise Undeclared("this host is not declared in the configuration")
        return await handler(request)

    watch = aiohttp.TraceConfig()
    watch.on_request_redirect.append(_no_redirect)
    connector = aiohttp.TCPConnector(resolver=_Resolver(hosts))
    return aiohttp.ClientSession(connector=connector, middlewares=(only,), trace_configs=[watch], **how)


async def _no_redirect(*_: object) -> NoReturn:
    raise Undeclared("it sends us to another address, and a redirect is not followed")


class _Resolver(AbstractResolver):
    """What a name stands for is judged when it is called, so that a name cannot be turned inwards afterwards."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        kept = [each for each in found if self._hosts.at(host, each["host"])]
        if found and not kept:
            raise OSError("this name stands for an inner address; declare the host if that is meant")
        return kept

    async def close(self) -> None:
        await self._inner.close()


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _under(name: str, declared: Collection[str]) -> bool:
    return name in declared or (not _address(name) and any(name.endswith(f".{each}") for each in declared))


def _address(text: str) -> Any:
    """The IP address, an IPv4 one as such however it is wrapped; None when it is a name."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return _unwrapped(found) if isinstance(found, IPv6Address) else found


def _unwrapped(found: IPv6Address) -> Any:
    if found.ipv4_mapped or found.sixtofour:
        return found.ipv4_mapped or found.sixtofour
    if int(found) > 1 and any(found in each for each in _WRAPS):
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def _never(text: str) -> bool:
    """Where clouds keep their machines' own secrets, and what is nobody's."""
    found = _address(text)
    return found is not None and bool(found.is_link_local or found.is_multicast or found.is_unspecified)


def _public(text: str) -> bool:
    found = _address(text)
    return found is not None and bool(found.is_global) and (found.version == 4 or found in _GIVEN_OUT)
