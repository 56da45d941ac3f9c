"""Persons, their accounts and one-time codes. Every change is a row that says who made it and when."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from cards.words import N_
from gateway.clock import Clock
from gateway.errors import Refused
from gateway.store import auditing, sql, upsert
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.tables_app import account, link, link_code, person
from gateway.store.tables_people import directory_entry
from gateway.store.tables_shared import counter
from identity.codes import LIFETIME, TRIES, CodeState, expires, usable
from identity.model import Link, People, Person

LinkKind = Literal["im", "crm", "device", "oidc", "contact"]
_BY_ITSELF = ("email", "crm_field")
"""Steps that ask nobody."""
COUNTER = "people"
_WRONG = "wrong:"
"""Begins the key of a wrong try, which is kept as a code that was used up; no hash begins so."""
SECOND = N_("They have an account there already. Say that this one is theirs as well, or end the other link first.")


@dataclass(frozen=True, slots=True)
class Unmapped:
    """An account that spoke or is in a room, and that nobody is linked to."""

    im: str
    name: str
    kind: str
    rooms: tuple[str, ...]
    seen_at: int


class PeopleStore:
    """Persons are few and asked for all the time: they are kept in memory, and every write goes through here."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._persons: dict[str, Person] = {}
        self._links: dict[tuple[str, str], Link] = {}
        self.version = 0
        """Grows with every change: whoever caches what depends on persons compares it."""
        self.changed = asyncio.Event()
        self._changed: dict[str, set[str]] = {}
        self._known = 0
        self._reading = asyncio.Lock()
        """What is read later is laid over what was read before, and never the other way round."""

    async def load(self) -> None:
        persons, links, self._known = await self._store.read(_all)
        self._persons = {each.id: each for each in persons}
        self._links = {(each.kind, each.key): each for each in links if each.ended_at is None}
        self.version += 1

    async def follow(self, count_: int) -> None:
        """`count_`: how often persons and links were changed, by any gateway. What another one changed is read."""
        if count_ != self._known:
            await self.again()

    async def again(self, ids: Collection[str] | None = None) -> None:
        """Reads what was changed beside this, of these persons or of all; remembers whose rights became others."""
        async with self._reading:
            await self._again(ids)

    async def _again(self, ids: Collection[str] | None) -> None:
        before, links = self._persons, self._links
        if ids is None:
            await self.load()
        else:
            persons, theirs = await self._store.read(lambda connection: _some(connection, ids))
            rest = {key: each for key, each in self._links.items() if each.person not in ids}
            self._persons = {**self._persons, **{each.id: each for each in persons}}
            self._links = rest | {(each.kind, each.key): each for each in theirs}
            self.version += 1
        for id_ in [id_ for id_, each in self._persons.items() if before.get(id_) != each]:
            self._touch(id_)
        moved = [key for key in links.keys() | self._links.keys() if links.get(key) != self._links.get(key)]
        for moved_ in [each for key in moved for each in (links.get(key), self._links.get(key)) if each is not None]:
            self._touch(moved_.person, moved_)

    def person(self, id_: str) -> Person | None:
        return self._persons.get(id_)

    def persons(self) -> tuple[Person, ...]:
        return tuple(sorted(self._persons.values(), key=lambda each: each.id))

    def links(self, person_id: str | None = None) -> tuple[Link, ...]:
        chosen = (each for each in self._links.values() if person_id in (None, each.person))
        return tuple(sorted(chosen, key=lambda each: each.at))

    def linked(self, kind: str, key: str) -> Person | None:
        """The active person of an account, from memory."""
        found = self.owner(kind, key)
        return found if found is not None and found.active else None

    def owner(self, kind: str, key: str) -> Person | None:
        """Whose account it is, deactivated or not."""
        found = self._links.get((kind, key))
        return self._persons.get(found.person) if found is not None else None

    def sent_away(self, kind: str, key: str) -> bool:
        found = self.owner(kind, key)
        return found is not None and not found.active

    async def by_link(self, kind: str, key: str) -> Person | None:
        return self.linked(kind, key)

    async def by_email(self, email: str) -> Person | None:
        """The one active person of that address; nobody where two have it."""
        found = self.having(email)
        return found[0] if len(found) == 1 else None

    def having(self, email: str, *, active: bool = True) -> list[Person]:
        """The active persons of that address, which is written small; or those that are not."""
        return [
            each
            for each in self._persons.values()
            if each.active is active and any(email == mine.casefold() for mine in each.emails)
        ]

    def take_changed(self) -> dict[str, set[str]]:
        """Whose rights may have become others since this was last asked, each with the accounts they read with."""
        self.changed.clear()
        taken, self._changed = self._changed, {}
        return taken

    def put_back(self, changed: Mapping[str, set[str]]) -> None:
        for id_, accounts in changed.items():
            self._changed.setdefault(id_, set()).update(accounts)
        self.changed.set()

    def _touch(self, person: str, ended: Link | None = None) -> None:
        self.version += 1
        mine = [*self.links(person), *([ended] if ended is not None else [])]
        self._changed.setdefault(person, set()).update(each.key for each in mine if each.kind == "im")
        self.changed.set()

    async def put(self, who: Person, *, by: str = "gateway") -> None:
        await self._store.write(_put_person, (who, by, self._clock.now()))
        self._persons[who.id] = who
        self._touch(who.id)

    async def speaks(self, person_id: str, locale: str) -> None:
        """The language a network says this person reads; changes nothing that anybody may see."""
        await self._store.write(_speaks, (person_id, locale))
        # What became of the person while that was written stays: a deactivation is not undone by a language.
        self._persons[person_id] = replace(self._persons[person_id], locale=locale)

    async def deactivate(self, person_id: str, *, by: str = "gateway") -> None:
        who = self._persons[person_id]
        await self.put(replace(who, active=False), by=by)

    async def link(
        self,
        person: str,
        kind: LinkKind,
        key: str,
        *,
        step: str,
        evidence: str,
        made_by: str,
        second: bool | None = None,
    ) -> Link:
        """Raises `Refused` when the account is another person's already, or the person is not known.

        `second`: whether it may be another account of theirs on one network; by default nothing that is linked without
        asking anybody may.
        """
        if person not in self._persons:
            raise Refused("There is no such person.")
        now = self._clock.now()
        made = Link(secrets.token_hex(8), person, kind, key, step, evidence, made_by, now, now)
        many = step not in _BY_ITSELF if second is None else second
        kept = await self._store.write(_link, (made, many))
        if kept is None:
            raise Refused(SECOND)
        if kept.ended_at is not None:
            raise Refused("This link was ended by hand. An admin can make it again.")
        if kept.person != person:
            raise Refused("This account belongs to somebody else already. End that link first.")
        self._links[(kind, key)] = kept
        self._touch(person)
        return kept

    async def unlink(self, link_id: str, by: str) -> None:
        ended = await self._store.write(_unlink, (link_id, by, self._clock.now()))
        if ended is None:
            raise Refused("There is no such link, or it has ended already.")
        gone = self._links.pop(ended, None)
        if gone is not None:
            self._touch(gone.person, gone)

    async def saw(self, im: str, name: str, kind: str, room: str) -> None:
        """Remembers an account that nobody is linked to, for the admin's list."""
        await self._store.write(_saw, (im, name, kind, room, self._clock.now()))

    async def unmapped(self) -> list[Unmapped]:
        rows = await self._store.read(_unmapped)
        return [row for row in rows if ("im", row.im) not in self._links]

    async def keep_code(self, hash_: str, im: str, expires: int) -> None:
        await self._store.write(_keep_code, (hash_, im, expires))

    async def use_code(self, hash_: str, by: str) -> str | None:
        """The account the code was given to, once, in time, and not after too many wrong ones by `by`; else None."""
        return await self._store.write(_use_code, (hash_, by, self._clock.now()))


def _all(connection: Connection) -> tuple[list[Person], list[Link], int]:
    persons = [person_of(row) for row in connection.execute(select(person))]
    links = [Link(*row) for row in connection.execute(select(link).where(link.c.ended_at.is_(None)))]
    known = connection.execute(select(counter.c.n).where(counter.c.name == COUNTER)).scalar()
    return persons, links, known or 0


def _some(connection: Connection, ids: Collection[str]) -> tuple[list[Person], list[Link]]:
    persons = [person_of(row) for row in connection.execute(select(person).where(person.c.id.in_(ids)))]
    standing = select(link).where(link.c.person.in_(ids), link.c.ended_at.is_(None))
    return persons, [Link(*row) for row in connection.execute(standing)]


def person_of(row: Any) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        roles=frozenset(json.loads(row.roles)),
        team=row.team,
        region=row.region,
        external=row.external,
        active=row.active,
        locale=row.locale,
        zone=row.zone,
        emails=tuple(json.loads(row.emails)),
    )


def _put_person(connection: Connection, items: Sequence[tuple[Person, str, int]]) -> list[None]:
    count(connection, COUNTER)
    upsert.put(connection, person, [row_of(who) for who, _, _ in items])
    for id_ in [who.id for who, _, _ in items if not who.active]:  # no directory brings back whom an admin sent away
        connection.execute(update(directory_entry).where(directory_entry.c.person == id_).values(ended=False))
    notes = [(at, by, "person", who.id, _said(who)) for who, by, at in items]
    return auditing.add(connection, notes)


def row_of(who: Person) -> dict[str, object]:
    return {
        "id": who.id,
        "name": who.name,
        "roles": json.dumps(sorted(who.roles)),
        "team": who.team,
        "region": who.region,
        "external": who.external,
        "active": who.active,
        "locale": who.locale,
        "zone": who.zone,
        "emails": json.dumps(who.emails),
    }


def _said(who: Person) -> dict[str, str | int]:
    return {"roles": ",".join(sorted(who.roles))[:256], "active": int(who.active), "external": int(who.external)}


def _speaks(connection: Connection, items: Sequence[tuple[str, str]]) -> list[None]:
    for id_, locale in items:
        connection.execute(update(person).where(person.c.id == id_).values(locale=locale))
    return [None] * len(items)


def _link(connection: Connection, items: Sequence[tuple[Link, bool]]) -> list[Link | None]:
    return [_link_one(connection, made, many=many) for made, many in items]


def _link_one(connection: Connection, made: Link, *, many: bool) -> Link | None:
    """None where it would be a second account on one network, and may not."""
    count(connection, COUNTER)  # first: of two gateways that link one account at once, the second waits here
    standing = connection.execute(
        select(link).where(link.c.kind == made.kind, link.c.key == made.key, link.c.ended_at.is_(None))
    ).first()
    if standing is not None:
        return Link(*standing)
    if made.step in _BY_ITSELF:
        undone = select(link).where(link.c.kind == made.kind, link.c.key == made.key, link.c.person == made.person)
        undone = undone.where(~link.c.ended_by.startswith("step:"))
        if (before := connection.execute(undone).first()) is not None:
            return Link(*before)  # what somebody undid does not come back by itself
    if not many and made.kind == "im" and _there_already(connection, made):
        return None
    fields = ("id", "person", "kind", "key", "step", "evidence", "made_by", "at", "verified_at", "ended_at", "ended_by")
    connection.execute(insert(link).values({name: getattr(made, name) for name in fields}))
    facts: dict[str, str | int] = {"link": made.id, "kind": made.kind, "step": made.step}
    auditing.add(connection, [(made.at, made.made_by, "linked", made.person, facts)])
    return made


def _there_already(connection: Connection, made: Link) -> bool:
    """Whether the person has another account of the same kind in the same workspace."""
    mine = select(link.c.key).where(link.c.person == made.person, link.c.kind == "im", link.c.ended_at.is_(None))
    there = made.key.rpartition("/")[0]
    return any(key.rpartition("/")[0] == there for key in connection.execute(mine).scalars())


def _unlink(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[tuple[str, str] | None]:
    count(connection, COUNTER)
    return [unlink_one(connection, link_id, by, at) for link_id, by, at in items]


def unlink_one(connection: Connection, link_id: str, by: str, at: int) -> tuple[str, str] | None:
    """Kind and key of the account that is nobody's now; None when the link had ended."""
    open_ = update(link).where(link.c.id == link_id, link.c.ended_at.is_(None)).values(ended_at=at, ended_by=by[:128])
    row = connection.execute(open_.returning(link.c.kind, link.c.key, link.c.person, link.c.step)).first()
    if row is None:
        return None
    facts: dict[str, str | int] = {"link": link_id, "kind": row.kind, "step": row.step}
    auditing.add(connection, [(at, by, "unlinked", row.person, facts)])
    return row.kind, row.key


def _saw(connection: Connection, items: Sequence[tuple[str, str, str, str, int]]) -> list[None]:
    rows = [{"im": im, "name": name, "kind": kind, "room": room, "seen_at": at} for im, name, kind, room, at in items]
    upsert.put(connection, account, rows)
    return [None] * len(items)


_FREE = "NOT EXISTS (SELECT 1 FROM link l WHERE l.kind = 'im' AND l.key = t.im AND l.ended_at IS NULL)"
_SPOKE = f"SELECT t.im, t.name, t.kind, t.room, t.seen_at FROM account t WHERE t.kind <> 'bot' AND {_FREE}"  # noqa: S608
_LISTED = f"SELECT t.im, t.name, t.kind, t.room FROM member t WHERE t.kind <> 'bot' AND {_FREE} ORDER BY t.im, t.room"  # noqa: S608


def _unmapped(connection: Connection) -> list[Unmapped]:
    """Everybody seen speaking or standing in a room's list, bots apart: each table is read once."""
    found = {im: Unmapped(im, name, kind, (room,), at) for im, name, kind, room, at in sql.ask(connection, _SPOKE)}
    listed: dict[str, list[tuple[str, str, str]]] = {}
    for im, name, kind, room in sql.ask(connection, _LISTED):
        listed.setdefault(im, []).append((name, kind, room))
    for im, rows in listed.items():
        name, kind, rooms = max(row[0] for row in rows), max(row[1] for row in rows), tuple(row[2] for row in rows)
        found[im] = Unmapped(im, name, kind, rooms, found[im].seen_at if im in found else 0)
    return sorted(found.values(), key=lambda each: (-each.seen_at, each.im))


def _keep_code(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[None]:
    upsert.put(connection, link_code, [{"hash": h, "im": im, "expires": e, "used_at": None} for h, im, e in items])
    return [None] * len(items)


def _use_code(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[str | None]:
    return [_use_one(connection, hash_, by, now) for hash_, by, now in items]


def _use_one(connection: Connection, hash_: str, by: str, now: int) -> str | None:
    wrong = link_code.c.im == by, link_code.c.hash.startswith(_WRONG), link_code.c.expires > now
    tries = connection.execute(select(func.count()).select_from(link_code).where(*wrong)).scalar_one()
    found = connection.execute(select(link_code).where(link_code.c.hash == hash_)).first()
    if found is not None and usable(CodeState(found.expires - LIFETIME, found.used_at, tries), now):
        # one statement: of two gateways that use a code at once, one gets it
        fits = (link_code.c.hash == hash_, link_code.c.used_at.is_(None))
        row = connection.execute(update(link_code).where(*fits).values(used_at=now).returning(link_code.c.im)).first()
        return row.im if row is not None else None
    connection.execute(delete(link_code).where(link_code.c.im == by, link_code.c.expires <= now))
    if tries < TRIES:
        row_ = {"hash": f"{_WRONG}{secrets.token_hex(16)}", "im": by, "expires": expires(now), "used_at": now}
        connection.execute(insert(link_code).values(row_))
    return None


_: type[People] = PeopleStore
