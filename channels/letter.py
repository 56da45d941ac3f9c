"""A message that is kept as it came and read in its turn: nearly all that is said in rooms, and nobody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from channels.value import value

if TYPE_CHECKING:
    from channels.model import Event


@value
class Letter:
    """One `Said` that addresses nobody of ours: of all that comes it is the first to be put off.

    `once` and `room` (the key of its place's room) are what the event in it has; `body` is what `read` takes, without
    anything that must not be kept.
    """

    once: str
    room: str
    body: bytes


@runtime_checkable
class Reads(Protocol):
    """Needed of a channel whose replies hold letters."""

    async def read(self, letter: bytes) -> tuple[Event, ...]:
        """What `receive` would have told of it. Raises `Unreadable`."""
        ...
