"""Who is signed in to the console, and that a form was sent by the console's own page."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from cards.words import N_
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

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


@dataclass(frozen=True, slots=True)
class Session:
    person: Person
    secret: str


class Sessions:
    def __init__(self, services: Services, tokens: TokenStore) -> None:
        self._s = services
        self._tokens = tokens

    async def of(self, request: web.Request) -> Session | None:
        """None when nobody is signed in. A session ends when its person is no admin any more."""
        secret = request.cookies.get(COOKIE, "")
        id_ = await self._tokens.session(secret) if 0 < len(secret) <= 100 else None
        if id_ is None:
            return None
        person = self.admin(id_)
        if person is None:
            await self._tokens.end_session(secret)
            return None
        return Session(person, secret)

    def admin(self, id_: str) -> Person | None:
        person = self._s.people.person(id_)
        return person if person is not None and person.active and "admin" in person.roles else None

    def csrf(self, session: Session) -> str:
        return hmac.digest(self._s.keys.buttons, b"console form\0" + session.secret.encode(), "sha256").hex()

    def checked(self, session: Session, form: Form) -> None:
        """Raises `Turned` when the form is not one of this session's own."""
        given = form.get("csrf").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self.csrf(session).encode()):
            raise elsewhere()

    def keep(self, response: web.Response, secret: str) -> None:
        secure = self._s.config.public_url.startswith("https://")
        response.set_cookie(COOKIE, secret, path="/console", httponly=True, secure=secure, samesite="Strict")

    async def end(self, request: web.Request, response: web.Response) -> None:
        await self._tokens.end_session(request.cookies.get(COOKIE, ""))
        response.del_cookie(COOKIE, path="/console", httponly=True, samesite="Strict")


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
