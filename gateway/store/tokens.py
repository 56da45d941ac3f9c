"""Bearer tokens and console logins: stored as hashes, so that a copy of the database opens nothing."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from gateway.clock import Clock
from gateway.store.engine import Store
from gateway.store.tables_app import login, token

SCOPES = ("read", "edit", "identities", "mentions", "operate")
LINK_MS = 15 * 60_000
SESSION_MS = 12 * 3_600_000
PAGE_MS = 15 * 60_000
"""Until a link to a form has to be opened, and then for the form itself."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a bearer of it may do. Edits come from `system` and `surface`, whatever a request's body says."""

    name: str
    scopes: frozenset[str]
    person: str = ""
    system: str = ""
    surface: str = ""
    actors: tuple[str, ...] = ()


class TokenStore:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def make(self, made: Token) -> str:
        """The secret, told once."""
        secret = f"fc_{secrets.token_urlsafe(32)}"
        await self._store.write(_make, (_hash(secret), made, self._clock.now()))
        return secret

    async def read(self, secret: str) -> Token | None:
        hash_ = _hash(secret)
        return await self._store.read(lambda connection: _token(connection, hash_))

    async def end(self, name: str) -> int:
        """Ends every token of that name; how many."""
        return await self._store.write(_end, (name, self._clock.now()))

    async def login_link(self, person: str) -> str:
        """A secret that opens one session, once, within fifteen minutes."""
        return await self._login("link", person, LINK_MS)

    async def open_session(self, link: str) -> tuple[str, str] | None:
        """(session, person) for a link that is used for the first time and in time."""
        person = await self._store.write(_use, (_hash(link), self._clock.now(), "link"))
        return (await self._login("session", person, SESSION_MS), person) if person is not None else None

    async def session(self, secret: str) -> str | None:
        """The person of a session that has not ended."""
        hash_, now = _hash(secret), self._clock.now()
        return await self._store.read(lambda connection: _session(connection, hash_, now, "session"))

    async def page_link(self, person: str) -> str:
        """A secret that opens one page for one browser, once, within `PAGE_MS`."""
        return await self._login("page", person, PAGE_MS)

    async def open_page(self, link: str) -> str | None:
        """What that browser shows from now on; None when the link was used before, or is too old."""
        person = await self._store.write(_use, (_hash(link), self._clock.now(), "page"))
        return await self._login("paged", person, PAGE_MS, f"{link}:") if person is not None else None

    async def paged(self, link: str, secret: str) -> str | None:
        """The person of a page that was opened with this link by whoever shows this secret."""
        hash_, now = _hash(f"{link}:{secret}"), self._clock.now()
        return await self._store.read(lambda connection: _session(connection, hash_, now, "paged"))

    async def end_session(self, secret: str) -> None:
        await self._store.write(_end_session, (_hash(secret), self._clock.now()))

    async def _login(self, kind: str, person: str, lives: int, before: str = "") -> str:
        secret = secrets.token_urlsafe(32)
        row = {"hash": _hash(before + secret), "kind": kind, "person": person, "expires": self._clock.now() + lives}
        await self._store.write(_add_login, row)
        return secret


def _hash(secret: str) -> str:
    # A secret of 256 random bits needs no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _make(connection: Connection, items: Sequence[tuple[str, Token, int]]) -> list[None]:
    for hash_, made, at in items:
        row = {
            "hash": hash_,
            "name": made.name,
            "scopes": json.dumps(sorted(made.scopes)),
            "system": made.system,
            "surface": made.surface,
            "person": made.person,
            "actors": json.dumps(made.actors),
            "at": at,
        }
        connection.execute(insert(token).values(**row))
    return [None] * len(items)


def _token(connection: Connection, hash_: str) -> Token | None:
    row = connection.execute(select(token).where(token.c.hash == hash_, token.c.ended_at.is_(None))).first()
    if row is None:
        return None
    scopes, actors = frozenset(json.loads(row.scopes)), tuple(json.loads(row.actors))
    return Token(row.name, scopes, row.person, row.system, row.surface, actors)


def _end(connection: Connection, items: Sequence[tuple[str, int]]) -> list[int]:
    fits = [(update(token).where(token.c.name == name, token.c.ended_at.is_(None)), at) for name, at in items]
    return [connection.execute(statement.values(ended_at=at)).rowcount for statement, at in fits]


def _add_login(connection: Connection, rows: Sequence[dict[str, object]]) -> list[None]:
    connection.execute(insert(login), [dict(row) for row in rows])
    return [None] * len(rows)


def _use(connection: Connection, items: Sequence[tuple[str, int, str]]) -> list[str | None]:
    used: list[str | None] = []
    for hash_, now, kind in items:
        fits = (login.c.hash == hash_, login.c.kind == kind, login.c.used_at.is_(None), login.c.expires > now)
        # one statement: of two gateways that use a link at once, one opens a session
        row = connection.execute(update(login).where(*fits).values(used_at=now).returning(login.c.person)).first()
        used.append(row.person if row is not None else None)
    return used


def _session(connection: Connection, hash_: str, now: int, kind: str) -> str | None:
    fits = (login.c.hash == hash_, login.c.kind == kind, login.c.used_at.is_(None), login.c.expires > now)
    return connection.execute(select(login.c.person).where(*fits)).scalar()


def _end_session(connection: Connection, items: Sequence[tuple[str, int]]) -> list[None]:
    for hash_, now in items:
        connection.execute(update(login).where(login.c.hash == hash_).values(used_at=now))
    return [None] * len(items)
