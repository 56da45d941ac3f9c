"""Devices and their keys. A key is linked to the device's person, and every change is in the chain."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cards.words import N_
from gateway.clock import Clock
from gateway.errors import Refused
from gateway.store import auditing, upsert
from gateway.store.counters import count
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore, unlink_one
from gateway.store.tables_app import link, person
from gateway.store.tables_people import device, device_code, device_key

CODE_MS = 3_600_000
SCOPES = ("read", "edit")


@dataclass(frozen=True, slots=True)
class Key:
    """`ends_at`: when it is good no more, since another took its place."""

    key: str
    at: int
    ends_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    person: str
    name: str
    scopes: frozenset[str]
    by: str
    at: int
    ended_at: int | None
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bound:
    """A key to be a device's. `code`: its hash, where that says which device; `instead_of`: the key it follows."""

    key: str
    evidence: str
    by: str
    at: int
    device: str = ""
    code: str = ""
    instead_of: str = ""
    overlap: int = 0


class DeviceStore:
    def __init__(self, store: Store, people: PeopleStore, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._clock = clock

    async def add(self, person_id: str, name: str, scopes: frozenset[str], *, by: str) -> Device:
        """Without a key yet. Raises `Refused` for somebody who is not here."""
        who = self._people.person(person_id)
        if who is None or not who.active:
            raise Refused("There is no such person.")
        made = Device(f"dv_{secrets.token_hex(6)}", person_id, name, scopes, by, self._clock.now(), None)
        await self._store.write(_add, made)
        return made

    async def code(self, device_id: str, hash_: str) -> int:
        """Keeps a one-time code; until when it is good."""
        ends = self._clock.now() + CODE_MS
        await self._store.write(_code, (device_id, hash_, ends))
        return ends

    async def bind(self, device_id: str, key: str, *, evidence: str, by: str) -> Device:
        """An admin's word on a key. Raises `Refused`."""
        return await self._bound(_Bound(key, evidence, by, self._clock.now(), device_id))

    async def enrol(self, code: str, key: str, *, evidence: str) -> Device:
        """Whoever holds this key showed the code with that hash. Raises `Refused`."""
        return await self._bound(_Bound(key, evidence, "step:code", self._clock.now(), code=code))

    async def rotate(self, device_id: str, old: str, new: str, *, overlap: int, evidence: str) -> Device:
        """The old key is good for `overlap` ms more. Raises `Refused`."""
        by = f"device:{device_id}"
        return await self._bound(_Bound(new, evidence, by, self._clock.now(), device_id, "", old, overlap))

    async def _bound(self, wish: _Bound) -> Device:
        told: str = await self._store.write(_bind, wish)
        found = await self.one(told)
        if found is None:
            raise Refused(told)
        await self._people.again({found.person})
        return found

    async def revoke(self, device_id: str, *, by: str) -> bool:
        """Every key of it opens nothing from now on; False where it was over already."""
        done = await self._store.write(_revoke, (device_id, by, self._clock.now()))
        if done:
            await self._people.again({done})
        return bool(done)

    async def one(self, device_id: str) -> Device | None:
        query = select(device).where(device.c.id == device_id)
        return next(iter(await self._read(query)), None)

    async def having(self, key: str) -> tuple[Device, Key] | None:
        """The device of a key that is good now."""
        mine = select(device_key.c.device).where(device_key.c.key == key)
        now = self._clock.now()
        for each in await self._read(select(device).where(device.c.id.in_(mine), device.c.ended_at.is_(None))):
            for one in each.keys:
                if one.key == key and one.ended_at is None and (one.ends_at is None or now < one.ends_at):
                    return each, one
        return None

    async def known(self, key: str) -> bool:
        """Whether it was ever a device's: then only that says whether it is good."""
        query = select(device_key.c.key).where(device_key.c.key == key)
        return await self._store.read(lambda connection: connection.execute(query).first() is not None)

    async def listed(self, person_id: str = "", after: str = "", limit: int = 100) -> list[Device]:
        query = select(device).where(device.c.id > after).order_by(device.c.id).limit(limit)
        return await self._read(query.where(device.c.person == person_id) if person_id else query)

    async def _read(self, query: Any) -> list[Device]:
        return await self._store.read(
            lambda connection: [_device(connection, row) for row in connection.execute(query)]
        )


def _device(connection: Connection, row: Any) -> Device:
    mine = select(device_key).where(device_key.c.device == row.id).order_by(device_key.c.at, device_key.c.key)
    keys = tuple(Key(each.key, each.at, each.ends_at, each.ended_at) for each in connection.execute(mine))
    scopes = frozenset(json.loads(row.scopes))
    return Device(row.id, row.person, row.name, scopes, row.by, row.at, row.ended_at, keys)


def _add(connection: Connection, items: Sequence[Device]) -> list[None]:
    for each in items:
        row = {"id": each.id, "person": each.person, "name": each.name, "by": each.by[:128], "at": each.at}
        connection.execute(insert(device).values(**row, scopes=json.dumps(sorted(each.scopes)), ended_by=""))
        facts: dict[str, str | int] = {"device": each.id, "scopes": ",".join(sorted(each.scopes))}
        auditing.add(connection, [(each.at, each.by, "device_added", each.person, facts)])
    return [None] * len(items)


def _code(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[None]:
    rows = [{"hash": hash_, "device": id_, "expires": ends, "used_at": None} for id_, hash_, ends in items]
    upsert.put(connection, device_code, rows)
    return [None] * len(items)


def _bind(connection: Connection, items: Sequence[_Bound]) -> list[str]:
    count(connection, COUNTER)
    return [_bind_one(connection, wish) for wish in items]


def _bind_one(connection: Connection, wish: _Bound) -> str:
    """The device's id, or why not."""
    id_ = _by_code(connection, wish) if wish.code else wish.device
    row = connection.execute(select(device).where(device.c.id == id_, device.c.ended_at.is_(None))).first()
    owner = connection.execute(select(person).where(person.c.id == row.person)).first() if row is not None else None
    if row is None or owner is None or not owner.active:
        return (
            N_("This code is wrong, used or too old.") if wish.code else N_("There is no such device, or it has ended.")
        )
    if connection.execute(select(device_key.c.key).where(device_key.c.key == wish.key)).first() is not None:
        return N_("This key is a device's already, or was one's that has ended. Make a new key.")
    taken = (link.c.kind == "device", link.c.key == wish.key, link.c.ended_at.is_(None))
    if connection.execute(select(link.c.id).where(*taken)).first() is not None:
        return N_("This account belongs to somebody else already. End that link first.")
    if wish.code:
        connection.execute(update(device_code).where(device_code.c.hash == wish.code).values(used_at=wish.at))
    connection.execute(insert(device_key).values(key=wish.key, device=row.id, at=wish.at))
    step = "code" if wish.code else "rotation" if wish.instead_of else "admin"
    made = {"id": secrets.token_hex(8), "person": row.person, "kind": "device", "key": wish.key, "step": step}
    made |= {"evidence": wish.evidence, "made_by": wish.by[:128], "ended_by": ""}
    connection.execute(insert(link).values(**made, at=wish.at, verified_at=wish.at))
    if wish.instead_of:
        older = (device_key.c.device == row.id, device_key.c.key != wish.key, device_key.c.ended_at.is_(None))
        soon = update(device_key).where(*older, device_key.c.ends_at.is_(None)).values(ends_at=wish.at + wish.overlap)
        connection.execute(soon)
    facts: dict[str, str | int] = {"device": row.id, "link": made["id"], "step": step}
    auditing.add(connection, [(wish.at, wish.by, "device_key", row.person, facts)])
    return str(row.id)


def _by_code(connection: Connection, wish: _Bound) -> str:
    good = (device_code.c.hash == wish.code, device_code.c.used_at.is_(None), device_code.c.expires > wish.at)
    return str(connection.execute(select(device_code.c.device).where(*good)).scalar() or "")


def _revoke(connection: Connection, items: Sequence[tuple[str, str, int]]) -> list[str]:
    count(connection, COUNTER)
    return [_revoke_one(connection, id_, by, at) for id_, by, at in items]


def _revoke_one(connection: Connection, id_: str, by: str, at: int) -> str:
    """The person whose it was, or ""."""
    over = update(device).where(device.c.id == id_, device.c.ended_at.is_(None)).values(ended_at=at, ended_by=by[:128])
    row = connection.execute(over.returning(device.c.person)).first()
    if row is None:
        return ""
    keys = connection.execute(select(device_key.c.key).where(device_key.c.device == id_)).scalars().all()
    ended = update(device_key).where(device_key.c.device == id_, device_key.c.ended_at.is_(None))
    connection.execute(ended.values(ended_at=at))
    for key in keys:
        standing = (link.c.kind == "device", link.c.key == key, link.c.ended_at.is_(None))
        for link_id in connection.execute(select(link.c.id).where(*standing)).scalars().all():
            unlink_one(connection, link_id, by, at)
    auditing.add(connection, [(at, by, "device_revoked", row.person, {"device": id_, "keys": len(keys)})])
    return str(row.person)
