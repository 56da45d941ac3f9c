"""What is heard over a connection of ours and not understood. What comes in by the door is counted there."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Misreads(Protocol):
    @property
    def misread(self) -> int:
        """How much of what it listened to was in a form not known here, since it was made."""
        ...
