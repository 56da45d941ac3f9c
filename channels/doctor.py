"""What a network says when it is asked what we can do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from channels.model import Place

Able = Literal["yes", "partly", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`partly`: of hearing, only what mentions the bot. `fix` is a msgid, one sentence for whoever can mend it."""

    what: Literal["connect", "hear", "speak", "edit", "whisper", "members"]
    able: Able
    fix: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Doctor(Protocol):
    async def examine(self, place: Place | None) -> tuple[Finding, ...]:
        """What can be done in a room, by the network's own word; without a room: whether it takes us at all
        (`connect`), and what holds for every room. What is not told counts as `unknown`."""
        ...
