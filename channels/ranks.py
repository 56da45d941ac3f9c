"""Where a network's rooms have moderators of their own: what changes a room for everybody in it is theirs to allow."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from channels.model import ImId, Place

What = Literal["quiet", "bind"]


@runtime_checkable
class Ranks(Protocol):
    async def allow(self, place: Place, who: ImId, what: What) -> None:
        """Raises `Refused`, with what it takes, unless the room lets this account do that there."""
        ...
