"""The words of the reconcile engine: plain values, no I/O, no clock.

Every time is an integer of milliseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

EditKind = Literal["set", "clear", "resolve", "revert", "snapshot", "proposal"]
Mode = Literal["authoritative", "master_wins", "last_writer_wins", "review", "merge"]
Fallback = Literal["last_writer_wins", "review"]
Reason = Literal["empty", "causal", "agree", "three_way", "authority", "master", "last_writer", "merged", "review"]
Trigger = Literal["edit", "policy", "operator"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an edit was made. `system` is what a policy names; the rest is shown to people."""

    system: str
    surface: str = ""
    version: str = ""
    instance: str = ""

    @property
    def watermark(self) -> str:
        """As people read it: `[企微插件 v2.3]`, `[Slack card 1.0]`, `[CRM]`."""
        return f"[{' '.join(part for part in (self.surface or self.system, self.version) if part)}]"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made an edit. `id` is a person id, an `ImId.key`, an agent's id, or a CRM user key."""

    kind: Literal["person", "im", "agent", "crm", "system", "unknown"]
    id: str


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one field; immutable, append-only."""

    id: str
    record: str  # RecordRef.key
    field: str
    kind: EditKind
    value: Json
    source: Source
    actor: Actor
    parents: frozenset[str] = frozenset()
    """Ids of what the editor had seen: heads and proposals of the card's token, and ack-map edges."""
    stream: str | None = None
    watermark: int | None = None
    source_time: int | None = None
    ingest_time: int = 0
    effective_time: int = 0
    skewed: bool = False
    once: str = ""
    payload_hash: str = ""
    trace: str = ""
    binding: bool = True
    quarantined: bool = False


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """How a real conflict on a field is decided. `hash` (policy.py) covers every column of it."""

    mode: Mode = "master_wins"
    fallback: Fallback = "review"
    authority: tuple[str, ...] = ()
    master: str | None = None
    rank: tuple[str, ...] = ()
    propose_only: tuple[str, ...] = ()
    min_role: str | None = None
    normaliser: str = "identity"
    merge: Literal["set_union", "counter", "monotone"] | None = None
    order: tuple[str, ...] = ()
    name: str = "default"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What resolve() says. Lists are sorted by code point. A null `winner` is undecided or empty, never cleared."""

    reason: Reason
    winner: str | None
    value: Json
    heads: tuple[str, ...]
    losers: tuple[str, ...]
    conflict: bool
    open_proposals: tuple[str, ...]
    base: str | None = None
    """Winner of the common ancestors of the heads, when they were asked: the card's *before*."""
    why: Mapping[str, str] = field(default_factory=dict)
    """Loser id -> machine-readable reason: why it lost. Not part of the interchange."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The value of the last decision that was no conflict: what cards and targets hold while undecided."""

    winner: str | None
    value: Json


@dataclass(frozen=True, slots=True)
class Decision:
    """One link of a shard's chain. `id` is the trace code shown on cards, for example `7F3A-19C2-…`."""

    id: str
    record: str
    field: str
    trigger: Trigger
    trigger_edit: str | None
    policy: str
    policy_hash: str
    engine: str
    inputs_digest: str
    resolution: Resolution
    value_mac: str
    """HMAC(subject key, canonical value): the chain never covers a value or its plain hash."""
    standing: str | None
    """The winner the standing value came from."""
    at: int
    shard: int
    seq: int
    prev_hash: str
    hash: str
