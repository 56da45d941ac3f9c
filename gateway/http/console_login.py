"""Signing in to the console: at the company's provider of identities, or with a one-time link; and once more for what
weighs more. Nobody is found by a name or an e-mail address: an account belongs to whom it was linked to."""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from cards.words import N_
from gateway.config.model import seconds
from gateway.console.page import render
from gateway.errors import Refused, Rejected, Retry
from gateway.http.auth import Buckets, Rate
from gateway.http.console_mentions import Around
from gateway.http.console_session import Form, Session, Sessions, Turned
from gateway.metrics import SIGN_INS
from gateway.outgoing.targets import SIGN_IN
from gateway.services import Services
from gateway.store.auditing import AuditStore
from gateway.store.tokens import TokenStore, mark
from identity.model import Person
from identity.steps import canonical

if TYPE_CHECKING:
    from gateway.http.oidc import Asked, Known, Provider

log = logging.getLogger("floatcard.console")

BACK = "/console/oidc/back"
COOKIE = "floatcard_signin"
PATH = "/console/oidc"
TRIES = Rate(burst=60.0, a_second=1.0)
"""Of one address. The secrets are 256 bits: this is against work, not against guesses."""


class Entering(Around, Protocol):
    """What the console lends: its pages, and its sessions."""

    @property
    def sessions(self) -> Sessions: ...


class SignIn:
    def __init__(self, services: Services, tokens: TokenStore, around: Entering, rate: Rate = TRIES) -> None:
        self._s = services
        self._tokens = tokens
        self._around = around
        self._tries = Buckets(rate, time.monotonic)
        self._audit = AuditStore(services.store, services.clock)
        self.provider = _provider(services)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{PATH}/start", self._around.paged(self.start)),
            web.get(BACK, self._around.paged(self.back)),
            web.get("/console/me", self._around.paged(self.me)),
            web.get("/console/again", self._around.paged(self.again)),
            web.post("/console/me/end", self._around.paged(self._around.acting(self.end))),
        ]

    @property
    def label(self) -> str:
        """What the button says; "" without a provider."""
        oidc = self._s.config.console.oidc
        return "" if oidc is None else oidc.label or urlsplit(oidc.issuer).hostname or oidc.issuer

    def slow(self, request: web.Request) -> None:
        """Raises `Turned` for an address that tries too often."""
        if self._tries.wait(request.remote or "") > 0:
            SIGN_INS.labels("slowed").inc()
            raise Turned(429, N_("Too often"), N_("Wait a minute, then try again."))

    # -- there and back

    async def start(self, request: web.Request) -> web.Response:
        """To the provider. `for`: nothing, `fresh` (whoever is signed in, anew) or `link` (this account is theirs)."""
        self.slow(request)
        provider, purpose = self._there(), request.query.get("for", "")
        session = await self._around.session(request) if purpose in ("fresh", "link") else None
        if purpose and session is None:
            raise Turned(403, N_("You are signed out"), N_("Sign in again; nothing was changed."))
        secret, state = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        facts = {"for": purpose, "to": local(request.query.get("to", "")), "since": str(self._s.clock.now() // 1000)}
        if session is not None:
            facts |= {"person": session.person.id, "old": mark(session.secret)}
        await self._tokens.begin(f"{state}:{secret}", facts)
        response = _see(await _answered(provider.address(self._asked(secret, facts), state)))
        secure = self._s.config.public_url.startswith("https://")
        # Lax: the way back begins at the provider's
        response.set_cookie(COOKIE, secret, path=PATH, httponly=True, secure=secure, samesite="Lax", max_age=600)
        return response

    async def back(self, request: web.Request) -> web.Response:
        self.slow(request)
        provider, secret, query = self._there(), request.cookies.get(COOKIE, "")[:100], request.query
        facts = await self._tokens.begun(f"{query.get('state', '')[:100]}:{secret}") if secret else None
        if facts is None:
            text = N_("It was used, is too old, or was begun in another browser. Begin again.")
            raise _no("foreign", N_("This sign-in was not begun here"), text)
        if not (code := query.get("code", "")):
            raise _no("refused", N_("Not signed in"), N_("The provider let nobody in."))
        known = await _answered(provider.known(self._asked(secret, facts), code[:4096], query.get("iss", "")))
        person = await self._person(known, facts)
        response = await self.enter(request, person, facts["to"], "oidc", facts.get("old", ""))
        response.del_cookie(COOKIE, path=PATH)
        return response

    def _there(self) -> Provider:
        if self.provider is None:
            raise Turned(404, N_("Not set up"), N_("This deployment has no provider of identities."))
        return self.provider

    def _asked(self, secret: str, facts: Mapping[str, str]) -> Asked:
        from gateway.http.oidc import Asked

        def one(use: bytes) -> str:
            raw = hmac.digest(
                self._s.keys.buttons, b"oidc " + use + b"\0" + secret.encode("utf-8", "replace"), "sha256"
            )
            return urlsafe_b64encode(raw).decode().rstrip("=")

        return Asked(one(b"nonce"), one(b"verifier"), int(facts["since"]), facts["for"] == "fresh")

    async def _person(self, known: Known, facts: Mapping[str, str]) -> Person:
        """Raises `Turned` for an account that is nobody's, or another's than who began this."""
        if facts["for"] == "link":
            await self._link(known, facts["person"])
        person = self._s.people.linked("oidc", known.key)
        if person is None:
            text = N_(
                "Nobody here is linked to the account {account}. Let an admin make you a one-time link with "
                "`floatcard login`; signed in with it, connect this account once."
            )
            raise _no("unknown", N_("Not linked yet"), text, account=known.key)
        if facts["for"] == "fresh" and person.id != facts["person"]:
            raise _no("another", N_("Somebody else"), N_("Another person signed in than the one this was asked of."))
        return await self._roles(await self._address(person, known.claims), known.claims)

    async def _link(self, known: Known, person: str) -> None:
        evidence = "signed in there from a session of their own"
        try:
            await self._s.people.link(person, "oidc", known.key, step="self", evidence=evidence, made_by=person)
        except Refused as refused:
            raise _no("taken", N_("Not linked"), refused.say) from None

    async def _address(self, person: Person, claims: Mapping[str, Any]) -> Person:
        """An address the provider verified is theirs, unless somebody else has it: then an admin has to look."""
        oidc, said = self._s.config.console.oidc, claims.get("email")
        if oidc is None or not oidc.emails or claims.get("email_verified") is not True or not isinstance(said, str):
            return person
        address = canonical(said[:254], self._s.config.audience.domain_aliases)
        if not address or any(address == each.casefold() for each in person.emails):
            return person
        if self._s.people.having(address) or self._s.people.having(address, active=False):
            await self._audit.note("oidc", "ambiguous", person.id, persons=2)
            return person
        changed = replace(person, emails=(*person.emails, address))
        await self._s.people.put(changed, by="oidc")
        return changed

    async def _roles(self, person: Person, claims: Mapping[str, Any]) -> Person:
        """The roles the configuration has groups for are the provider's to give and to take."""
        oidc = self._s.config.console.oidc
        if oidc is None or not oidc.roles:
            return person
        groups = _groups(claims, oidc.roles_claim)
        given = frozenset(role for group, role in oidc.roles.items() if group in groups)
        roles = (person.roles - frozenset(oidc.roles.values())) | given
        if roles == person.roles:
            return person
        changed = replace(person, roles=roles)
        await self._s.people.put(changed, by="oidc")
        return changed

    async def enter(self, request: web.Request, person: Person, to: str, how: str, old: str = "") -> web.Response:
        """A new session, whatever the browser brought; the one it replaces ends. Raises `Turned`."""
        if self._around.sessions.entering(person.id) is None:
            text = N_("Your account is known, but has none of the roles admin, auditor and manager.")
            raise _no("role", N_("Not for you"), text)
        await self._around.sessions.forget(request, old)
        secret = await self._tokens.new_session(person.id, seconds(self._s.config.console.longest) * 1000)
        await self._audit.note(person.id, "signed_in", person.id, how=how)
        SIGN_INS.labels("entered").inc()
        if how != "oidc":
            response = _see(to or "/console")
        else:
            # A redirect would still be the provider's: the cookie, which is for this site alone, would stay behind.
            frame = self._around.framed(request, None)
            body = render("signed_in", frame, to=to or "/console")
            response = _html(body)
            response.headers["Refresh"] = f"0; url={to or '/console'}"
        self._around.sessions.keep(response, secret)
        return response

    # -- pages

    async def me(self, request: web.Request) -> web.Response:
        session = await self._around.session(request)
        if session is None:
            return _see("/console")
        linked = [each for each in self._s.people.links(session.person.id) if each.kind == "oidc"]
        frame = self._around.framed(request, session, "me")
        roles = sorted(session.person.roles)
        mine = mark(session.secret)
        idle = seconds(self._s.config.console.idle) * 1000
        sessions = [(each, each.marked == mine) for each in await self._tokens.sessions(session.person.id, idle)]
        facts = {"roles": roles, "linked": linked, "label": self.label, "sessions": sessions}
        return _html(render("me", frame, person=session.person, **facts))

    async def end(self, request: web.Request, session: Session, form: Form) -> web.Response:
        """One other session of the same person, or all the others."""
        only, mine = form.get("session")[:64], mark(session.secret)
        ended = await self._tokens.end_sessions(session.person.id, but=mine, only=only)
        if ended:
            await self._audit.note(session.person.id, "signed_out", session.person.id, many=ended)
        return _see(f"/console/me?{f'elsewhere={ended}' if ended else 'over'}")

    async def again(self, request: web.Request) -> web.Response:
        """What somebody is asked before what weighs more."""
        session = await self._around.session(request)
        if session is None:
            return _see("/console")
        to = local(request.query.get("to", ""))
        oidc = f"{PATH}/start?{urlencode({'for': 'fresh', 'to': to})}" if self.label else ""
        linked = any(each.kind == "oidc" for each in self._s.people.links(session.person.id))
        demo = self._s.config.demo
        frame = self._around.framed(request, session)
        it = {"label": self.label, "oidc": oidc if linked else "", "to": to, "demo": demo, "person": session.person}
        return _html(render("again", frame, **it))


def local(path: str) -> str:
    """A page of the console, or "": nobody is sent elsewhere by a link."""
    good = path.startswith("/console") and path[8:9] in ("", "/", "?") and len(path) <= 500 and path.isprintable()
    return path if good and path.isascii() and "\\" not in path and "//" not in path else ""


def _groups(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The claim of that name, else along its dots (`realm_access.roles`)."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for step in name.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    listed = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(each for each in listed if isinstance(each, str))


async def _answered(work: Any) -> Any:
    """Raises `Turned` for what the provider did not, or did wrongly; the reason is the log's."""
    try:
        return await work
    except Rejected as why:
        log.warning("a sign-in was turned away: %s", why)
        text = N_("What the provider of identities answered does not hold. Try again; else ask an admin.")
        raise _no("rejected", N_("Not signed in"), text) from None
    except Retry as tired:
        log.warning("a sign-in has to wait: %s", tired)
        raise Turned(503, N_("Try again"), N_("The provider of identities does not answer just now.")) from None


def _no(why: str, title: str, text: str, **facts: str) -> Turned:
    SIGN_INS.labels(why).inc()
    return Turned(403, title, text, **facts)


def _html(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def _see(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": where})


def _provider(services: Services) -> Provider | None:
    """Only who has one loads what it takes to speak to it."""
    if (oidc := services.config.console.oidc) is None:
        return None
    from gateway.http.oidc import Provider

    back = f"{services.config.public_url.rstrip('/')}{BACK}"
    return Provider(oidc, back, services.clock.now, services.gate.breakers[SIGN_IN])
