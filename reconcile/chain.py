"""The chain of decisions: each covers the one before it, so what is altered, missing or reordered is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Final, NamedTuple, cast

from reconcile.canonical import canonical
from reconcile.model import Decision, Json, Resolution, Trigger

GENESIS: Final = "0" * 64
"""`prev_hash` of the first decision of every shard; its `seq` is 1."""

_CODE_DIGITS: Final = 16
_MOMENT_DIGITS: Final = 5
_REST_DIGITS: Final = _CODE_DIGITS - _MOMENT_DIGITS
_STEP_MS: Final = 64
_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None, "#": None})

Heads = Mapping[int, tuple[int, str]]
"""The newest decision of each shard: shard -> (seq, hash)."""


class Fault(NamedTuple):
    """Where a chain stops being what was written; `seq` is the first row concerned."""

    shard: int
    seq: int
    what: str


def decision_hash(decision: Decision) -> str:
    """SHA-256 (hex) over every column but `hash`. The value itself is covered by `value_mac` alone, so that
    erasing it leaves the chain whole."""
    columns = {column.name: getattr(decision, column.name) for column in fields(decision)}
    del columns["hash"]
    columns["resolution"] = _resolution(decision.resolution)
    return _digest(cast("Json", columns))


def _resolution(resolution: Resolution) -> dict[str, object]:
    columns = {column.name: getattr(resolution, column.name) for column in fields(resolution)}
    del columns["value"]
    return columns


def _digest(value: Json) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def seal(
    *,
    record: str,
    field: str,
    trigger: Trigger,
    trigger_edit: str | None,
    policy: str,
    policy_hash: str,
    engine: str,
    inputs_digest: str,
    resolution: Resolution,
    value_mac: str,
    standing: str | None,
    at: int,
    shard: int,
    seq: int,
    prev_hash: str,
) -> Decision:
    """The next link of `shard`, with its trace code and its hash. The first has `seq` 1 and `prev_hash` GENESIS."""
    what = (prev_hash, shard, seq, record, field, trigger, trigger_edit, policy_hash, engine, inputs_digest)
    code = trace_code(at, _digest(list(what)))
    decision = Decision(
        id=code,
        record=record,
        field=field,
        trigger=trigger,
        trigger_edit=trigger_edit,
        policy=policy,
        policy_hash=policy_hash,
        engine=engine,
        inputs_digest=inputs_digest,
        resolution=resolution,
        value_mac=value_mac,
        standing=standing,
        at=at,
        shard=shard,
        seq=seq,
        prev_hash=prev_hash,
        hash="",
    )
    return replace(decision, hash=decision_hash(decision))


def inputs_digest(edit_ids: Iterable[str]) -> str:
    """SHA-256 (hex) of the sorted edit ids a decision was made from."""
    return _digest(cast("Json", sorted(set(edit_ids))))


def trace_code(at: int, digest: str) -> str:
    """64 bits as people read and type them, `7F3A-19C2-8D40-5B71`: the first 20 count steps of 64 ms and come round
    every 18.6 hours, the others are of `digest`, the decision's identity in SHA-256 (hex). `at` in ms since 1970.

    Codes of one moment lie together in an index however long it is, where random ones would each have to be put into
    a page of its own; and as the moments come round, the codes of a long time are spread over all there are.
    """
    return _grouped(f"{at // _STEP_MS % 16**_MOMENT_DIGITS:0{_MOMENT_DIGITS}x}{digest[:_REST_DIGITS]}".upper())


def read_trace_code(text: str) -> str | None:
    """The trace code somebody typed: any case, with or without dashes, O for 0, I or L for 1; None when it is none."""
    digits = text.strip().upper().translate(_LOOKALIKES)
    right = len(digits) == _CODE_DIGITS and all(digit in "0123456789ABCDEF" for digit in digits)
    return _grouped(digits) if right else None


def _grouped(digits: str) -> str:
    return "-".join(digits[at : at + 4] for at in range(0, _CODE_DIGITS, 4))


@lru_cache(16_384)
def shard_of(record: str, shards: int) -> int:
    """Spreads records over the chains so that no single chain serialises every writer."""
    raw = hashlib.sha256(record.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(raw[:8], "big") % shards


def verify(decisions: Iterable[Decision], root: Heads | None = None) -> Fault | None:
    """The first fault, reading rows in the given order (each shard by its seq); None when there is none.

    Without a published `root` a cut tail cannot be seen: the answer vouches up to `heads_of`.
    """
    newest: dict[int, tuple[int, str]] = {}
    expected = dict(root or {})
    for decision in decisions:
        fault = _link(newest.get(decision.shard, (0, GENESIS)), decision)
        if fault is not None:
            return fault
        published = expected.get(decision.shard)
        if published is not None and published[0] == decision.seq and published[1] != decision.hash:
            return Fault(decision.shard, decision.seq, "not the row the published root covers")
        newest[decision.shard] = (decision.seq, decision.hash)
    return _cut(newest, expected)


def _link(previous: tuple[int, str], decision: Decision) -> Fault | None:
    seq, last = previous
    if decision.seq > seq + 1:
        return Fault(decision.shard, seq + 1, "missing")
    if decision.seq < seq + 1:
        return Fault(decision.shard, decision.seq, "reordered or repeated")
    if not _intact(decision):
        return Fault(decision.shard, decision.seq, "altered")
    if decision.prev_hash != last:
        return Fault(decision.shard, decision.seq, "does not follow the row before it")
    return None


def _intact(decision: Decision) -> bool:
    try:
        return decision_hash(decision) == decision.hash
    except ValueError:
        return False


def _cut(newest: Heads, expected: Heads) -> Fault | None:
    for shard, (seq, _) in sorted(expected.items()):
        have = newest.get(shard, (0, GENESIS))[0]
        if have < seq:
            return Fault(shard, have + 1, "missing: the published root covers it")
    return None


def heads_of(decisions: Iterable[Decision]) -> dict[int, tuple[int, str]]:
    return {decision.shard: (decision.seq, decision.hash) for decision in decisions}


def daily_root(heads: Heads) -> str:
    """SHA-256 (hex) over the newest decision of every shard."""
    return _digest([[shard, seq, hash_] for shard, (seq, hash_) in sorted(heads.items())])


@dataclass(frozen=True, slots=True)
class Root:
    """A published root: what `floatcard audit verify --root FILE` holds the chains against."""

    at: int
    heads: Heads

    def document(self) -> str:
        heads = [[shard, seq, hash_] for shard, (seq, hash_) in sorted(self.heads.items())]
        return json.dumps({"at": self.at, "heads": heads, "root": daily_root(self.heads)}, indent=1) + "\n"

    @staticmethod
    def read(document: str) -> Root:
        """Raises ValueError when the document is none, or its root is not that of its heads."""
        match _json(document):
            case {"at": int(at), "heads": list(rows), "root": str(root)}:
                heads = dict(_head(row) for row in rows)
                if daily_root(heads) == root:
                    return Root(at, heads)
                raise ValueError("the root is not that of the heads beside it")
        raise ValueError("not a published root")


def _json(document: str) -> object:
    try:
        return json.loads(document)
    except RecursionError:
        raise ValueError("not a published root") from None


def _head(row: object) -> tuple[int, tuple[int, str]]:
    match row:
        case [int(shard), int(seq), str(hash_)]:
            return shard, (seq, hash_)
    raise ValueError("not a published root")
