"""One field while a transaction works on it: its row, what was added meanwhile, and what an edit does to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from gateway.store.ledger.rows import spelt
from gateway.store.spans import FIRST
from reconcile.history import history
from reconcile.model import Edit, MergePolicy, Resolution, Standing
from reconcile.plan import ConflictStep, Planned, plan
from reconcile.resolve import binds, value_of

FIGHTS = 3
"""The same written value answered so many times by the same other one: an automation fights us."""


@dataclass(slots=True)
class There:
    """What one target holds of the field, as far as it told us; hashes are keyed."""

    position: int = -1
    raw: str = ""
    seen: str = ""
    written: str = ""
    last_edit: str | None = None
    acked: tuple[str, ...] = ()
    fights: int = 0
    fought: str = ""
    automation: str = ""
    written_at: int | None = None
    dirty: bool = False

    @property
    def disputed(self) -> bool:
        return self.fights >= FIGHTS


@dataclass(slots=True)
class Write:
    """An outbox row that is waiting, sent or refused."""

    id: str
    target: str
    image: str
    state: str
    row: dict[str, Any] | None = None
    """Itself, while it is not stored yet."""


@dataclass(slots=True)
class Field:
    record: str
    name: str
    n: int = 0
    inputs: bytes = b""
    policy_hash: str = ""
    heads: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    streams: dict[str, int] = field(default_factory=dict)
    tidy: bool = True
    decision: str = ""
    decided_at: int = 0
    standing: str | None = None
    standing_value: str | None = None
    standing_image: str = ""
    conflict: str | None = None
    spans: list[int] = field(default_factory=lambda: [FIRST])
    """Of the ledger, in which it has edits."""
    spread: bool = False
    """Whether `spans` came to be more."""
    there: dict[str, There] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    added: list[Edit] = field(default_factory=list)
    known: Standing | None = None
    """`standing` with its value, once somebody needed it."""
    past: list[Edit] | None = None
    reopens: str | None = None
    """The conflict that is open again when one opens now."""
    dirty: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.record, self.name

    def row(self) -> dict[str, Any]:
        return {
            "record": self.record,
            "field": self.name,
            "n": self.n,
            "inputs": self.inputs,
            "policy_hash": self.policy_hash,
            "heads": spelt(self.heads),
            "proposals": spelt(self.proposals),
            "streams": orjson.dumps(self.streams).decode(),
            "tidy": self.tidy,
            "decision": self.decision,
            "decided_at": self.decided_at,
            "standing": self.standing,
            "standing_value": self.standing_value,
            "standing_image": self.standing_image,
            "conflict": self.conflict,
        }


def field_of(row: Any) -> Field:
    """From a row of `field_state`, its columns in the table's order."""
    record, name, n, inputs, policy, heads, proposals, streams, tidy, *rest = row
    decision, decided_at, standing, standing_value, image, conflict = rest
    return Field(
        record=record,
        name=name,
        n=n,
        inputs=bytes(inputs),
        policy_hash=policy,
        heads=tuple(orjson.loads(heads)),
        proposals=tuple(orjson.loads(proposals)),
        streams=orjson.loads(streams),
        tidy=bool(tidy),
        decision=decision,
        decided_at=decided_at,
        standing=standing,
        standing_value=standing_value,
        standing_image=image,
        conflict=conflict,
    )


class Past(Protocol):
    def load(self, it: Field, ids: Sequence[str] | None) -> list[Edit]:
        """The field's stored edits, all of them or those of the given ids, values opened."""
        ...

    def stand(self, it: Field) -> Standing:
        """What stands, with its value."""
        ...


def planned(it: Field, edit: Edit, policy: MergePolicy, policy_hash: str, may_bind: bool, past: Past) -> Planned:
    """What `edit` does. A long history is read only when the answer depends on it: the frontier (heads and open
    proposals) covers every edit while the field is tidy."""
    if it.tidy and it.policy_hash in ("", policy_hash):
        if _covers(it, edit) and _counts(edit, policy, may_bind):
            return _causal(it, edit)
        if _beside(it, edit):
            return plan(past.load(it, it.heads), edit, policy, past.stand(it), may_bind)
    if it.past is None:
        it.past = past.load(it, None)
    return plan(it.past, edit, policy, past.stand(it) if it.n else None, may_bind)


def tidied(it: Field, edit: Edit) -> bool:
    """Whether heads and proposals cover every edit once `edit` is in: no cycle, no parent still unknown."""
    if it.tidy and not _late(it, edit):
        frontier = {*it.heads, *it.proposals}
        if edit.parents <= frontier:
            return True
        if it.past is not None:
            return edit.parents <= {one.id for one in it.past}
    edits = [*(it.past or ()), edit]
    known = {one.id for one in edits}
    return not history(edits).cyclic and all(one.parents <= known for one in edits)


def _late(it: Field, edit: Edit) -> bool:
    if edit.stream is None or edit.watermark is None:
        return False
    return edit.watermark <= it.streams.get(edit.stream, -1)


def _covers(it: Field, edit: Edit) -> bool:
    return edit.parents == {*it.heads, *it.proposals} and not _late(it, edit)


def _counts(edit: Edit, policy: MergePolicy, may_bind: bool) -> bool:
    return binds(edit, policy) and (may_bind or edit.kind not in ("resolve", "revert"))


def _beside(it: Field, edit: Edit) -> bool:
    """One head covers everything, and of what is below it `edit` has seen nothing: the two of them say it all."""
    if len(it.heads) != 1 or it.proposals or not edit.parents <= set(it.heads):
        return False
    return edit.stream is None or edit.stream not in it.streams


def _causal(it: Field, edit: Edit) -> Planned:
    value = value_of(edit)
    resolution = Resolution("causal", edit.id, value, (edit.id,), (), False, ())
    step: ConflictStep = "closed" if it.conflict else "none"
    return Planned(edit, resolution, Standing(edit.id, value), True, step, True)
