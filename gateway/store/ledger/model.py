"""What goes into the ledger and what comes out. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from crm.model import GATEWAY, Record
from reconcile.model import Actor, Decision, Edit, EditKind, Json, MergePolicy, Reason, Source
from reconcile.plan import ConflictStep
from reconcile.token import Seen, Status

WriteState = Literal["", "saved_here", "in_crm", "refused", "in_doubt", "disputed"]
"""How far the standing value has come towards the CRM; "" when nothing was ever to be written."""

Answer = Literal["done", "superseded", "gone"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One change of one field, as it came in."""

    record: str
    field: str
    kind: EditKind
    value: Json
    source: Source
    actor: Actor
    once: str
    """The same `once` with the same contents is answered as the first time; with others it is quarantined."""
    seen: Seen | None = None
    """What the card's token proves. None where the surface can carry no token: then the parents are this actor's
    own last edit of the field there, unless `parents` are given."""
    parents: frozenset[str] = frozenset()
    stream: str | None = None
    watermark: int | None = None
    source_time: int | None = None
    online: bool = True
    trace: str = ""
    roles: frozenset[str] | None = None
    """Those of the authenticated person who made it, as it came. None: `role_ok` says what they would."""
    role_ok: bool = False
    """The actor may settle and undo whatever the policy's `min_role` is."""
    binding: bool = True
    quarantined: bool = False
    """Kept and shown, and never counted: its source was set back."""

    def may_bind(self, policy: MergePolicy) -> bool:
        """Whether its actor settles and undoes under the policy that decides: not under one that was known before."""
        if self.roles is None:
            return self.role_ok
        return policy.min_role is None or policy.min_role in self.roles


@dataclass(frozen=True, slots=True)
class Ingested:
    first: bool
    """False for a redelivery: the rest is what was answered the first time."""
    quarantined: bool
    edit_id: str
    decision: Decision
    standing: Json
    standing_winner: str | None
    changed: bool
    """Cards that show the field must be repainted."""
    conflict: ConflictStep
    conflict_id: str | None
    seen: Status | None = None
    read: tuple[str, ...] = ()
    """Targets worth reading: they hold the value, but are not known to have seen the edits it came from."""

    @property
    def reason(self) -> Reason:
        return self.decision.resolution.reason

    @property
    def winner(self) -> str | None:
        return self.decision.resolution.winner

    @property
    def value(self) -> Json:
        return self.decision.resolution.value

    @property
    def heads(self) -> tuple[str, ...]:
        return self.decision.resolution.heads

    @property
    def losers(self) -> tuple[str, ...]:
        return self.decision.resolution.losers


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A CRM's record as it was read. `began`: when the read began; only then it can tell what it had seen."""

    record: Record
    source: Source
    stream: str = ""
    """By default the CRM's name; an operator's new epoch is `crm#2`."""
    began: int = 0
    key: str = ""
    """The ledger's record, where that is not the CRM's own."""
    trace: str = ""

    @property
    def target(self) -> str:
        return self.record.ref.crm

    @property
    def about(self) -> str:
        return self.key or self.record.ref.key

    @property
    def by(self) -> str:
        """Who changed something there by themselves; empty when it does not say. A CRM names who wrote a record last:
        that may be ourselves, with another field than the one that somebody had changed before."""
        return "" if self.record.modified_by == GATEWAY else self.record.modified_by


@dataclass(frozen=True, slots=True)
class Observed:
    """`held`: a write to this record is unanswered, so nothing was read; read again after its answer.
    `stale`: the CRM has told us of a later version already; `rewound`: and was read anew since, so it was set back.
    `lag`: milliseconds from the change there to its decision here, where it is news and the CRM says when it was."""

    held: bool = False
    stale: bool = False
    ingested: tuple[Ingested, ...] = ()
    rewound: bool = False
    lag: int | None = None
    life: Ingested | None = None
    """Its record was deleted there, merged into another, or restored."""

    @property
    def changed(self) -> bool:
        return any(each.changed for each in (*self.ingested, *([self.life] if self.life else [])))


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a numbered edit: `held` until those before it have come; `late`: its number was given up waiting
    for, or came before the stream was known here; `rewound`: its number was taken by another edit long ago."""

    state: Literal["taken", "held", "late", "rewound"]
    ingested: Ingested | None = None
    """None while it is held."""
    freed: tuple[Ingested, ...] = ()
    """Those that had waited for it."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """An edit as a card shows it. `value` is None once `erased_at` is set."""

    edit: str
    kind: EditKind
    value: Json
    system: str
    source: str
    actor_kind: str
    actor: str
    at: int
    erased_at: int | None = None
    why: str = ""
    """Why it lost, as `resolve` says."""
    undoes: str = ""
    """The settlement it took back, so that its conflict is open again."""
    restates: str = ""
    """The side it says again then: who said that first, where and when are shown for it."""


@dataclass(frozen=True, slots=True)
class FieldState:
    """What stands. While a conflict is open `value` is the one from before it."""

    record: str
    field: str
    value: Json
    source: str
    system: str
    actor_kind: str
    actor: str
    as_of: int
    decision: str
    edit: str | None
    reason: Reason
    heads: tuple[str, ...]
    proposals: tuple[str, ...]
    conflict: str | None = None
    challengers: tuple[Challenger, ...] = ()
    """The heads of an open conflict."""
    proposed: tuple[Challenger, ...] = ()
    base: Challenger | None = None
    """The last value both sides had seen, while a conflict is open."""
    write: WriteState = ""
    why_refused: str = ""
    """What the target said, or the automation that keeps writing over it."""
    written_at: int = 0
    """When the last of the targets took the value; 0 where that is not known any more."""
    erased_at: int | None = None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One edit and the decision made when it came. `n` counts a field's edits from 1."""

    n: int
    edit: Challenger
    decision: str
    at: int
    reason: Reason
    winner: str | None
    conflict: bool
    policy: str
    trace: str
    binding: bool
    quarantined: bool
    skewed: bool
    parents: tuple[str, ...]
    losers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision, explained: the edits it speaks of by id, and the policy in force as canonical JSON."""

    decision: Decision
    edits: Mapping[str, Challenger]
    policy: str
    trigger: Edit | None
    erased_at: int | None = None


@dataclass(frozen=True, slots=True)
class ConflictCase:
    id: str
    record: str
    field: str
    opened_at: int
    closed_at: int | None
    closed_by: str | None
    """The decision that closed it."""
    settled_edit: str | None
    settled_by: str


@dataclass(frozen=True, slots=True)
class Before:
    """What stood before an edit: the value to restore, and the edit it came from."""

    edit: str | None
    value: Json


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One field to write to one target. `precondition` is the newest version of the record known here; None means
    the record was never read there: read it first. `id` is the idempotency key."""

    id: str
    target: str
    record: str
    field: str
    value: Json
    precondition: int | None
    label: str
    decision: str
    tries: int
    erased: bool = False
    trace: str = ""
    """The turn that the edit came in, with its span where that is recorded."""
