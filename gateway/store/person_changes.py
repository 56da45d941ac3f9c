"""Persons merged and split: one transaction each, kept with what it moved, so that it can be taken back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from cards.words import N_
from gateway.clock import Clock
from gateway.errors import Refused
from gateway.store import auditing, upsert
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore, person_of, row_of
from gateway.store.tables_app import link, login, person, token
from gateway.store.tables_people import device, device_key, directory_entry, person_change
from identity.joining import merged, parted, taken_back
from identity.model import Person

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PersonChange:
    """`person` stayed; `other` went into them (merge), or came out of them (split)."""

    id: str
    kind: Literal["merge", "split"]
    person: str
    other: str
    links: int
    by: str
    at: int
    undone_at: int | None
    undone_by: str


@dataclass(frozen=True, slots=True)
class Weight:
    """What a merge would move or end."""

    links: int
    entries: int
    tokens: int
    sessions: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """`other`: who goes, or the id of who is new; of an undoing, the change's id in `id`."""

    id: str
    by: str
    at: int
    person: str = ""
    other: str = ""
    name: str = ""
    links: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


class PersonChanges:
    """Each raises `Refused` and then nothing has changed."""

    def __init__(self, store: Store, people: PeopleStore, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._clock = clock

    async def merge(self, kept: str, gone: str, *, by: str) -> PersonChange:
        """`gone` is deactivated; their accounts, addresses and roles are `kept`'s."""
        return await self._done(_merge, _Asked(_new_id(), by, self._clock.now(), kept, gone))

    async def split(
        self, from_: str, links: Sequence[str], *, name: str, new: str, by: str, emails: Sequence[str] = ()
    ) -> PersonChange:
        """Those links and addresses are a new person's, who has no role."""
        asked = _Asked(_new_id(), by, self._clock.now(), from_, new, name, tuple(links), tuple(emails))
        return await self._done(_split, asked)

    async def undo(self, change: str, *, by: str) -> PersonChange:
        """What became of the accounts and attributes since stays as it is."""
        return await self._done(_undo, _Asked(change, by, self._clock.now()))

    async def latest(self, limit: int = 50) -> list[PersonChange]:
        query = select(person_change).order_by(person_change.c.at.desc(), person_change.c.id).limit(limit)
        return await self._store.read(lambda connection: [_change(row) for row in connection.execute(query)])

    async def weight(self, gone: str) -> Weight:
        now = self._clock.now()
        return await self._store.read(lambda connection: _weight(connection, gone, now))

    async def _done(self, op: Any, asked: _Asked) -> PersonChange:
        told: PersonChange | str = await self._store.write(op, asked)
        if isinstance(told, str):
            raise Refused(told)
        await self._people.again({told.person, told.other})
        return told


def _new_id() -> str:
    return f"pn-{secrets.token_hex(6)}"


def _merge(connection: Connection, items: Sequence[_Asked]) -> list[PersonChange | str]:
    count(connection, COUNTER)
    return [_merge_one(connection, asked) for asked in items]


def _merge_one(connection: Connection, asked: _Asked) -> PersonChange | str:
    kept, gone = _person(connection, asked.person), _person(connection, asked.other)
    if kept is None or gone is None:
        return N_("There is no such person.")
    if kept.id == gone.id:
        return N_("Choose two different persons.")
    if not kept.active:
        return N_("Who stays is deactivated. Reactivate them first, or merge the other way.")
    if _open(connection, gone.id, "merge"):
        return N_("They were merged into somebody already.")
    links = tuple(connection.execute(_standing(gone.id)).scalars())
    entries = [list(row) for row in connection.execute(_entries(gone.id))]
    after, off = merged(kept, gone), _off(gone)
    upsert.put(connection, person, [row_of(after), row_of(off)])
    _move(connection, links, gone.id, kept.id)
    _move_entries(connection, entries, kept.id)
    facts = {"before": _plain(kept), "after": _plain(after), "other": _plain(gone), "off": _plain(off)}
    return _kept(connection, asked, "merge", {**facts, "links": list(links), "entries": entries}, "merged")


def _split(connection: Connection, items: Sequence[_Asked]) -> list[PersonChange | str]:
    count(connection, COUNTER)
    return [_split_one(connection, asked) for asked in items]


def _split_one(connection: Connection, asked: _Asked) -> PersonChange | str:
    from_ = _person(connection, asked.person)
    if from_ is None or not from_.active:
        return N_("There is no such person.")
    if not asked.name.strip():
        return N_("A person needs a name.")
    standing = set(connection.execute(_standing(from_.id)).scalars())
    if not asked.links or not set(asked.links) <= standing:
        return N_("Choose accounts that are theirs now.")
    if not set(asked.emails) <= set(from_.emails):
        return N_("Choose addresses that are theirs now.")
    after, new = parted(from_, asked.other, asked.name.strip(), asked.emails)
    upsert.put(connection, person, [row_of(after), row_of(new)])
    _move(connection, asked.links, from_.id, new.id)
    facts = {"before": _plain(from_), "after": _plain(after), "other": _plain(new), "off": _plain(new)}
    return _kept(connection, asked, "split", {**facts, "links": list(asked.links), "entries": []}, "split")


def _undo(connection: Connection, items: Sequence[_Asked]) -> list[PersonChange | str]:
    count(connection, COUNTER)
    return [_undo_one(connection, asked) for asked in items]


def _undo_one(connection: Connection, asked: _Asked) -> PersonChange | str:
    row = connection.execute(select(person_change).where(person_change.c.id == asked.id)).first()
    if row is None:
        return N_("There is no such change.")
    if row.undone_at is not None:
        return N_("It is taken back already.")
    stays, other = _person(connection, row.person), _person(connection, row.other)
    if stays is None or other is None:
        return N_("There is no such person.")
    merge, facts = row.kind == "merge", json.loads(row.facts)
    if _open(connection, row.person, "merge") or (not merge and _open(connection, row.other, "merge")):
        return N_("One of them was merged into somebody since. Take that back first.")
    before, after = _unplain(facts["before"]), _unplain(facts["after"])
    there = taken_back(other, _unplain(facts["other"]), _unplain(facts["off"])) if merge else _off(other)
    if merge and (not stays.active or _left(connection, facts["entries"])):
        there = _off(there)  # who was sent away as the one they were is not brought back by being two again
    upsert.put(connection, person, [row_of(taken_back(stays, before, after)), row_of(there)])
    from_, to = (row.person, row.other) if merge else (row.other, row.person)
    _move(connection, facts["links"], from_, to)
    _move_entries(connection, facts["entries"], to, from_)
    ended = {"undone_at": asked.at, "undone_by": asked.by[:128]}
    connection.execute(update(person_change).where(person_change.c.id == row.id).values(ended))
    said: dict[str, str | int] = {"change": row.id, "other": row.other, "links": len(facts["links"])}
    auditing.add(connection, [(asked.at, asked.by, f"un{'merged' if merge else 'split'}", row.person, said)])
    done = connection.execute(select(person_change).where(person_change.c.id == row.id)).one()
    return _change(done)


def _left(connection: Connection, entries: Sequence[Sequence[str]]) -> bool:
    """Whether a directory says of one of its entries that they are not there any more."""
    off = directory_entry.c.active.is_(False) | directory_entry.c.gone.is_(True)
    about = [(directory_entry.c.source == source, directory_entry.c.id == id_) for source, id_ in entries]
    return any(connection.execute(select(directory_entry.c.id).where(*fits, off)).first() for fits in about)


def _off(who: Person) -> Person:
    return _unplain({**_plain(who), "active": False})


def _person(connection: Connection, id_: str) -> Person | None:
    row = connection.execute(select(person).where(person.c.id == id_)).first()
    return person_of(row) if row is not None else None


def _open(connection: Connection, other: str, kind: str) -> bool:
    """Whether a change of that kind that was not taken back made `other` what they are."""
    fits = (person_change.c.other == other, person_change.c.kind == kind, person_change.c.undone_at.is_(None))
    return connection.execute(select(person_change.c.id).where(*fits)).first() is not None


def _standing(person_id: str) -> Any:
    return select(link.c.id).where(link.c.person == person_id, link.c.ended_at.is_(None))


def _entries(person_id: str) -> Any:
    return select(directory_entry.c.source, directory_entry.c.id).where(directory_entry.c.person == person_id)


def _move(connection: Connection, links: Sequence[str], from_: str, to: str) -> None:
    """Those that still stand and are still theirs."""
    for id_ in links:
        theirs = (link.c.id == id_, link.c.person == from_, link.c.ended_at.is_(None))
        moved = connection.execute(update(link).where(*theirs).values(person=to).returning(link.c.key, link.c.kind))
        for key in [row.key for row in moved if row.kind == "device"]:
            mine = select(device_key.c.device).where(device_key.c.key == key)
            connection.execute(update(device).where(device.c.id.in_(mine)).values(person=to))


def _move_entries(connection: Connection, entries: Sequence[Sequence[str]], to: str, from_: str = "") -> None:
    for source, id_ in entries:
        fits = [directory_entry.c.source == source, directory_entry.c.id == id_]
        fits += [directory_entry.c.person == from_] if from_ else []
        connection.execute(update(directory_entry).where(*fits).values(person=to))


def _kept(
    connection: Connection, asked: _Asked, kind: Literal["merge", "split"], facts: Facts, what: str
) -> PersonChange:
    row = {"id": asked.id, "kind": kind, "person": asked.person, "other": asked.other, "by": asked.by[:128]}
    connection.execute(insert(person_change).values(**row, at=asked.at, facts=json.dumps(facts), undone_by=""))
    said: dict[str, str | int] = {"change": asked.id, "other": asked.other, "links": len(facts["links"])}
    auditing.add(connection, [(asked.at, asked.by, what, asked.person, said)])
    return PersonChange(asked.id, kind, asked.person, asked.other, len(facts["links"]), asked.by, asked.at, None, "")


def _change(row: Any) -> PersonChange:
    links = len(json.loads(row.facts)["links"])
    return PersonChange(row.id, row.kind, row.person, row.other, links, row.by, row.at, row.undone_at, row.undone_by)


def _plain(who: Person) -> Facts:
    return {**asdict(who), "roles": sorted(who.roles), "emails": list(who.emails)}


def _unplain(facts: Facts) -> Person:
    return Person(**{**facts, "roles": frozenset(facts["roles"]), "emails": tuple(facts["emails"])})


def _weight(connection: Connection, gone: str, now: int) -> Weight:
    def many(query: Any) -> int:
        return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())

    signed = select(login.c.hash).where(login.c.person == gone, login.c.kind == "session")
    signed = signed.where(login.c.used_at.is_(None), login.c.expires > now)
    reading = select(token.c.hash).where(token.c.person == gone, token.c.ended_at.is_(None))
    return Weight(many(_standing(gone)), many(_entries(gone)), many(reading), many(signed))
