"""Devices that prove who they are with a certificate, which a proxy that ends TLS has verified and passes on.

The header is believed from the declared addresses alone. The proxy has to take away what a client sends by that name.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from hmac import digest
from ipaddress import ip_address, ip_network
from typing import Any

from aiohttp import web

from gateway.config.model import seconds
from gateway.errors import Refused
from gateway.http.api_problem import PRIVATE, Problem, again, forbidden
from gateway.http.auth import Buckets, Rate
from gateway.metrics import AUTH
from gateway.services import Services
from gateway.store.devices import Device, DeviceStore
from gateway.store.tokens import Token
from identity.certificates import SUBJECT, Certificate, from_header, of_der, of_pem
from identity.codes import code_hash
from identity.model import Person

TRIES = Rate(burst=20.0, a_second=0.2)


class Devices:
    """Who a device is, for the API's gate; and the device's own door."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._s = services
        self._spec = services.config.devices
        self._near = tuple(ip_network(each, strict=False) for each in self._spec.proxies)
        self._tries = Buckets(TRIES, clock)
        self.store = DeviceStore(services.store, services.people, services.clock)

    def shown(self, request: web.Request) -> Certificate | None:
        """The certificate that came with the request; None without one. Raises `Problem` 401 for one that is not to be
        believed."""
        direct = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        if isinstance(direct, ssl.SSLObject) and (raw := direct.getpeercert(binary_form=True)):
            return self._good(lambda: of_der(raw))
        told = request.headers.getall(self._spec.header, [])
        if not told:
            return None
        if not self._from_proxy(request):
            raise _no("untrusted_proxy", "This header is taken from the declared proxies alone (`devices.proxies`).")
        if len(told) > 1:
            raise _no("bad_certificate", "The header of the certificate is there twice.")
        return self._good(lambda: from_header(told[0], self._spec.format))

    def _from_proxy(self, request: web.Request) -> bool:
        try:
            there = ip_address(request.remote or "")
        except ValueError:
            return False
        there = getattr(there, "ipv4_mapped", None) or there
        return any(there in network for network in self._near)

    def _good(self, read: Callable[[], Certificate]) -> Certificate:
        try:
            found = read()
        except ValueError as wrong:
            raise _no("bad_certificate", f"The certificate cannot be read: {wrong}.") from None
        if not found.valid(self._s.clock.now()):
            raise _no("expired_certificate", "The certificate is not valid at this time.")
        return found

    async def __call__(self, request: web.Request) -> tuple[Token, Person] | None:
        """For the API's gate: None for whoever shows no certificate."""
        shown = self.shown(request)
        return await self.who(shown) if shown is not None else None

    async def who(self, shown: Certificate) -> tuple[Token, Person]:
        """What the device may do, and whose it is. Raises `Problem` 401 and 403."""
        for key in (shown.key, f"{SUBJECT}{shown.subject}"[:512] if self._spec.subject and shown.subject else ""):
            if not key or ((found := await self.store.having(key)) is None and await self.store.known(key)):
                break  # revoked, or followed by another key: no other way in for the same certificate
            person = self._s.people.linked("device", key)
            if found is None and person is None:
                continue
            if person is None:
                raise forbidden("person_gone", "The person this device belongs to is deactivated, or the link is over.")
            return _token(found[0] if found is not None else None, key), person
        raise _no("unknown_device", "This device is not enrolled here, or was revoked.")

    # -- the device's own door

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/devices/enrol", _worded(self.enrol)),
            web.post("/devices/rotate", _worded(self.rotate)),
            web.get("/devices/me", _worded(self.me)),
        ]

    async def enrol(self, request: web.Request) -> web.Response:
        """With a one-time code of an admin's: this key is that device's from now on."""
        shown, body = self._surely(request), await _sent(request)
        if (wait := self._tries.wait(shown.key)) > 0:
            raise again(wait, "too_many", "Too many tries; come back in a moment.", 429)
        code = code_hash(_text(body, "code"), device_codes(self._s))
        made = await self.store.enrol(code or "-", shown.key, evidence="one-time code")
        return _json(_view(made), 201)

    async def rotate(self, request: web.Request) -> web.Response:
        """A device that is known names its next certificate; the old key is good for a while more."""
        shown = self._surely(request)
        await self.who(shown)
        known = await self.store.having(shown.key)
        if known is None:
            raise forbidden("no_key", "This device is known by its subject: its next certificate needs no enrolment.")
        body = await _sent(request)
        try:
            following = of_pem(_text(body, "certificate"))
        except ValueError as wrong:
            raise Problem(
                422, "bad_certificate", f"The certificate cannot be read: {wrong}.", at="certificate"
            ) from None
        overlap = seconds(self._spec.overlap) * 1000
        evidence = "named by the device with its key before"
        made = await self.store.rotate(known[0].id, shown.key, following.key, overlap=overlap, evidence=evidence)
        return _json(_view(made))

    async def me(self, request: web.Request) -> web.Response:
        token, person = await self.who(self._surely(request))
        return _json({"name": token.name, "scopes": sorted(token.scopes), "person": person.id})

    def _surely(self, request: web.Request) -> Certificate:
        found = self.shown(request)
        if found is None:
            raise _no("no_certificate", "Connect with the device's certificate.")
        return found


def device_codes(services: Services) -> bytes:
    """The key of codes for devices: no code of a person's fits."""
    return digest(services.keys.codes, b"devices", "sha256")


def _token(device: Device | None, key: str) -> Token:
    """A key that an admin linked by hand may read."""
    if device is None:
        return Token(f"device:{key[:16]}", frozenset({"read"}))
    return Token(f"device:{device.id}", device.scopes, system="device", surface=device.name)


def _view(device: Device) -> dict[str, Any]:
    keys = [{"key": each.key, "ends_at": each.ends_at} for each in device.keys if each.ended_at is None]
    return {"id": device.id, "name": device.name, "scopes": sorted(device.scopes), "keys": keys}


def _worded(serve: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
    async def worded(request: web.Request) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await serve(request)
        except Problem as problem:
            return problem.response()
        except Refused as refused:
            return Problem(409, "refused", refused.say).response()
        return answer

    return worded


async def _sent(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "broken_json", "Send one JSON object.")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) > 40_000:
        raise Problem(422, "bad_request", f"{name}: send a text.", at=name)
    return value


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=PRIVATE)


def _no(error: str, say: str) -> Problem:
    AUTH.labels("device").inc()
    return Problem(401, error, say, headers={"WWW-Authenticate": 'Bearer realm="floatcard"'})
