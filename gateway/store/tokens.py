"""Bearer tokens and console logins: stored as hashes, so that a copy of the database opens nothing."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, insert, or_, select, update

from gateway.clock import Clock
from gateway.store.engine import Store
from gateway.store.tables_app import login, token

SCOPES = ("read", "edit", "identities", "mentions", "operate", "scim")
LINK_MS = 15 * 60_000
SESSION_MS = 12 * 3_600_000
BEGUN_MS = 10 * 60_000
"""For a sign-in at the provider of identities, there and back."""
SEEN_MS = 60_000
"""A session is noted as seen, and a token as used, at most this often."""
ID: Final = 12
"""So many signs of a token's hash name it where tokens are listed."""
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
    reads: frozenset[str] | None = None
    """Selectors of the fields it may read (`gateway.governance`); None: those its application may."""
    writes: frozenset[str] | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A token as it is listed: never its secret, nor what is stored in its place. `id`: for ending this one."""

    id: str
    token: Token
    at: int
    used_at: int | None
    ended_at: int | None

    def stands(self, now: int) -> bool:
        return self.ended_at is None and (self.token.expires_at is None or now < self.token.expires_at)


@dataclass(frozen=True, slots=True)
class Signed:
    """A session of the console. `fresh_at`: when its person last proved who they are."""

    person: str
    fresh_at: int
    seen_at: int


@dataclass(frozen=True, slots=True)
class Open:
    """A session as its person may see it: never its secret. `marked`: what is stored in place of that."""

    marked: str
    fresh_at: int
    seen_at: int
    ends_at: int

    @property
    def id(self) -> str:
        return self.marked[:ID]


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
        """None of one that is not known, was ended or has expired."""
        hash_, now = _hash(secret), self._clock.now()
        row = await self._store.read(lambda connection: _row(connection, hash_, now))
        if row is None:
            return None
        if now - (row.used_at or 0) >= SEEN_MS:
            await self._store.write(_use_token, (hash_, now))
        return _token(row)

    async def known(self) -> list[Known]:
        """Every token that was ever made, those of one name together, the newest first."""
        return await self._store.read(_known)

    async def end(self, name: str) -> int:
        """Ends every token of that name; how many."""
        return await self._store.write(_end, (name, self._clock.now()))

    async def end_one(self, id_: str) -> str | None:
        """Its name; None when there is none of that id that had not ended."""
        return await self._store.write(_end_one, (id_, self._clock.now()))

    async def login_link(self, person: str) -> str:
        """A secret that opens one session, once, within fifteen minutes."""
        return await self._login("link", person, LINK_MS)

    async def open_session(self, link: str, longest: int = SESSION_MS) -> tuple[str, str] | None:
        """(session, person) for a link that is used for the first time and in time."""
        person = await self._store.write(_use, (_hash(link), self._clock.now(), "link"))
        return (await self._login("session", person, longest), person) if person is not None else None

    async def new_session(self, person: str, longest: int = SESSION_MS) -> str:
        """For somebody who proved just now who they are."""
        return await self._login("session", person, longest)

    async def session(self, secret: str, idle: int = SESSION_MS) -> Signed | None:
        """A session that has not ended, nor been without a request for `idle` ms."""
        hash_, now = _hash(secret), self._clock.now()
        found = await self._store.read(lambda connection: _signed(connection, hash_, now, idle))
        if found is not None and now - found.seen_at >= SEEN_MS:
            await self._store.write(_see, (hash_, now))
        return found

    async def sessions(self, person: str, idle: int = SESSION_MS) -> list[Open]:
        """Those of a person that are open, the latest used first."""
        now = self._clock.now()
        return await self._store.read(lambda connection: _open(connection, person, now, idle))

    async def end_sessions(self, person: str, *, but: str = "", only: str = "") -> int:
        """All of a person's, but the one that was marked so; or only the one of that id. How many ended."""
        return await self._store.write(_end_sessions, (person, but, only, self._clock.now()))

    async def begin(self, secret: str, facts: Mapping[str, str]) -> None:
        """A sign-in elsewhere that was begun by a browser that holds this secret."""
        row = {"hash": _hash(secret), "kind": "oidc", "person": "", "expires": self._clock.now() + BEGUN_MS}
        await self._store.write(_add_login, {**row, "facts": json.dumps(dict(facts))})

    async def begun(self, secret: str) -> dict[str, str] | None:
        """Its facts, once and in time."""
        return await self._store.write(_begun, (_hash(secret), self._clock.now()))

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
        await self.end_marked(mark(secret))

    async def end_marked(self, marked: str) -> None:
        """By what `mark` made of its secret."""
        await self._store.write(_end_session, (marked, self._clock.now()))

    async def _login(self, kind: str, person: str, lives: int, before: str = "") -> str:
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        row = {"hash": _hash(before + secret), "kind": kind, "person": person, "expires": now + lives}
        seen = {"fresh_at": now, "seen_at": now} if kind == "session" else {}
        await self._store.write(_add_login, row | seen)
        return secret


def mark(secret: str) -> str:
    """What is stored in place of a secret."""
    return _hash(secret)


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
            "reads": _dumped(made.reads),
            "writes": _dumped(made.writes),
            "expires_at": made.expires_at,
        }
        connection.execute(insert(token).values(**row))
    return [None] * len(items)


def _dumped(names: frozenset[str] | None) -> str | None:
    return json.dumps(sorted(names)) if names is not None else None


def _loaded(text: str | None) -> frozenset[str] | None:
    return frozenset(json.loads(text)) if text is not None else None


def _row(connection: Connection, hash_: str, now: int) -> Any:
    lasts = or_(token.c.expires_at.is_(None), token.c.expires_at > now)
    fits = (token.c.hash == hash_, token.c.ended_at.is_(None), lasts)
    return connection.execute(select(token).where(*fits)).first()


def _token(row: Any) -> Token:
    return Token(
        row.name,
        frozenset(json.loads(row.scopes)),
        row.person,
        row.system,
        row.surface,
        tuple(json.loads(row.actors)),
        _loaded(row.reads),
        _loaded(row.writes),
        row.expires_at,
    )


def _use_token(connection: Connection, items: Sequence[tuple[str, int]]) -> list[None]:
    for hash_, now in items:
        connection.execute(update(token).where(token.c.hash == hash_).values(used_at=now))
    return [None] * len(items)


def _known(connection: Connection) -> list[Known]:
    rows = connection.execute(select(token).order_by(token.c.name, token.c.at.desc(), token.c.hash))
    return [Known(row.hash[:ID], _token(row), row.at, row.used_at, row.ended_at) for row in rows]


def _end_one(connection: Connection, items: Sequence[tuple[str, int]]) -> list[str | None]:
    ended: list[str | None] = []
    for id_, at in items:
        fits = (func.substr(token.c.hash, 1, ID) == id_, token.c.ended_at.is_(None))
        row = connection.execute(update(token).where(*fits).values(ended_at=at).returning(token.c.name)).first()
        ended.append(row.name if row is not None else None)
    return ended


def _end(connection: Connection, items: Sequence[tuple[str, int]]) -> list[int]:
    fits = [(update(token).where(token.c.name == name, token.c.ended_at.is_(None)), at) for name, at in items]
    return [connection.execute(statement.values(ended_at=at)).rowcount for statement, at in fits]


def _add_login(connection: Connection, rows: Sequence[dict[str, object]]) -> list[None]:
    for row in rows:  # their columns differ
        connection.execute(insert(login), dict(row))
    return [None] * len(rows)


def _use(connection: Connection, items: Sequence[tuple[str, int, str]]) -> list[str | None]:
    used: list[str | None] = []
    for hash_, now, kind in items:
        fits = (login.c.hash == hash_, login.c.kind == kind, login.c.used_at.is_(None), login.c.expires > now)
        # one statement: of two gateways that use a link at once, one opens a session
        row = connection.execute(update(login).where(*fits).values(used_at=now).returning(login.c.person)).first()
        used.append(row.person if row is not None else None)
    return used


def _signed(connection: Connection, hash_: str, now: int, idle: int) -> Signed | None:
    fits = (login.c.hash == hash_, login.c.kind == "session", login.c.used_at.is_(None), login.c.expires > now)
    row = connection.execute(select(login).where(*fits)).first()
    if row is None:
        return None
    began = row.expires - SESSION_MS  # of a session that an earlier version made
    found = Signed(row.person, row.fresh_at or began, row.seen_at or now)
    return found if now - found.seen_at < idle else None


def _see(connection: Connection, items: Sequence[tuple[str, int]]) -> list[None]:
    for hash_, now in items:
        connection.execute(update(login).where(login.c.hash == hash_).values(seen_at=now))
    return [None] * len(items)


def _open(connection: Connection, person: str, now: int, idle: int) -> list[Open]:
    fits = (login.c.person == person, login.c.kind == "session", login.c.used_at.is_(None), login.c.expires > now)
    rows = connection.execute(select(login).where(*fits)).all()
    found = [Open(row.hash, row.fresh_at or 0, row.seen_at or now, row.expires) for row in rows]
    return sorted((each for each in found if now - each.seen_at < idle), key=lambda each: (-each.seen_at, each.marked))


def _end_sessions(connection: Connection, items: Sequence[tuple[str, str, str, int]]) -> list[int]:
    ended = []
    for person, but, only, now in items:
        fits = [login.c.person == person, login.c.kind == "session", login.c.used_at.is_(None), login.c.expires > now]
        fits += [login.c.hash != but] if but else []
        fits += [func.substr(login.c.hash, 1, ID) == only] if only else []
        ended.append(connection.execute(update(login).where(*fits).values(used_at=now)).rowcount)
    return ended


def _begun(connection: Connection, items: Sequence[tuple[str, int]]) -> list[dict[str, str] | None]:
    found: list[dict[str, str] | None] = []
    for hash_, now in items:
        fits = (login.c.hash == hash_, login.c.kind == "oidc", login.c.used_at.is_(None), login.c.expires > now)
        row = connection.execute(update(login).where(*fits).values(used_at=now).returning(login.c.facts)).first()
        found.append(json.loads(row.facts) if row is not None else None)
    return found


def _session(connection: Connection, hash_: str, now: int, kind: str) -> str | None:
    fits = (login.c.hash == hash_, login.c.kind == kind, login.c.used_at.is_(None), login.c.expires > now)
    return connection.execute(select(login.c.person).where(*fits)).scalar()


def _end_session(connection: Connection, items: Sequence[tuple[str, int]]) -> list[None]:
    for hash_, now in items:
        connection.execute(update(login).where(login.c.hash == hash_).values(used_at=now))
    return [None] * len(items)
