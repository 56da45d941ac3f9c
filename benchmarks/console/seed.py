"""A deployment that is lived in: customers, rooms, people, edits, conflicts, cards, alerts and reports.

Customers, their values and the open conflicts are real: sealed, and decided by the ledger. Older edits are put in the
same tables in their shapes, with values that open; their hashes are filler: the chain of such a store does not verify.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from benchmarks.console import made
from benchmarks.console.made import DAY_MS, Row, Sizes
from benchmarks.float.seed import names
from crm.model import FieldValue, Item, Record, RecordRef
from gateway.house import House
from gateway.store import spans, sql
from gateway.store.ledger import Incoming
from gateway.store.ledger.field import Field
from gateway.store.mirror import dump
from gateway.store.tables_app import account, alert, link, member, mirror, person, room, slot, slot_record
from gateway.store.tables_ledger import conflict, decision, edit, field_state, shard_head, subject_key, value
from gateway.store.tables_mentioning import lesson
from gateway.store.vault import Vault, sealed_value
from reconcile.model import Actor, Source
from reconcile.token import Seen

CHUNK = 5000
SHARDS = 16
FIELDS = ("phone", "address", "stage", "tier", "renewal")


async def seed(house: House, sizes: Sizes) -> None:
    """The house is to be opened again afterwards: what it keeps in memory is read at its start."""
    s, now = house.services, house.services.clock.now()
    vault = house.services.mirror._vault
    records = [_record(n, name, now) for n, name in enumerate(names(sizes.customers))]
    for some in _chunks(records):
        await s.store.write(_mirrored, (vault, some, now))
    await _rows(house, person, made.people(sizes.people))
    await _rows(house, link, made.links(sizes.people, now))
    await _rows(house, room, made.rooms(sizes.rooms, now))
    await _rows(house, member, made.members(sizes))
    await _rows(house, account, made.accounts(sizes, now))
    await _past(house, vault, sizes, now)
    await _rows(house, conflict, _settled(sizes, now))
    await _rows(house, alert, made.alerts(sizes, now))
    await _rows(house, slot, made.slots(sizes, now))
    await _rows(house, slot_record, made.slot_records(sizes))
    await _rows(house, lesson, made.lessons(sizes, now))
    await _disputes(house, sizes, now)


def _record(n: int, name: str, now: int) -> Record:
    told = {"phone": f"+86 512 555{n:05d}", "address": f"{n} Harbour Road", "stage": "qualified"}
    fields = {key: FieldValue(each, "[CRM]", now) for key, each in told.items()}
    notes = (Item(f"n{n}", "note", "Wants a comparison before the renewal", now - DAY_MS, "Li Ting"),)
    ref = RecordRef("local", "account", f"c{n}")
    return Record(ref, name, "", 1, fields, {"note": notes}, team="east", owners=(f"user{n % 50}",), modified=now)


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
    """Spread over all that trace codes can be, as those of sixty days are."""
    text = f"{n * 0x9E37_79B9_7F4A_7C15 % 2**64:016X}"  # odd, so that none comes twice
    return "-".join(text[at : at + 4] for at in (0, 4, 8, 12))


def _edited(connection: Connection, items: Sequence[tuple[Vault, range, Sizes, int, Any]]) -> list[None]:
    for vault, numbers, sizes, now, heads in items:
        touched = {made.key(n % sizes.customers) for n in numbers}
        keys = vault.keys(connection, touched)
        edits, decisions, values, states = list[Row](), list[Row](), list[Row](), dict[tuple[str, str], Row]()
        for n in numbers:
            record, name = made.key(n % sizes.customers), FIELDS[n // sizes.customers % len(FIELDS)]
            heads[record, name] = number = heads.get((record, name), 0) + 1
            at = now - 60 * DAY_MS + n * 59 * DAY_MS // sizes.edits
            edits.append(_edit(n, record, name, number, at, sizes.people))
            states[record, name] = _state(n, record, name, number, at)
            decisions.append(_decision(n, record, name, at))
            values.append(sealed_value(keys[record], record, f"old{n}", json.dumps(f"value {n}").encode()))  # type: ignore[arg-type]
        for table, rows in ((value, values), (edit, edits), (decision, decisions)):
            sql.store(connection, table, rows)
        sql.store(connection, field_state, list(states.values()), "replace")
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
        "span": spans.FIRST,
    }


def _state(n: int, record: str, name: str, number: int, at: int) -> Row:
    """Of a field whose newest edit is `n`."""
    id_ = f"old{n}"
    held = {"heads": (id_,), "standing": id_, "standing_value": id_, "decision": _code(n), "decided_at": at}
    return Field(record, name, number, **held).row()  # type: ignore[arg-type]


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
        known = {"record": made.key(n % sizes.customers), "field": FIELDS[n // sizes.customers % len(FIELDS)]}
        rows.append(
            {"id": f"done{at}", **known, "opened_at": closed - 3_600_000, "closed_at": closed, "closed_by": _code(n)}
        )
    return rows


async def _disputes(house: House, sizes: Sizes, now: int) -> None:
    """Two who had not seen each other, through the ledger."""
    ledger, source = house.services.ledger, Source("web", "Web card", "1.0")
    chosen = [made.key(n) for n in range(sizes.customers - sizes.disputed, sizes.customers)]
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
