"""One for each that is called (`targets.py`): whoever is down is asked by one, now and then, and by nobody else."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeVar

from gateway.clock import Clock
from gateway.errors import Refused, Retry, Unsure
from gateway.metrics import BREAKER

T = TypeVar("T")
State = Literal["closed", "half-open", "open"]

THRESHOLD = 5
"""Failures one after another, without a success between them, that open it."""
FIRST_MS = 1_000
LONGEST_MS = 60_000
PROBE_S = 0.5
"""How long to wait for the answer to somebody else's probe."""
LEVELS: Mapping[State, int] = {"closed": 0, "half-open": 1, "open": 2}


class Breaker:
    """Failures are `Retry` without a limit, and whatever the network itself raises; a refusal is an answer."""

    def __init__(self, target: str, clock: Clock, *, jitter: Callable[[], float] = random.random) -> None:
        self.target = target
        self.failures = 0
        """One after another; 0 while the target answers."""
        self._clock = clock
        self._jitter = jitter
        self._opened = 0
        self._until = 0
        self._tripped = 0
        self._probing = False
        BREAKER.labels(target).set_function(lambda: LEVELS[self.state])

    @property
    def state(self) -> State:
        if not self._tripped:
            return "closed"
        return "half-open" if self._probing or self._ripe() else "open"

    @property
    def after(self) -> float:
        """Seconds until the next probe; 0 when calls go through."""
        if not self._tripped:
            return 0.0
        left = 0.0 if self._ripe() else (self._until - self._clock.now()) / 1000
        return max(left, PROBE_S) if self._probing else left

    def check(self) -> None:
        """Raises `Retry` when a call now would not be let through."""
        if self._tripped and (self._probing or not self._ripe()):
            raise Retry(max(self.after, PROBE_S), f"{self.target} does not answer; asked again soon")

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Fails fast while it is open; the first call after its time is the probe."""
        probe = self._begin()
        try:
            done = await work()
        except Refused:
            self._well()
            raise
        except (Retry, OSError) as broke:
            if _answered(broke):
                self._well()
            else:
                self._failed(probe)
            raise
        finally:
            if probe:
                self._probing = False
        self._well()
        return done

    def attempt(self, work: Callable[[], bool]) -> bool:
        """`run`, in a thread: False, or whatever is raised, is a failure. Raises `Retry` while it is open."""
        probe, well = self._begin(), False
        try:
            well = work()
        finally:
            if well:
                self._well()
            else:
                self._failed(probe)
            if probe:
                self._probing = False
        return well

    def _begin(self) -> bool:
        """Whether this call is the probe."""
        self.check()
        self._probing = bool(self._tripped)
        return self._probing

    def _ripe(self) -> bool:
        # A clock that was set back must not keep it open for as long.
        return not self._opened <= self._clock.now() < self._until

    def _well(self) -> None:
        self.failures = self._tripped = 0

    def _failed(self, probe: bool) -> None:
        self.failures += 1
        if probe or (not self._tripped and self.failures >= THRESHOLD):
            wait = min(FIRST_MS * 2 ** min(self._tripped, 16), LONGEST_MS)
            self._tripped += 1
            self._opened = self._clock.now()
            self._until = self._opened + int(wait * (0.8 + 0.4 * self._jitter()))


def _answered(broke: Exception) -> bool:
    """Whether the target was there: it says that it has enough, or refused the read after our own write."""
    refused = isinstance(broke, Unsure) and isinstance(broke.__cause__, Refused)
    return refused or (isinstance(broke, Retry) and bool(broke.limit))


class Breakers(dict[str, Breaker]):
    """By the names of `targets.py`; made when first asked for."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def __missing__(self, target: str) -> Breaker:
        made = self[target] = Breaker(target, self._clock)
        return made
