"""Who calls the API, what they may do, and how often."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web

from gateway.http.api_problem import Problem, again, forbidden
from gateway.metrics import AUTH
from gateway.store.people import PeopleStore
from gateway.store.tokens import Token, TokenStore
from identity.audience import UNMAPPED, direct
from identity.model import Application, Audience, Person, Scene

Device = Callable[[web.Request], Awaitable[tuple[Token, Person] | None]]
_BEARER = re.compile(r"bearer +([!-~]{1,512})", re.IGNORECASE)
_SECRET = re.compile(r"fc_[A-Za-z0-9_-]{43}")
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second after that."""

    burst: float = 1_000.0
    a_second: float = 200.0


class Buckets:
    """One leaky bucket for each key. `clock` gives seconds."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._full: dict[str, tuple[float, float]] = {}

    def wait(self, key: str) -> float:
        """Takes one; 0.0 when there was one to take, else the seconds until there is."""
        now = self._clock()
        left, at = self._full.get(key, (self._rate.burst, now))
        left = min(self._rate.burst, left + (now - at) * self._rate.a_second)
        if left < 1.0:
            return (1.0 - left) / self._rate.a_second
        if len(self._full) >= _KEPT:
            self._full.clear()
        self._full[key] = (left - 1.0, now)
        return 0.0


@dataclass(frozen=True, slots=True)
class Caller:
    token: Token
    person: Person | None
    scene: Scene = "console"
    """`device` for one that proved who it is with a certificate."""

    @property
    def audience(self) -> Audience:
        """The console's one reader, through this application. Without a person: what a member of the company sees whom
        nobody has mapped."""
        if self.person is None:
            return Audience(self.scene, {UNMAPPED: 1}, application=self.application)
        return self.speaking_for(self.person)

    def speaking_for(self, person: Person) -> Audience:
        return replace(direct(person, scene=self.scene), application=self.application)

    @property
    def application(self) -> Application:
        return Application(self.token.name, self.token.reads, self.token.writes)

    def may(self, scope: str) -> bool:
        return scope in self.token.scopes


class Gate:
    """`device`: who showed a certificate instead of a token."""

    def __init__(
        self,
        tokens: TokenStore,
        people: PeopleStore,
        rate: Rate,
        clock: Callable[[], float] = time.monotonic,
        device: Device | None = None,
    ) -> None:
        self._tokens = tokens
        self._device = device
        self._people = people
        self._calls = Buckets(rate, clock)
        self._strangers = Buckets(rate, clock)

    async def admit(self, request: web.Request, scope: str) -> Caller:
        """Raises `Problem` 401, 403 or 429."""
        caller = await self._caller(request)
        token = caller.token
        if not caller.may(scope):
            AUTH.labels("scope").inc()
            has = ", ".join(sorted(token.scopes)) or "none"
            say = f"This token has not the scope {scope!r}; its scopes: {has}. Make one with `floatcard token`."
            raise Problem(403, "missing_scope", say, headers={"WWW-Authenticate": _challenge("insufficient_scope")})
        return caller

    async def _caller(self, request: web.Request) -> Caller:
        if self._device is not None and "Authorization" not in request.headers:
            known = await self._device(request)
            if known is not None:
                self._slow(self._calls, known[0].name)
                return Caller(replace(known[0], person=known[1].id), known[1], "device")
        token = await self._token(request)
        return Caller(token, self._person(token))

    async def _token(self, request: web.Request) -> Token:
        found = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
        if found is None:
            raise _unknown("no_token", "Send a token as `Authorization: Bearer fc_…`; `floatcard token` makes one.")
        # Only what could be a token costs a look into the store, and only so many of those.
        token = None
        if _SECRET.fullmatch(found[1]):
            token = await self._tokens.read(found[1])
            self._slow(self._calls if token else self._strangers, token.name if token else request.remote or "")
        if token is None:
            raise _unknown("bad_token", "This token is not known here, or has ended. `floatcard token` makes one.")
        return token

    def _slow(self, buckets: Buckets, key: str) -> None:
        wait = buckets.wait(key)
        if wait > 0:
            AUTH.labels("rate").inc()
            raise again(wait, "too_many", "Too many requests; come back in a moment.", 429)

    def _person(self, token: Token) -> Person | None:
        if not token.person:
            return None
        person = self._people.person(token.person)
        if person is None or not person.active:
            AUTH.labels("person").inc()
            raise forbidden("person_gone", "The person this token reads as is not here any more, or is deactivated.")
        return person


def _unknown(error: str, say: str) -> Problem:
    AUTH.labels(error).inc()
    kind = "" if error == "no_token" else "invalid_token"
    return Problem(401, error, say, headers={"WWW-Authenticate": _challenge(kind)})


def _challenge(error: str) -> str:
    return 'Bearer realm="floatcard"' + (f', error="{error}"' if error else "")
