"""A deployment that is lived in: customers, rooms, people, edits, conflicts, cards, alerts and reports, in their tables.

Customers, their values and the open conflicts are real: sealed, and decided by the ledger. Older edits are put in the
same tables in their shapes, with values that open; their hashes are filler, so the chain of such a store does not verify.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from benchmarks.float.seed import names
from crm.model import FieldValue, Item, Record, RecordRef
from gateway.app import House
from gateway.store import sql
from gateway.store.ledger import Incoming
from gateway.store.mirror import dump
from gateway.store.tables_app import account, alert, link, member, mirror, person, room, slot, slot_record
from gateway.store.tables_ledger import conflict, decision, edit, shard_head, subject_key, value
from gateway.store.tables_mentioning import lesson
from gateway.store.vault import Vault, sealed_value
from reconcile.model import Actor, Source
from reconcile.token import Seen

DAY_MS = 86_400_000
CHUNK = 5000
SHARDS = 16
FIELDS = ("phone", "address", "stage", "tier", "renewal")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    customers: int
    rooms: int
    people: int
    edits: int
    disputed: int
    settled: int
    alerts: int
    cards: int
    reports: int


FULL = Sizes(
    customers=100_000,
    rooms=2_000,
    people=5_000,
    edits=300_000,
    disputed=300,
    settled=3_000,
    alerts=5_000,
    cards=20_000,
    reports=20_000,
)
SMALL = Sizes(
    customers=400, rooms=60, people=80, edits=2_000, disputed=30, settled=60, alerts=120, cards=200, reports=200
)


async def seed(house: House, sizes: Sizes) -> None:
    """The house is to be opened again afterwards: what it keeps in memory is read at its start."""
    s, now = house.services, house.services.clock.now()
    vault = house.services.mirror._vault
    records = [_record(n, name, now) for n, name in enumerate(names(sizes.customers))]
    for some in _chunks(records):
        await s.store.write(_mirrored, (vault, some, now))
    await _rows(house, person, _people(sizes.people))
    await _rows(house, link, _links(sizes.people, now))
    await _rows(house, room, _rooms(sizes.rooms, now))
    await _rows(house, member, _members(sizes))
    await _rows(house, account, _accounts(sizes, now))
    await _past(house, vault, sizes, now)
    await _rows(house, conflict, _settled(sizes, now))
    await _rows(house, alert, _alerts(sizes, now))
    await _rows(house, slot, _slots(sizes, now))
    await _rows(house, slot_record, _slot_records(sizes))
    await _rows(house, lesson, _lessons(sizes, now))
    await _disputes(house, sizes, now)


def _record(n: int, name: str, now: int) -> Record:
    told = {"phone": f"+86 512 555{n:05d}", "address": f"{n} Harbour Road", "stage": "qualified"}
    fields = {key: FieldValue(each, "[CRM]", now) for key, each in told.items()}
    notes = (Item(f"n{n}", "note", "Wants a comparison before the renewal", now - DAY_MS, "Li Ting"),)
    ref = RecordRef("local", "account", f"c{n}")
    return Record(ref, name, "", 1, fields, {"note": notes}, team="east", owners=(f"user{n % 50}",), modified=now)


def _key(n: int) -> str:
    return f"local:account:c{n}"


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[first : first + CHUNK] for first in range(0, len(rows), CHUNK))


async def _rows(house: House, table: Any, rows: Sequence[Row]) -> None:
    for some in _chunks(rows):
        await house.services.store.write(_stored, (table, some))


def _stored(connection: Connection, items: Sequence[tuple[Any, Sequence[Row]]]) -> list[None]:
    for table, rows in items:
        sql.store(connection, table, rows, "keep")
    return [None] * len(items)


def _mirrored(connection: Connection, items: Sequence[tuple[Vault, Sequence[Record], int]]) -> list[None]:
    for vault, records, at in items:
        keys = {each.ref.key: (each, vault._wrap(random.randbytes(32), each.ref.key)) for each in records}
        sql.store(
            connection,
            subject_key,
            [{"subject": key, "wrapped": wrapped, "erased_at": None} for key, (_, wrapped) in keys.items()],
        )
        rows = [_mirror_row(vault, key, each, wrapped, at) for key, (each, wrapped) in keys.items()]
        sql.store(connection, mirror, rows)
    return [None] * len(items)


def _mirror_row(vault: Vault, key: str, each: Record, wrapped: bytes, at: int) -> Row:
    opened = vault.opened(key, wrapped, None)
    sealed = opened.seal(dump(each), f"blob {key}")  # type: ignore[union-attr]
    owner = f"local:{each.owners[0]}"
    return {"ref": key, "crm": "local", "version": 1, "sealed": sealed, "deleted": False, "at": at, "owner": owner}


# -- people and rooms


def _people(count: int) -> list[Row]:
    roles = (["rep", "employee"], ["marketing", "employee"], ["employee"], ["rep", "employee", "manager"])
    more = {"external": False, "active": True, "locale": "", "zone": ""}
    return [
        {
            "id": f"p{n}",
            "name": f"Person {n}",
            "roles": json.dumps(roles[n % 4]),
            "team": ("east", "south", "north")[n % 3],
            "region": "",
            "emails": json.dumps([f"person{n}@example.com"]),
            **more,
        }
        for n in range(count)
    ]


def _im(n: int) -> str:
    return f"web/demo/user/u{n}"


def _links(count: int, now: int) -> list[Row]:
    made = {"step": "import", "evidence": "seeded", "made_by": "bench", "at": now, "verified_at": now}
    ends = {"ended_at": None, "ended_by": ""}
    return [{"id": f"l{n}", "person": f"p{n}", "kind": "im", "key": _im(n), **made, **ends} for n in range(count)]


def _rooms(count: int, now: int) -> list[Row]:
    told = {"complete": True, "rostered_at": now, "told_at": 0, "locale": ""}
    return [
        {
            "key": f"web/room{n:05d}",
            "title": f"room {n}",
            "kind": "public" if n % 10 == 0 else "group",
            "external": n % 50 == 0,
            "quiet_until": now + DAY_MS if n % 40 == 0 else 0,
            **told,
        }
        for n in range(count)
    ]


def _members(sizes: Sizes) -> list[Row]:
    """Twenty each; in every tenth room a guest, and in every room one whom nobody has mapped."""
    rows: list[Row] = []
    for n in range(sizes.rooms):
        key = f"web/room{n:05d}"
        rows += [
            {"room": key, "im": _im((n * 7 + at) % sizes.people), "name": f"Person {n}", "kind": "member"}
            for at in range(20)
        ]
        rows.append({"room": key, "im": f"web/demo/user/new{n % 500}", "name": f"New {n}", "kind": "member"})
        if n % 10 == 0:
            rows.append({"room": key, "im": f"web/demo/user/guest{n}", "name": f"Guest {n}", "kind": "guest"})
    return rows


def _accounts(sizes: Sizes, now: int) -> list[Row]:
    return [
        {
            "im": f"web/demo/user/new{n}",
            "name": f"New {n}",
            "kind": "member",
            "room": f"web/room{n % sizes.rooms:05d}",
            "seen_at": now - n,
        }
        for n in range(min(500, sizes.rooms))
    ]


# -- the past


async def _past(house: House, vault: Vault, sizes: Sizes, now: int) -> None:
    """Edits of the last 60 days, each with its value and decision."""
    heads: dict[tuple[str, str], int] = {}
    for first in range(0, sizes.edits, CHUNK):
        last = min(first + CHUNK, sizes.edits)
        await house.services.store.write(_edited, (vault, range(first, last), sizes, now, heads))
    rows = [
        {"shard": shard, "seq": (sizes.edits - 1 - shard) // SHARDS + 1, "hash": "a" * 64} for shard in range(SHARDS)
    ]
    await _rows(house, shard_head, rows)


def _code(n: int) -> str:
    text = f"{n + 0x7F3A_0000_0000_0000:016X}"
    return "-".join(text[at : at + 4] for at in (0, 4, 8, 12))


def _edited(connection: Connection, items: Sequence[tuple[Vault, range, Sizes, int, Any]]) -> list[None]:
    for vault, numbers, sizes, now, heads in items:
        touched = {_key(n % sizes.customers) for n in numbers}
        keys = vault.keys(connection, touched)
        edits, decisions, values = list[Row](), list[Row](), list[Row]()
        for n in numbers:
            record, name = _key(n % sizes.customers), FIELDS[n // sizes.customers % len(FIELDS)]
            heads[record, name] = number = heads.get((record, name), 0) + 1
            at = now - 60 * DAY_MS + n * 59 * DAY_MS // sizes.edits
            edits.append(_edit(n, record, name, number, at, sizes.people))
            decisions.append(_decision(n, record, name, at))
            values.append(sealed_value(keys[record], record, f"old{n}", json.dumps(f"value {n}").encode()))  # type: ignore[arg-type]
        for table, rows in ((value, values), (edit, edits), (decision, decisions)):
            sql.store(connection, table, rows)
    return [None] * len(items)


def _edit(n: int, record: str, name: str, number: int, at: int, people: int) -> Row:
    by = ("person", f"p{n % people}") if n % 3 else ("unknown", "")
    return {
        "id": f"old{n}",
        "record": record,
        "field": name,
        "n": number,
        "kind": "set",
        "value": f"old{n}",
        "value_mac": "0" * 64,
        "system": "web" if n % 3 else "local",
        "surface": "Web card" if n % 3 else "CRM",
        "source_version": "1.0",
        "instance": "",
        "actor_kind": by[0],
        "actor": by[1],
        "parents": "[]",
        "stream": None,
        "watermark": None,
        "source_time": None,
        "ingest_time": at,
        "effective_time": at,
        "skewed": False,
        "once": f"old-{n}",
        "payload_hash": "0" * 64,
        "trace": f"{n:010x}",
        "binding": True,
        "quarantined": False,
        "decision": _code(n),
    }


def _decision(n: int, record: str, name: str, at: int) -> Row:
    return {
        "shard": n % SHARDS,
        "seq": n // SHARDS + 1,
        "id": _code(n),
        "record": record,
        "field": name,
        "cause": "edit",
        "cause_edit": f"old{n}",
        "policy": "default",
        "policy_hash": "0" * 64,
        "engine": "1",
        "inputs_digest": "0" * 64,
        "reason": "causal",
        "winner": f"old{n}",
        "heads": f'["old{n}"]',
        "why": "{}",
        "conflict": False,
        "proposals": "[]",
        "base": None,
        "value_mac": "0" * 64,
        "standing": f"old{n}",
        "at": at,
        "prev_hash": "0" * 64,
        "hash": "0" * 64,
    }


def _settled(sizes: Sizes, now: int) -> list[Row]:
    step = max(sizes.edits // sizes.settled, 1)
    rows: list[Row] = []
    for at in range(sizes.settled):
        n = min(at * step, sizes.edits - 1)
        closed = now - 60 * DAY_MS + n * 59 * DAY_MS // sizes.edits
        known = {"record": _key(n % sizes.customers), "field": FIELDS[n // sizes.customers % len(FIELDS)]}
        rows.append(
            {"id": f"done{at}", **known, "opened_at": closed - 3_600_000, "closed_at": closed, "closed_by": _code(n)}
        )
    return rows


async def _disputes(house: House, sizes: Sizes, now: int) -> None:
    """Two who had not seen each other, through the ledger."""
    ledger, source = house.services.ledger, Source("web", "Web card", "1.0")
    chosen = [_key(n) for n in range(sizes.customers - sizes.disputed, sizes.customers)]
    for who, value_ in (("p1", "one@example.com"), ("p2", "two@example.com")):
        given = [
            Incoming(
                each,
                "email",
                "set",
                value_,
                source,
                Actor("person", who),
                f"bench-{who}-{each}",
                Seen("ok", ()),
                role_ok=True,
            )
            for each in chosen
        ]
        for some in _chunks(given):
            await asyncio.gather(*(ledger.ingest(each) for each in some))


# -- what floated, what was reported, what people were told


def _alerts(sizes: Sizes, now: int) -> list[Row]:
    states = ("open", "acknowledged", "acknowledged", "over", "snoozed")
    return [
        {
            "id": f"a{n}",
            "rule": "risk_high" if n % 3 else "conflict_open",
            "record": _key(n % sizes.customers),
            "subject": f"r{n}:1",
            "state": states[n % 5],
            "since": now - n * 60_000,
            "by": f"p{n % sizes.people}" if n % 5 in (1, 2) else "",
            "until": now + DAY_MS if n % 5 == 4 else 0,
            "trace": "",
        }
        for n in range(sizes.alerts)
    ]


def _slots(sizes: Sizes, now: int) -> list[Row]:
    rows: list[Row] = []
    for n in range(sizes.cards):
        key = f"web/room{n % sizes.rooms:05d}"
        at = now - n * 30 * DAY_MS // sizes.cards
        rows.append(
            {
                "id": f"s{n}",
                "place": f"{key}/",
                "room": key,
                "purpose": "card",
                "subject": f"m{n}",
                "message": json.dumps([f"{key}/", f"m{n}"]),
                "digest": "0" * 32,
                "audience": "",
                "valid_until": None,
                "painted_at": at,
                "posted_at": at,
                "state": "{}",
            }
        )
    return rows


def _slot_records(sizes: Sizes) -> list[Row]:
    return [{"slot": f"s{n}", "record": _key(n * 5 % sizes.customers)} for n in range(sizes.cards)]


def _lessons(sizes: Sizes, now: int) -> list[Row]:
    kinds = ("shown", "shown", "shown", "used", "shown", "wrong", "shown", "none", "shown", "picked")
    return [
        {
            "id": f"t{n}",
            "name": f"name {n % 700}",
            "room": f"web/room{n % sizes.rooms:05d}",
            "message": f"m{n}",
            "record": _key(n % sizes.customers),
            "kind": kinds[n % 10],
            "by": f"p{n % sizes.people}",
            "at": now - n * 30 * DAY_MS // sizes.reports,
            "ended_at": None,
            "ended_by": "",
        }
        for n in range(sizes.reports)
    ]
