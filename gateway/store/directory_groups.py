"""Groups of a directory, and the roles they give: whoever is put into one or taken out has another role at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select

from gateway.clock import Clock
from gateway.store import auditing, upsert
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore, person_of, row_of
from gateway.store.tables_app import person
from gateway.store.tables_people import directory_entry, directory_group, directory_member
from identity.sources import given


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: str
    external: str
    members: tuple[str, ...]
    made_at: int
    at: int


@dataclass(frozen=True, slots=True)
class _Wish:
    """`gone`: no more. `since`: where the group is another by now, nothing is done."""

    source: str
    id: str
    name: str
    external: str
    members: tuple[str, ...]
    by: str
    at: int
    gone: bool = False
    since: Group | None = None


class GroupStore:
    """`roles`: role by a group's name."""

    def __init__(self, store: Store, people: PeopleStore, clock: Clock, roles: Mapping[str, str]) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._roles = dict(roles)

    async def put(
        self,
        source: str,
        name: str,
        external: str,
        members: Sequence[str],
        *,
        by: str,
        id_: str = "",
        since: Group | None = None,
    ) -> Group | str | None:
        """The group. The id of a member that is nobody's, or None where the group is another than `since` by now: then
        nothing is done."""
        id_ = id_ or f"g_{secrets.token_hex(8)}"
        wish = _Wish(source, id_, name, external, tuple(members), by, self._clock.now(), since=since)
        return await self._done(wish)

    async def drop(self, source: str, id_: str, *, by: str) -> None:
        await self._done(_Wish(source, id_, "", "", (), by, self._clock.now(), gone=True))

    async def leave(self, source: str, entry: str, *, by: str) -> None:
        """The entry is in no group any more."""
        while groups := await self.of(source, entry):
            for group in groups:
                rest = [each for each in group.members if each != entry]
                await self.put(source, group.name, group.external, rest, by=by, id_=group.id, since=group)

    async def _done(self, wish: _Wish) -> Group | str | None:
        told, moved = await self._store.write(self._write, wish)
        if moved:
            await self._people.again(moved if len(moved) < 500 else None)
        return told

    async def one(self, source: str, id_: str) -> Group | None:
        query = select(directory_group).where(directory_group.c.source == source, directory_group.c.id == id_)
        return next(iter(await self._groups(query)), None)

    async def of(self, source: str, entry: str) -> list[Group]:
        mine = select(directory_member.c.group_id).where(
            directory_member.c.source == source, directory_member.c.entry == entry
        )
        query = select(directory_group).where(directory_group.c.source == source, directory_group.c.id.in_(mine))
        return await self._groups(query.order_by(directory_group.c.id))

    async def listed(
        self, source: str, *, name: str = "", external: str = "", after: int = 0, limit: int = 100
    ) -> tuple[list[Group], int]:
        wanted = [directory_group.c.source == source]
        wanted += [func.lower(directory_group.c.name) == name.lower()] if name else []
        wanted += [directory_group.c.external == external] if external else []
        counted = select(func.count()).select_from(directory_group).where(*wanted)
        total = await self._store.read(lambda connection: int(connection.execute(counted).scalar_one()))
        query = select(directory_group).where(*wanted).order_by(directory_group.c.made_at, directory_group.c.id)
        return await self._groups(query.offset(after).limit(limit)), total

    async def _groups(self, query: Select[Any]) -> list[Group]:
        return await self._store.read(lambda connection: [_group(connection, row) for row in connection.execute(query)])

    def _write(self, connection: Connection, items: Sequence[_Wish]) -> list[tuple[Group | str | None, set[str]]]:
        count(connection, COUNTER)
        return [self._one(connection, wish) for wish in items]

    def _one(self, connection: Connection, wish: _Wish) -> tuple[Group | str | None, set[str]]:
        mine = (directory_member.c.source == wish.source, directory_member.c.group_id == wish.id)
        before = set(connection.execute(select(directory_member.c.entry).where(*mine)).scalars())
        itself = (directory_group.c.source == wish.source, directory_group.c.id == wish.id)
        old = connection.execute(select(directory_group).where(*itself)).first()
        if wish.since is not None and (old is None or _group(connection, old) != wish.since):
            return None, set()
        new = [id_ for id_ in wish.members if id_ not in before]
        for id_ in new:
            if not _there(connection, wish.source, id_):
                return id_, set()
        for id_ in before - set(wish.members):
            connection.execute(delete(directory_member).where(*mine, directory_member.c.entry == id_))
        made_at = old.made_at if old is not None else wish.at
        if wish.gone:
            connection.execute(delete(directory_group).where(*itself))
        else:
            row = {"source": wish.source, "id": wish.id, "name": wish.name, "external": wish.external}
            upsert.put(connection, directory_group, [{**row, "made_at": made_at, "at": wish.at}])
            for id_ in new:
                connection.execute(insert(directory_member).values(source=wish.source, group_id=wish.id, entry=id_))
        renamed = old is not None and old.name != wish.name
        touched = before | set(wish.members) if renamed or wish.gone else before ^ set(wish.members)
        moved = {one for id_ in touched if (one := self._judged(connection, wish, id_))}
        facts: dict[str, str | int] = {"members": len(wish.members), "changed": len(touched)}
        what = "group_gone" if wish.gone else "group"
        auditing.add(connection, [(wish.at, wish.by, what, f"{wish.source}/{wish.id}", facts)])
        return Group(wish.id, wish.name, wish.external, wish.members, made_at, wish.at), moved

    def _judged(self, connection: Connection, wish: _Wish, entry: str) -> str:
        """The person of an entry, if they have other roles now."""
        theirs = select(directory_entry.c.person).where(
            directory_entry.c.source == wish.source, directory_entry.c.id == entry
        )
        id_ = connection.execute(theirs).scalar()
        row = connection.execute(select(person).where(person.c.id == id_)).first()
        if row is None:
            return ""
        who = person_of(row)
        shall = replace(who, roles=given(who.roles, _names(connection, who.id), self._roles))
        if shall == who:
            return ""
        upsert.put(connection, person, [row_of(shall)])
        facts: dict[str, str | int] = {"roles": ",".join(sorted(shall.roles))[:256], "active": int(shall.active)}
        auditing.add(connection, [(wish.at, wish.by, "person", who.id, facts)])
        return who.id


def _there(connection: Connection, source: str, entry: str) -> bool:
    fits = [directory_entry.c.source == source, directory_entry.c.id == entry, directory_entry.c.gone.is_(False)]
    return connection.execute(select(directory_entry.c.id).where(*fits)).first() is not None


def _names(connection: Connection, person_id: str) -> frozenset[str]:
    """Of all groups somebody is in, in every directory that lists them."""
    query = (
        select(directory_group.c.name)
        .join(
            directory_member,
            (directory_member.c.source == directory_group.c.source)
            & (directory_member.c.group_id == directory_group.c.id),
        )
        .join(
            directory_entry,
            (directory_entry.c.source == directory_member.c.source)
            & (directory_entry.c.id == directory_member.c.entry),
        )
        .where(directory_entry.c.person == person_id, directory_entry.c.gone.is_(False))
    )
    return frozenset(connection.execute(query).scalars())


def _group(connection: Connection, row: Any) -> Group:
    mine = select(directory_member.c.entry).where(
        directory_member.c.source == row.source, directory_member.c.group_id == row.id
    )
    members = tuple(connection.execute(mine.order_by(directory_member.c.entry)).scalars())
    return Group(row.id, row.name, row.external, members, row.made_at, row.at)
