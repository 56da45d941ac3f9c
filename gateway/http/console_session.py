"""Who is signed in to the console, and that a form was sent by the console's own page."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from cards.words import N_
from gateway.config.model import seconds
from gateway.http.console_roles import ROLES, may, needs_fresh
from gateway.services import Services
from gateway.store.tokens import TokenStore
from identity.model import Person

COOKIE = "floatcard_session"
LANGUAGE = "floatcard_lang"
LANGUAGES = ("en", "zh-CN")


class Form:
    """What a form's fields hold; a field may be there several times."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


class Turned(Exception):
    """The page to answer instead: `title` and `text` are message ids."""

    def __init__(self, status: int, title: str, text: str, **facts: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.facts = facts


class Again(Exception):
    """Whoever is signed in has to prove once more who they are, and then goes on at `to`."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


@dataclass(frozen=True, slots=True)
class Session:
    person: Person
    secret: str
    fresh_at: int = 0
    """When they last proved who they are (ms)."""


class Sessions:
    def __init__(self, services: Services, tokens: TokenStore) -> None:
        self._s = services
        self._tokens = tokens
        self._idle = seconds(services.config.console.idle) * 1000
        self._fresh = seconds(services.config.console.fresh) * 1000
        self._secure = services.config.public_url.startswith("https://")
        # what begins so, a browser takes over https alone
        self.cookie = f"__Secure-{COOKIE}" if self._secure else COOKIE

    async def of(self, request: web.Request) -> Session | None:
        """None when nobody is signed in; a session ends when its person may not enter any more. Raises `Turned` for a
        page that is not for their role, `Again` for one that wants a sign-in of just now."""
        secret = request.cookies.get(self.cookie, "")
        signed = await self._tokens.session(secret, self._idle) if 0 < len(secret) <= 100 else None
        if signed is None:
            return None
        person = self.entering(signed.person)
        if person is None:
            await self._tokens.end_session(secret)
            return None
        if not may(person.roles, request.method, request.path):
            raise Turned(403, N_("Not for your role"), N_("An admin may do this. Nothing was changed."))
        if needs_fresh(request.path) and self._s.clock.now() - signed.fresh_at > self._fresh:
            raise Again(_page(request))
        return Session(person, secret, signed.fresh_at)

    def entering(self, id_: str) -> Person | None:
        person = self._s.people.person(id_)
        return person if person is not None and person.active and person.roles & ROLES else None

    async def forget(self, request: web.Request, marked: str = "") -> None:
        """Ends what the browser brought along, and the session that was marked: a new one begins."""
        if secret := request.cookies.get(self.cookie, "")[:100]:
            await self._tokens.end_session(secret)
        if marked:
            await self._tokens.end_marked(marked)

    def csrf(self, session: Session) -> str:
        return hmac.digest(self._s.keys.buttons, b"console form\0" + session.secret.encode(), "sha256").hex()

    def checked(self, session: Session, form: Form) -> None:
        """Raises `Turned` when the form is not one of this session's own."""
        given = form.get("csrf").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self.csrf(session).encode()):
            raise elsewhere()

    def keep(self, response: web.Response, secret: str) -> None:
        response.set_cookie(self.cookie, secret, path="/console", httponly=True, secure=self._secure, samesite="Strict")

    async def end(self, request: web.Request, response: web.Response) -> None:
        await self._tokens.end_session(request.cookies.get(self.cookie, ""))
        response.del_cookie(self.cookie, path="/console", httponly=True, secure=self._secure, samesite="Strict")


def _page(request: web.Request) -> str:
    """Where they stood: the page itself, or the one whose form they sent."""
    if request.method in ("GET", "HEAD"):
        return request.path_qs
    return urlsplit(request.headers.get("Referer", "")).path or request.path.rpartition("/")[0]


async def form_of(request: web.Request) -> Form:
    """Raises `Turned` for what no form of the console sends."""
    same_site(request)
    if request.content_type != "application/x-www-form-urlencoded":
        raise Turned(415, N_("Not a form"), N_("The console takes its own forms alone."))
    return Form((name, value) for name, value in (await request.post()).items() if isinstance(value, str))


def elsewhere() -> Turned:
    text = N_("It is too old, or another page sent it. Open the console and try again.")
    return Turned(403, N_("This form is not the console's own"), text)


def same_site(request: web.Request) -> None:
    """A browser says where a form was sent from. Raises `Turned` for another site's."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise elsewhere()
    origin = request.headers.get("Origin", "null")
    if origin != "null" and urlsplit(origin).netloc != request.host:
        raise elsewhere()
