"""Time is injected: everything that waits or stamps asks a clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The system's time, but it never goes back: set back, it goes on a tenth slower until the system has caught up.

    So what waits for a moment comes, and what was stamped stays in order, whatever is done to the system's clock.
    Where several gateways read each other's stamps they follow one clock, and the system's is not looked at any more.
    """

    def __init__(self) -> None:
        self._ahead: int | None = None
        """Of the clock that is followed, before the monotonic one (ns)."""
        self._at = self._system()
        self._since = time.monotonic_ns()

    def now(self) -> int:
        since = time.monotonic_ns()
        passed, self._since = max(since - self._since, 0), since
        told = self._system() if self._ahead is None else self._ahead + since
        self._at = max(told, self._at + passed * 9 // 10)
        return self._at // 1_000_000

    def follow(self, told: int, moment: int) -> None:
        """Another clock said `told` (ns since the epoch, UTC) when the monotonic one here was at `moment` (ns)."""
        first, self._ahead = self._ahead is None, told - moment
        if first:  # nothing was stamped yet: there is nothing to stay in order with
            self._since = time.monotonic_ns()
            self._at = self._ahead + self._since

    def _system(self) -> int:
        return time.time_ns()


class ShiftedClock(SystemClock):
    """The system's clock, moved ahead: the demo jumps over ten minutes, a test over a day."""

    def __init__(self, shift: int = 0) -> None:
        super().__init__()
        self._shift = shift

    def now(self) -> int:
        return super().now() + self._shift

    def advance(self, seconds: int) -> None:
        if seconds < 0:
            raise ValueError("a clock only moves ahead")
        self._shift += seconds * 1000

    @property
    def shift(self) -> int:
        return self._shift
