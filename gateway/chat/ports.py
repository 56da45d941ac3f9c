"""What the demo page asks of the house around it. The gateway hands these in; each may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One step of what happened, told from the decision trail. Lines with the same `turn` are one story."""

    id: int
    turn: str
    at: int
    """Milliseconds since the epoch."""
    room: str
    label: str
    text: str
    tone: str = "neutral"
    trace: str = ""


UNTOLD = "\0"
"""The room of a line that is there only so that a window moves past it: nobody is told it."""


class TrailSource(Protocol):
    async def since(self, after: int, locale: str, limit: int, reader: str = "") -> Sequence[TrailLine]:
        """The oldest lines with an id above `after`, in order of id, at most `limit`.

        `reader`: the chat's id of the one it is for; what that person may not know is not among them.
        """
        ...

    async def wait(self, after: int, timeout: float) -> None:  # noqa: ASYNC109 - the answer may be "nothing yet"
        """Returns when there is a line above `after`, or when `timeout` seconds are over."""
        ...


class DeskHit(NamedTuple):
    id: str
    title: str
    city: str = ""


@dataclass(frozen=True, slots=True)
class DeskField:
    name: str
    value: str
    label: str = ""
    kind: Literal["text", "phone", "email", "decimal", "date", "choice", "long"] = "text"
    options: tuple[str, ...] = ()
    writable: bool = True
    at: int = 0
    by: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """By language; `label` where one has none."""
    option_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of an option, by language; without one it is shown as it is."""


@dataclass(frozen=True, slots=True)
class DeskRisk:
    text: str
    level: str


@dataclass(frozen=True, slots=True)
class DeskRecord:
    id: str
    title: str
    version: int
    fields: tuple[DeskField, ...]
    risks: tuple[DeskRisk, ...] = ()


class CrmDesk(Protocol):
    """The CRM's own screen: what happens here happens behind the gateway's back. Raises `Refused`."""

    async def search(self, query: str) -> Sequence[DeskHit]: ...

    async def read(self, id: str) -> DeskRecord: ...

    async def write(self, id: str, field: str, value: str, by: str) -> None: ...

    async def raise_risk(self, id: str, by: str) -> None: ...


class DemoClock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch, jumps included."""
        ...

    def advance(self, seconds: int) -> None: ...
