"""Time is injected: everything that waits or stamps asks a clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000


class ShiftedClock:
    """The system's clock, moved ahead: the demo jumps over ten minutes, a test over a day."""

    def __init__(self, shift: int = 0) -> None:
        self._shift = shift

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self._shift

    def advance(self, seconds: int) -> None:
        if seconds < 0:
            raise ValueError("a clock only moves ahead")
        self._shift += seconds * 1000

    @property
    def shift(self) -> int:
        return self._shift
