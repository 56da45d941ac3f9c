"""Rows of the ledger as the engine's values and back, and the digests that make them tamper-evident."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter
from typing import Any, cast

import orjson

from gateway.store.ledger.model import Challenger
from gateway.store.tables_ledger import decision as decision_table
from gateway.store.tables_ledger import edit as edit_table
from gateway.store.vault import Erased
from gateway.telemetry import plain
from reconcile.canonical import canonical
from reconcile.chain import trace_code
from reconcile.model import Actor, Decision, Edit, Json, MergePolicy, Resolution, Source, Trigger
from reconcile.resolve import ENGINE

EDIT = ", ".join(f"e.{column.name}" for column in edit_table.columns)
DECISION = ", ".join(f"d.{column.name}" for column in decision_table.columns)
VALUE = "v.id, v.subject, v.ciphertext, k.wrapped, k.erased_at"
WITH_VALUE = "LEFT JOIN value v ON v.id = e.value LEFT JOIN subject_key k ON k.subject = v.subject"

_EDIT = [column.name for column in edit_table.columns]
_DECISION = [column.name for column in decision_table.columns]
_COVERED = itemgetter(*(name for name in _EDIT if name not in ("decision", "span")))
_FLAGS = {"skewed", "binding", "quarantined"}
_WITHIN = (1 << 2048) - 1


def edit_row(edit: Edit, n: int, value_mac: str, decision: str = "", span: int = 0) -> dict[str, Any]:
    return {
        "id": edit.id,
        "record": edit.record,
        "field": edit.field,
        "n": n,
        "kind": edit.kind,
        "value": None if edit.value is None else edit.id,
        "value_mac": value_mac,
        "system": edit.source.system,
        "surface": edit.source.surface,
        "source_version": edit.source.version,
        "instance": edit.source.instance,
        "actor_kind": edit.actor.kind,
        "actor": edit.actor.id,
        "parents": listed(edit.parents),
        "stream": edit.stream,
        "watermark": edit.watermark,
        "source_time": edit.source_time,
        "ingest_time": edit.ingest_time,
        "effective_time": edit.effective_time,
        "skewed": edit.skewed,
        "once": edit.once,
        "payload_hash": edit.payload_hash,
        "trace": edit.trace,
        "binding": edit.binding,
        "quarantined": edit.quarantined,
        "decision": decision,
        "span": span,
    }


def edit_columns(row: Any) -> dict[str, Any]:
    """The columns of a row selected as `EDIT`, first in it; flags as bool on either database."""
    columns = dict(zip(_EDIT, row, strict=False))
    return {name: flag(it) if name in _FLAGS else it for name, it in columns.items()}


def edit_of(columns: Mapping[str, Any], value: Json) -> Edit:
    c = columns
    return Edit(
        id=c["id"],
        record=c["record"],
        field=c["field"],
        kind=c["kind"],
        value=value,
        source=Source(c["system"], c["surface"], c["source_version"], c["instance"]),
        actor=Actor(c["actor_kind"], c["actor"]),
        parents=frozenset(orjson.loads(c["parents"])),
        stream=c["stream"],
        watermark=c["watermark"],
        source_time=c["source_time"],
        ingest_time=c["ingest_time"],
        effective_time=c["effective_time"],
        skewed=c["skewed"],
        once=c["once"],
        payload_hash=c["payload_hash"],
        trace=plain(c["trace"]),
        binding=c["binding"],
        quarantined=c["quarantined"],
    )


_UNDOES = "undoes:"


def restating(settlement: str, side: str) -> str:
    """The instance of an edit that says a side again, when the settlement it lost to is undone."""
    return f"{_UNDOES}{settlement}/{side}"


def restated(kind: str, instance: str) -> tuple[str, str]:
    """The settlement an edit took back and the edit it says again; empty for any other edit."""
    if kind != "revert" or not instance.startswith(_UNDOES):
        return "", ""
    settlement, _, side = instance.removeprefix(_UNDOES).partition("/")
    return settlement, side


def challenger(columns: Mapping[str, Any], value: Json | Erased, why: str = "") -> Challenger:
    c = columns
    erased = value.at if isinstance(value, Erased) else None
    watermark = Source(c["system"], c["surface"], c["source_version"]).watermark
    shown = None if isinstance(value, Erased) else value
    undoes, restates = restated(c["kind"], c["instance"])
    said = (c["id"], c["kind"], shown, c["system"], watermark, c["actor_kind"], c["actor"], c["effective_time"])
    return Challenger(*said, erased, why, undoes, restates)


def edit_digest(columns: Mapping[str, Any]) -> bytes:
    """SHA-256 over every column but the decision and the span, which follows from it; the value is covered by its
    MAC."""
    return hashlib.sha256(orjson.dumps(_COVERED(columns))).digest()


def joined(inputs: bytes, digest: bytes) -> bytes:
    """The set hash with one more edit in it: a sum of expanded digests modulo 2^2048, so that it does not depend
    on their order and adding one costs the same however many there are."""
    spread = int.from_bytes(hashlib.shake_256(digest).digest(256), "big")
    return ((int.from_bytes(inputs, "big") + spread) & _WITHIN).to_bytes(256, "big")


def inputs_digest(inputs: bytes) -> str:
    """What a decision records of the edits it was made from."""
    return hashlib.sha256(inputs).hexdigest()


def sealed(
    *,
    record: str,
    field: str,
    trigger_edit: str | None,
    policy: str,
    policy_hash: str,
    inputs_digest: str,
    resolution: Resolution,
    value_mac: str,
    standing: str | None,
    at: int,
    shard: int,
    seq: int,
    prev_hash: str,
    trigger: Trigger = "edit",
) -> Decision:
    """The decision `reconcile.chain.seal` makes, to the byte, at a fraction of its cost."""
    identity = (prev_hash, shard, seq, record, field, trigger, trigger_edit, policy_hash, ENGINE, inputs_digest)
    columns: dict[str, Any] = {
        "id": trace_code(at, _digest(identity)),
        "record": record,
        "field": field,
        "trigger": trigger,
        "trigger_edit": trigger_edit,
        "policy": policy,
        "policy_hash": policy_hash,
        "engine": ENGINE,
        "inputs_digest": inputs_digest,
        "value_mac": value_mac,
        "standing": standing,
        "at": at,
        "shard": shard,
        "seq": seq,
        "prev_hash": prev_hash,
    }
    said = {
        "reason": resolution.reason,
        "winner": resolution.winner,
        "heads": resolution.heads,
        "losers": resolution.losers,
        "conflict": resolution.conflict,
        "open_proposals": resolution.open_proposals,
        "base": resolution.base,
        "why": dict(resolution.why),
    }
    return Decision(**columns, resolution=resolution, hash=_digest({**columns, "resolution": said}))


def _digest(value: Any) -> str:
    """Of the canonical spelling, which orjson makes too as long as all is ASCII: in NFC, and nothing has a fraction."""
    spelling = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(spelling if spelling.isascii() else canonical(value)).hexdigest()


def decision_row(decision: Decision) -> dict[str, Any]:
    resolution = decision.resolution
    return {
        "shard": decision.shard,
        "seq": decision.seq,
        "id": decision.id,
        "record": decision.record,
        "field": decision.field,
        "cause": decision.trigger,
        "cause_edit": decision.trigger_edit,
        "policy": decision.policy,
        "policy_hash": decision.policy_hash,
        "engine": decision.engine,
        "inputs_digest": decision.inputs_digest,
        "reason": resolution.reason,
        "winner": resolution.winner,
        "heads": spelt(resolution.heads),
        "why": orjson.dumps(dict(resolution.why)).decode(),
        "conflict": resolution.conflict,
        "proposals": spelt(resolution.open_proposals),
        "base": resolution.base,
        "value_mac": decision.value_mac,
        "standing": decision.standing,
        "at": decision.at,
        "prev_hash": decision.prev_hash,
        "hash": decision.hash,
    }


def decision_of(row: Any, value: Json = None) -> Decision:
    """From a row selected as `DECISION`, first in it."""
    c = dict(zip(_DECISION, row, strict=False))
    why = orjson.loads(c["why"])
    resolution = Resolution(
        c["reason"],
        c["winner"],
        value,
        tuple(orjson.loads(c["heads"])),
        tuple(why),
        flag(c["conflict"]),
        tuple(orjson.loads(c["proposals"])),
        c["base"],
        why,
    )
    return Decision(
        id=c["id"],
        record=c["record"],
        field=c["field"],
        trigger=c["cause"],
        trigger_edit=c["cause_edit"],
        policy=c["policy"],
        policy_hash=c["policy_hash"],
        engine=c["engine"],
        inputs_digest=c["inputs_digest"],
        resolution=resolution,
        value_mac=c["value_mac"],
        standing=c["standing"],
        at=c["at"],
        shard=c["shard"],
        seq=c["seq"],
        prev_hash=c["prev_hash"],
        hash=c["hash"],
    )


def policy_document(policy: MergePolicy) -> str:
    return canonical(cast("Json", asdict(policy))).decode()


def flag(stored: Any) -> bool:
    """SQLite keeps a flag as 0 or 1, PostgreSQL as itself; anything else was never written here."""
    if stored not in (0, 1):
        raise ValueError("not a flag")
    return bool(stored)


def listed(ids: Iterable[str]) -> str:
    return spelt(sorted(ids))


def spelt(ids: Sequence[str]) -> str:
    """Of ids that are sorted already, as those of a resolution are."""
    return orjson.dumps(ids).decode()
