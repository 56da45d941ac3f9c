"""People, what links them to accounts, and who hears what. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from channels.model import Sender
from crm.model import Record

Scene = Literal["group", "external_group", "direct", "console", "document", "device", "approval"]
Action = Literal["view", "edit", "act"]
Sensitivity = Literal["public", "internal", "confidential", "restricted"]


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    roles: frozenset[str] = frozenset()
    """For example `rep`, `manager`, `admin`, `marketing`, `employee`; empty = not mapped to any."""
    team: str = ""
    region: str = ""
    external: bool = False
    active: bool = True
    locale: str = ""
    zone: str = ""
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A person's account. `key`: `ImId.key`, `<crm>:<user id>`, a certificate's fingerprint, `<issuer>#<sub>`; or, of a
    customer's own person, `<record>#<contact>`."""

    id: str
    person: str
    kind: Literal["im", "crm", "device", "oidc", "contact"]
    key: str
    step: str
    """Which step made it: link | email | crm_field | code | admin | import."""
    evidence: str
    made_by: str
    at: int
    verified_at: int
    ended_at: int | None = None
    ended_by: str = ""


class People(Protocol):
    """What the steps ask of the store."""

    async def by_link(self, kind: str, key: str) -> Person | None:
        """The active person of a link that has not ended."""
        ...

    async def by_email(self, email: str) -> Person | None: ...

    async def link(
        self,
        person: str,
        kind: Literal["im", "crm", "device", "oidc", "contact"],
        key: str,
        *,
        step: str,
        evidence: str,
        made_by: str,
    ) -> Link:
        """Raises `Refused` when the account is another person's already."""
        ...


Step: TypeAlias = Callable[[Sender, People], Awaitable[Person | None]]


@dataclass(frozen=True, slots=True, order=True)
class Attributes:
    """What a policy may know of a member; members with equal ones are judged once."""

    roles: tuple[str, ...] = ()
    team: str = ""
    region: str = ""
    external: bool = True
    mapped: bool = False


BOTTOM = Attributes()
"""No role, external, unmapped: what anybody uncertain counts as."""


@dataclass(frozen=True, slots=True)
class Application:
    """What carries what is disclosed to its readers: a channel by its name, or the bearer of a token by the token's.

    `reads`, `writes`: selectors of fields that the token brings along; None adds nothing to what is configured.
    """

    name: str
    reads: frozenset[str] | None = None
    writes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone who can read a room, counted by attributes. `persons` maps each owner-to-be to its attributes."""

    scene: Scene
    counts: Mapping[Attributes, int]
    persons: Mapping[str, Attributes] = field(default_factory=dict)
    """Mapped members by person id, for the ownership of a record's few owners."""
    complete: bool = True
    at: int = 0
    kind: str = ""
    """Of a room: group, public or direct."""
    application: Application | None = None
    """None: our own console."""
    presumed: frozenset[Attributes] = field(default=frozenset(), compare=False)
    """Attributes of which one reader is on no list: whoever else a shared or public room, or an incomplete list, has.
    For what is told alone: a decision looks at `counts`."""

    @property
    def listed(self) -> Mapping[Attributes, int]:
        """As `counts`, of those alone who are known to be there."""
        return {who: count - (who in self.presumed) for who, count in self.counts.items()}

    @property
    def empty(self) -> bool:
        return not any(self.counts.values())


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why a field is absent: its class, and the attributes of those who may not see it."""

    sensitivity: Sensitivity
    because: tuple[Attributes, ...]
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disclosed:
    """The record with what may be shown; fields and lists that may not are absent.

    `valid_until` is the nearest time at which the answer may change by itself; None = not by itself.
    `name` says whether even the name may be shown; when False nothing is to be posted.
    """

    record: Record
    valid_until: int | None
    withheld: Mapping[str, Withheld]
    name: bool
    editable: frozenset[str] = frozenset()
