"""What a customer record is, whichever CRM it lives in. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from gateway.errors import Refused
from reconcile.model import Json

GATEWAY = "floatcard"
"""What a CRM calls us where it says who changed a record: our own account there, by default under this name."""

Kind = Literal["note", "open_item", "risk", "contact"]
Level = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """Names one record for ever: the CRM's configured name, the kind of record there, its id there."""

    crm: str
    kind: str
    id: str

    @property
    def key(self) -> str:
        return f"{self.crm}:{self.kind}:{self.id}"

    @staticmethod
    def parse(key: str) -> RecordRef:
        crm, kind, id_ = key.split(":", 2)
        return RecordRef(crm, kind, id_)


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A value with where it comes from. `source` is a watermark such as `[CRM]`; `decision` a trace code."""

    value: Json
    source: str = ""
    as_of: int = 0
    decision: str | None = None
    actor: str = ""
    """Display name of who set it, when known and when it may be shown."""
    edit: str | None = None
    undecided: bool = False
    """True while a conflict is open on it: `value` is the standing one."""
    odd: str = ""
    """Why it is not what its field holds, as the CRM spelled it: `not_a_number`, `unknown_choice`, …; "" if it is."""


@dataclass(frozen=True, slots=True)
class Item:
    """One related note, open item, risk or contact.

    `text` is the note, the task, the risk, or the contact's name. `sensitivity` overrides the class of the
    list it is in; `visible_until` ends its visibility.
    """

    id: str
    kind: Kind
    text: str
    at: int = 0
    who: str = ""
    due: int | None = None
    done: bool = False
    level: Level | None = None
    detail: Mapping[str, str] = field(default_factory=dict)
    """A contact's `title`, `phone`, `email`; empty for the others."""
    sensitivity: str | None = None
    visible_until: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One customer as one CRM has it at `version`.

    Of an absent field the CRM says nothing; one whose value is None is empty there.
    """

    ref: RecordRef
    title: str
    url: str
    version: int
    fields: Mapping[str, FieldValue]
    related: Mapping[Kind, tuple[Item, ...]]
    names: tuple[str, ...] = ()
    """What people call it, besides the title: short names, aliases, former names."""
    owners: tuple[str, ...] = ()
    """CRM user ids; `identity` links them to persons."""
    team: str = ""
    region: str = ""
    visible_until: Mapping[str, int] = field(default_factory=dict)
    modified: int = 0
    modified_by: str = ""
    """The CRM user or automation that made this version, when the CRM tells."""
    deleted: bool = False
    merged_into: str = ""
    """Of a deleted one: the id of the record there that it was merged into, where the CRM tells."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field to write. `precondition` is the version the value was decided on; None = unconditional."""

    ref: RecordRef
    field: str
    value: Json
    precondition: int | None
    label: str = ""
    """The watermark of the source, for a CRM that has a slot for it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The CRM took the change; the record is now at `version`. `rendered` is the value as it spells it."""

    version: int
    rendered: Json = None
    overwrote: bool | None = None
    """Whether somebody set the field between our last look and our write, as the CRM's own history tells afterwards.
    None: the CRM does not tell."""
    unseen: tuple[Past, ...] = ()
    """What it was set to there, oldest first, where the CRM's history still has it."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The record had moved: nothing was written."""

    current: Record


class CursorLost(Refused):
    """The CRM no longer knows where its feed was left: it has to be read from the beginning, and may be at once."""


class Absent(Refused):
    """The CRM has no such record, not even a deleted one, or hides it from us."""


class Crm(Protocol):
    """Small; every connector has all of it. Raises `Retry` when down or tired, `Refused` when a person must mend it."""

    name: str

    async def get(self, ref: RecordRef) -> Record:
        """The record now. Raises `Absent` when it does not exist; a deleted one has `deleted=True`."""
        ...

    def changes(self, cursor: str) -> AsyncIterator[tuple[Record, str]]:
        """Records changed after `cursor`, each with the cursor to continue from; `""` walks everything.

        Ends when caught up. Raises `CursorLost` when the CRM no longer continues from there.
        """
        ...

    async def apply(self, change: Change, *, once: str) -> Applied | Conflict:
        """A conditional write; the same `once` again answers what it answered first and writes nothing."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class CrmUser:
    """A CRM account as its directory tells it; `im` maps a channel name to the user's id there."""

    id: str
    name: str
    email: str = ""
    active: bool = True
    im: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    """As the CRM tells them, such as `rep`, `manager`, `admin`; empty where it does not."""
    team: str = ""
    region: str = ""


@runtime_checkable
class Counts(Protocol):
    async def count(self) -> int:
        """How many records a first run walks, as of now; it measures progress and decides nothing."""
        ...


@runtime_checkable
class Lives(Protocol):
    """Of a CRM whose feed does not tell what was erased."""

    async def live(self, ids: Sequence[str]) -> frozenset[str]:
        """Which of these records are there and not deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Hook:
    """A request by which a CRM says that something changed. `url` as its sender saw it; header names are small."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@runtime_checkable
class Hooks(Protocol):
    async def hear(self, hook: Hook) -> tuple[RecordRef, ...]:
        """The records it speaks of; they are read, and what it says of them is not taken over, so that one that
        comes late, twice or in the wrong order does no harm. Raises `Rejected` and `Unreadable`."""
        ...


@runtime_checkable
class Users(Protocol):
    async def users(self) -> tuple[CrmUser, ...]: ...


@runtime_checkable
class Addresses(Protocol):
    def addressed(self, url: str) -> RecordRef | None:
        """The record whose page in the CRM has this address, by its form alone; None for any other address."""
        ...


@runtime_checkable
class AddsNote(Protocol):
    async def add_note(self, ref: RecordRef, text: str, who: str, *, once: str) -> Item: ...


@dataclass(frozen=True, slots=True)
class FieldInfo:
    name: str
    label: str
    type: Literal["text", "phone", "email", "decimal", "date", "choice", "other"]
    """`other`: none of ours fits it; it can be read as text."""
    options: tuple[str, ...] = ()
    writable: bool = True
    native: str = ""
    """What the CRM itself calls the type."""
    labels: tuple[str, ...] = ()
    """What people read for each option, where an option is a number or a code; else empty."""


@runtime_checkable
class Describes(Protocol):
    async def describe(self, kind: str) -> tuple[FieldInfo, ...]:
        """What the CRM offers, under its own names. Of a mapped field `name` is what a mapping calls `theirs`."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """One change of a field as the CRM's own history tells it. `field` is ours; `version` where the CRM counts."""

    field: str
    value: Json
    at: int
    who: str = ""
    source: str = ""
    """What made it there: a person's screen, an import, a workflow, an integration."""
    version: int | None = None


@runtime_checkable
class Remembers(Protocol):
    async def history(self, ref: RecordRef, *, since: int = 0) -> tuple[Past, ...]:
        """Oldest first, from `since` (ms) on; empty where the CRM keeps none of this record."""
        ...
