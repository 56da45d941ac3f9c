"""What directories said of people: entries of each source, and what their word makes of persons, in one transaction."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, func, insert, select

from gateway.clock import Clock
from gateway.store import auditing, upsert
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore, person_of, row_of
from gateway.store.tables_app import link, person
from gateway.store.tables_people import directory_entry
from identity.model import Person
from identity.sources import Account, standing


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry as it is kept. `facts`: what the source said, for telling it again."""

    source: str
    id: str
    person: str
    key: str = ""
    external: str = ""
    active: bool = True
    ended: bool = False
    gone: bool = False
    facts: Mapping[str, Any] | None = None
    made_at: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One entry as a source tells it now, and the person as they shall be (but for whether they are active)."""

    source: str
    id: str
    person: Person | str
    """An id where nothing but their standing is told."""
    by: str
    key: str = ""
    external: str = ""
    active: bool = True
    gone: bool = False
    facts: Mapping[str, Any] | None = None
    accounts: tuple[Account, ...] = ()
    evidence: str = ""
    since: Listed | None = None
    """The entry this was made of: where it is another by now, nothing is done."""
    over: Person | None = None
    """The person this one was made of: what is the same in both stays as it is by now."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`changed`: whether the person is another now. `torn`: accounts that are somebody else's. `clash`: the user name
    is another entry's, and nothing was done. `stale`: nor was anything because the entry had changed since."""

    entry: Listed
    changed: bool = False
    torn: tuple[str, ...] = ()
    clash: bool = False
    stale: bool = False


class DirectoryStore:
    def __init__(self, store: Store, people: PeopleStore, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._clock = clock

    async def take(self, told: Sequence[Told]) -> list[Taken]:
        """All of them, or none."""
        if not told:
            return []
        taken = await self._store.write(_take, (tuple(told), self._clock.now()))
        if ids := {each.entry.person for each in taken if not (each.clash or each.stale)}:
            await self._people.again(ids if len(ids) < 500 else None)
        return taken

    async def one(self, source: str, id_: str) -> Listed | None:
        query = select(directory_entry).where(directory_entry.c.source == source, directory_entry.c.id == id_)
        return next(iter(await self._listed(query)), None)

    async def entries(
        self, source: str, *, key: str = "", external: str = "", after: int = 0, limit: int | None = None
    ) -> tuple[list[Listed], int]:
        """Those that are not gone, in the order they came, and how many there are."""
        wanted = [directory_entry.c.source == source, directory_entry.c.gone.is_(False)]
        wanted += [directory_entry.c.key == key] if key else []
        wanted += [directory_entry.c.external == external] if external else []
        query = select(directory_entry).where(*wanted)
        counted = select(func.count()).select_from(directory_entry).where(*wanted)
        total = await self._store.read(lambda connection: int(connection.execute(counted).scalar_one()))
        query = query.order_by(directory_entry.c.made_at, directory_entry.c.id).offset(after)
        return await self._listed(query.limit(limit) if limit is not None else query), total

    async def former(self, source: str, key: str, external: str) -> list[Listed]:
        """Who had that external id, else that user name, gone or not."""
        by = directory_entry.c.external == external if external else directory_entry.c.key == key
        return await self._listed(select(directory_entry).where(directory_entry.c.source == source, by))

    async def of_person(self, person_id: str) -> list[Listed]:
        return await self._listed(select(directory_entry).where(directory_entry.c.person == person_id))

    async def whole(self, source: str) -> list[Listed]:
        """Those that are gone too."""
        return await self._listed(select(directory_entry).where(directory_entry.c.source == source))

    async def _listed(self, query: Any) -> list[Listed]:
        return await self._store.read(lambda connection: [listed(row) for row in connection.execute(query)])


def listed(row: Any) -> Listed:
    one = dict(row._mapping)
    return Listed(**{**one, "facts": json.loads(one["facts"])})


def _take(connection: Connection, items: Sequence[tuple[tuple[Told, ...], int]]) -> list[list[Taken]]:
    count(connection, COUNTER)
    return [[_take_one(connection, told, now) for told in batch] for batch, now in items]


def _take_one(connection: Connection, told: Told, now: int) -> Taken:
    row = connection.execute(
        select(directory_entry).where(directory_entry.c.source == told.source, directory_entry.c.id == told.id)
    ).first()
    before = listed(row) if row is not None else None
    if told.since is not None and before != told.since:
        return Taken(before or told.since, stale=True)
    if told.key and _named(connection, told):
        return Taken(before or Listed(told.source, told.id, ""), clash=True)
    shall = told.person if isinstance(told.person, Person) else _person(connection, told.person)
    assert shall is not None
    was = _person(connection, shall.id)
    if was is not None and told.over is not None:
        shall = _rebased(shall, told.over, was)
    active, ended = standing(
        was.active if was is not None else True,
        before.ended if before is not None else False,
        told.active and not told.gone,
        _left_elsewhere(connection, told, shall.id),
    )
    shall = replace(shall, active=active)
    if shall != was:
        upsert.put(connection, person, [row_of(shall)])
        facts: dict[str, str | int] = {"roles": ",".join(sorted(shall.roles))[:256], "active": int(active)}
        auditing.add(connection, [(now, told.by, "person", shall.id, facts)])
    entry = Listed(
        told.source,
        told.id,
        shall.id,
        told.key,
        told.external,
        told.active,
        ended,
        told.gone,
        told.facts or {},
        before.made_at if before is not None else now,
        now,
    )
    names = ("source", "id", "person", "key", "external", "active", "ended", "gone", "made_at", "at")
    kept = {name: getattr(entry, name) for name in names}
    upsert.put(connection, directory_entry, [{**kept, "facts": json.dumps(entry.facts)}])
    return Taken(entry, shall != was, _linked(connection, told, shall.id, now))


def _rebased(shall: Person, over: Person, was: Person) -> Person:
    """The person there is, with what became another between `over` and `shall`: no role comes back that was taken."""
    names = (each.name for each in fields(Person))
    said = {name: getattr(shall, name) for name in names if getattr(shall, name) != getattr(over, name)}
    return replace(was, **said)


def _named(connection: Connection, told: Told) -> bool:
    """Whether another entry that is there has this user name."""
    fits = [directory_entry.c.source == told.source, directory_entry.c.key == told.key]
    fits += [directory_entry.c.id != told.id, directory_entry.c.gone.is_(False)]
    return connection.execute(select(directory_entry.c.id).where(*fits)).first() is not None


def _person(connection: Connection, id_: str) -> Person | None:
    row = connection.execute(select(person).where(person.c.id == id_)).first()
    return person_of(row) if row is not None else None


def _left_elsewhere(connection: Connection, told: Told, person_id: str) -> bool:
    off = (directory_entry.c.active.is_(False)) | (directory_entry.c.gone.is_(True))
    fits = [directory_entry.c.person == person_id, directory_entry.c.ended.is_(True), off]
    rows = connection.execute(select(directory_entry.c.source, directory_entry.c.id).where(*fits))
    return any((row.source, row.id) != (told.source, told.id) for row in rows)


def _linked(connection: Connection, told: Told, person_id: str, now: int) -> tuple[str, ...]:
    """Links the accounts that are nobody's; those that are somebody else's stay so, and are told."""
    torn = []
    for kind, key in told.accounts:
        fits = (link.c.kind == kind, link.c.key == key, link.c.ended_at.is_(None))
        owner = connection.execute(select(link.c.person).where(*fits)).scalar()
        if owner is None:
            made = {"id": secrets.token_hex(8), "person": person_id, "kind": kind, "key": key, "step": "import"}
            made |= {"evidence": told.evidence, "made_by": told.by[:128], "ended_by": ""}
            connection.execute(insert(link).values(**made, at=now, verified_at=now))
            facts: dict[str, str | int] = {"link": made["id"], "kind": kind, "step": "import"}
            auditing.add(connection, [(now, told.by, "linked", person_id, facts)])
        elif owner != person_id:
            torn.append(key)
    return tuple(torn)
