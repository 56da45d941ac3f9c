"""Devices with certificates behind a proxy: enrolment, rotation, revocation, and headers nobody is to believe."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.config.model import DevicesSpec
from gateway.http.api import Api
from gateway.store.auditing import AuditStore
from identity.certificates import from_header, of_der, of_pem
from tests.gateway.http.world import HERO, Client, Told, World

NEAR = ("127.0.0.1", "::1")


def certificate(name: str = "till-3", key: ec.EllipticCurvePrivateKey | None = None, days: int = 30) -> bytes:
    """DER."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    began = datetime.now(UTC) - timedelta(days=60)
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(began)
    signed = built.not_valid_after(datetime.now(UTC) + timedelta(days=days)).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.DER)


def pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


def passed(der: bytes) -> dict[str, str]:
    return {"Client-Cert": f":{base64.b64encode(der).decode()}:"}


class Shop:
    """The API as a proxy in front of it would call it."""

    def __init__(self, world: World, url: str) -> None:
        self.world = world
        self.url = url

    async def call(self, der: bytes | None, method: str, path: str, body: Any = None, **headers: str) -> Told:
        url = f"{self.url}{path}" if path.startswith("/") else f"{self.url}/api/v1/{path}"
        sent = {**(passed(der) if der else {}), **headers}
        async with self.world.session.request(method, url, headers=sent, json=body) as answer:
            told = await answer.json() if "json" in answer.content_type else await answer.text()
            return Told(answer.status, told, dict(answer.headers))

    async def admin(self) -> Client:
        return Client(self.world.session, self.url, (await self.world.client("identities")).secret)

    async def enrolled(self, der: bytes, *scopes: str) -> str:
        admin = await self.admin()
        body = {"person": "p_liting", "name": "Till 3", "scopes": list(scopes or ("read",))}
        told = await admin.post("devices", body)
        assert told.status == 201, told.body
        done = await self.call(der, "POST", "/devices/enrol", {"code": told.body["code"].lower()})
        assert done.status == 201, done.body
        return str(told.body["device"]["id"])


@contextlib.asynccontextmanager
async def shop(world: World, **spec: Any) -> AsyncIterator[Shop]:
    services = world.house.services
    config = services.config.model_copy(update={"devices": DevicesSpec(**{"proxies": NEAR, **spec})})
    app = web.Application()
    app.add_routes(Api(replace(services, config=config), world.house.spine, world.tokens).routes())
    async with TestServer(app) as server:
        yield Shop(world, str(server.make_url("")).rstrip("/"))


async def test_a_device_reads_as_its_person_in_the_scene_of_devices(world: World) -> None:
    der = certificate()
    async with shop(world) as at:
        id_ = await at.enrolled(der)
        me = await at.call(der, "GET", "/devices/me")
        assert me.body == {"name": f"device:{id_}", "scopes": ["read"], "person": "p_liting"}
        assert (await at.call(der, "GET", f"customers/{HERO}")).status == 200
        told = await at.call(der, "GET", "identities")
        assert told.status == 403 and told.body["error"] == "missing_scope"
        link = world.house.services.people.linked("device", of_der(der).key)
        assert link is not None and link.id == "p_liting"
        await world.house.services.people.deactivate("p_liting", by="p_zhaolei")
        told = await at.call(der, "GET", f"customers/{HERO}")
        assert (told.status, told.body["error"]) == (403, "person_gone")


async def test_what_a_device_may_edit_the_policies_say_of_its_scene(world: World) -> None:
    """By default nothing: the same edit by the same person at the console is permitted."""
    der = certificate()
    async with shop(world) as at:
        await at.enrolled(der, "read", "edit")
        body = {"record": HERO, "field": "phone", "value": "+86 512 1", "once": "1"}
        told = await at.call(der, "POST", "edits", body)
        assert (told.status, told.body["error"]) == (403, "not_permitted")
        person = await world.client("edit", person="p_liting")
        assert (await person.post("edits", body)).status == 200


async def test_a_code_is_good_once_and_for_an_hour(world: World) -> None:
    async with shop(world) as at:
        admin = await at.admin()
        one, two = [
            (await admin.post("devices", {"person": "p_liting", "name": name})).body["code"] for name in ("a", "b")
        ]
        assert (await at.call(certificate(), "POST", "/devices/enrol", {"code": one})).status == 201
        assert (await at.call(certificate(), "POST", "/devices/enrol", {"code": one})).status == 409
        world.clock.advance(3_600)
        assert (await at.call(certificate(), "POST", "/devices/enrol", {"code": two})).status == 409
        assert (await at.call(None, "POST", "/devices/enrol", {"code": two})).status == 401
        wrongs: tuple[Any, ...] = ({}, {"code": 7}, [])
        for wrong in wrongs:
            assert (await at.call(certificate(), "POST", "/devices/enrol", wrong)).status in (400, 422)


async def test_a_new_key_beside_the_old_one_and_then_instead_of_it(world: World) -> None:
    old, new = certificate(), certificate()
    async with shop(world, overlap="1d") as at:
        await at.enrolled(old)
        told = await at.call(old, "POST", "/devices/rotate", {"certificate": pem(new)})
        assert told.status == 200 and len(told.body["keys"]) == 2
        for der in (old, new):
            assert (await at.call(der, "GET", "/devices/me")).status == 200, "both are good for a day"
        world.clock.advance(86_400)
        told = await at.call(old, "GET", "/devices/me")
        assert (told.status, told.body["error"]) == (401, "unknown_device")
        assert (await at.call(new, "GET", "/devices/me")).status == 200
        again = await at.call(new, "POST", "/devices/rotate", {"certificate": pem(old)})
        assert again.status == 409, "a key that was one does not come back"
        assert (await at.call(new, "POST", "/devices/rotate", {"certificate": "x"})).status == 422
        assert (await at.call(certificate(), "POST", "/devices/rotate", {"certificate": pem(new)})).status == 401


async def test_the_same_key_in_a_newer_certificate_is_the_same_device(world: World) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    async with shop(world) as at:
        await at.enrolled(certificate(key=key))
        assert (await at.call(certificate("till-3b", key=key, days=90), "GET", "/devices/me")).status == 200


async def test_a_revoked_device_opens_nothing(world: World) -> None:
    der, new = certificate(), certificate()
    async with shop(world) as at:
        id_ = await at.enrolled(der)
        await at.call(der, "POST", "/devices/rotate", {"certificate": pem(new)})
        admin = await at.admin()
        assert (await admin.delete(f"devices/{id_}")).status == 204
        for one in (der, new):
            assert (await at.call(one, "GET", f"customers/{HERO}")).status == 401
        assert (await admin.delete(f"devices/{id_}")).status == 404
        (shown,) = (await admin.get("devices", person="p_liting")).body["devices"]
        assert shown["ended_at"] and all(each["ended_at"] for each in shown["keys"])
        audit = AuditStore(world.house.services.store, world.clock)
        said = [each.what for each in await audit.latest(20)]
        assert {"device_added", "device_key", "device_revoked", "unlinked"} <= set(said)
        assert await audit.verify() is None


async def test_a_header_from_anywhere_else_is_refused(world: World) -> None:
    der = certificate()
    async with shop(world) as at:
        await at.enrolled(der)
        twice = [("Client-Cert", passed(der)["Client-Cert"])] * 2
        async with world.session.get(f"{at.url}/devices/me", headers=twice) as answer:
            assert answer.status == 401
        for text in ("", ":x:", base64.b64encode(der).decode(), f":{'A' * 70_000}:"):
            async with world.session.get(f"{at.url}/devices/me", headers={"Client-Cert": text[:8000]}) as answer:
                assert answer.status == 401
    async with shop(world, proxies=("10.0.0.0/8",)) as away:
        told = await away.call(der, "GET", f"customers/{HERO}")
        assert (told.status, told.body["error"]) == (401, "untrusted_proxy")
    async with shop(world, proxies=()) as nowhere:
        assert (await nowhere.call(der, "GET", f"customers/{HERO}")).status == 401


async def test_a_certificate_outside_its_time_is_refused(world: World) -> None:
    der = certificate(days=1)
    async with shop(world) as at:
        await at.enrolled(der)
        world.clock.advance(2 * 86_400)
        told = await at.call(der, "GET", "/devices/me")
        assert (told.status, told.body["error"]) == (401, "expired_certificate")


async def test_a_subject_counts_where_the_proxy_answers_for_it(world: World) -> None:
    der, newer = certificate("kiosk"), certificate("kiosk")
    subject = of_der(der).subject
    async with shop(world, subject=True) as at:
        admin = await at.admin()
        id_ = (await admin.post("devices", {"person": "p_liting", "name": "Kiosk"})).body["device"]["id"]
        assert (await admin.post(f"devices/{id_}/keys", {"subject": subject})).status == 201
        for one in (der, newer):
            assert (await at.call(one, "GET", "/devices/me")).status == 200
        assert (await at.call(certificate("other"), "GET", "/devices/me")).status == 401
        lost = certificate("kiosk")
        assert (await admin.delete(f"devices/{await at.enrolled(lost)}")).status == 204
        assert (await at.call(lost, "GET", "/devices/me")).status == 401, "a revoked key has no other way in"
        assert (await at.call(der, "POST", "/devices/rotate", {"certificate": pem(newer)})).status == 403
    async with shop(world) as plain:
        assert (await plain.call(der, "GET", "/devices/me")).status == 401
        told = await (await plain.admin()).post(f"devices/{id_}/keys", {"subject": subject})
        assert told.body["error"] == "no_subjects"


async def test_an_admin_binds_a_key_without_a_code(world: World) -> None:
    der = certificate()
    async with shop(world) as at:
        admin = await at.admin()
        id_ = (await admin.post("devices", {"person": "p_liting", "name": "Kiosk"})).body["device"]["id"]
        assert (await admin.post(f"devices/{id_}/keys", {})).status == 409
        assert (await admin.post(f"devices/{id_}/keys", {"certificate": pem(der)})).status == 201
        assert (await admin.post(f"devices/{id_}/keys", {"fingerprint": of_der(der).key})).status == 409
        assert (await at.call(der, "GET", "/devices/me")).status == 200
        assert (await admin.post("devices", {"person": "p_nobody", "name": "x"})).status == 409


# the forms in which proxies pass a certificate on ------------------------------------------------------------------


def test_the_forms_of_headers() -> None:
    der = certificate()
    wanted = of_der(der)
    assert wanted.subject == "CN=till-3,O=Acme" and wanted.key == of_pem(pem(der)).key
    assert from_header(passed(der)["Client-Cert"], "rfc9440") == wanted
    assert from_header(quote(pem(der)), "pem") == wanted
    element = f'Hash=ab;Cert="{quote(pem(der))}";Subject="O=Acme,CN=till\\"3";URI=spiffe://x'
    assert from_header(element, "xfcc") == wanted


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", "rfc9440"),
        (":AAAA:", "rfc9440"),
        ("Hash=ab", "xfcc"),
        ("Cert=a;Cert=b", "xfcc"),
        ("Hash=ab;Cert=x,Hash=cd;Cert=y", "xfcc"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "pem"),
        ("\0", "pem"),
        ("x" * 100_000, "pem"),
    ],
)
def test_what_cannot_be_read_is_no_certificate(text: str, form: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        from_header(text, form)


@pytest.mark.parametrize(
    ("text", "form"),
    [("-----BEGIN CERTIFICATE-----" + " " * 32_000, "pem"), ("a=" + " " * 60_000 + ",", "xfcc")],
    ids=["pem", "xfcc"],
)
def test_a_long_text_that_is_none_costs_no_more_than_its_length(text: str, form: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"\w"):
        from_header(text, form)
    assert time.process_time() - began < 5, "reading it over and over takes a minute of a processor"
