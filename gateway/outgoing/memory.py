"""Buckets of one gateway alone, in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.outgoing.model import CLAIM_S, GRACE_S, HOLD_S, Bucket, Taken

SECOND = 1_000_000
MOST = 20_000
"""Buckets remembered; those at rest are forgotten first."""


@dataclass(slots=True)
class _State:
    """Times in microseconds. `due`: when the bucket would be full again (GCRA's theoretical arrival time)."""

    due: int = 0
    shut: int = 0
    seen: int = 0
    rank: int = 0
    kept: int = 0
    """Until when those of a worse rank than `rank` are kept waiting."""

    def turn_to(self, now: int) -> None:
        """A clock that was set back must not close the bucket for as long."""
        if (back := self.seen - now) > 0:
            self.due, self.shut, self.kept = self.due - back, self.shut - back, self.kept - back
        self.seen = now

    def free_at(self, bucket: Bucket, now: int) -> int:
        """When it gives again; while somebody holds it, when to look again."""
        if bucket.held:
            return max(min(self.due, now + _step(bucket)), self.shut)
        return max(self.due - (bucket.rate.burst - 1) * _step(bucket), self.shut)


def _step(bucket: Bucket) -> int:
    return round(SECOND / bucket.rate.a_second)


class MemoryBuckets:
    """`clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, _State] = {}

    async def take(self, buckets: Sequence[Bucket], rank: int) -> Taken:
        now = self._now()
        states = [self._state(bucket, now) for bucket in buckets]
        waits = [_wait(state, bucket, rank, now) for state, bucket in zip(states, buckets, strict=True)]
        longest = max(waits)
        if longest > 0:
            for state, bucket in zip(states, buckets, strict=True):
                _claim(state, bucket, rank, now)
            return Taken(waits.index(longest), longest / SECOND)
        hold = 0
        for state, bucket in zip(states, buckets, strict=True):
            hold = _give(state, bucket, rank, now) or hold
        return Taken(hold=hold)

    async def done(self, bucket: Bucket, hold: int, *, used: bool) -> None:
        now = self._now()
        state = self._state(bucket, now)
        if state.due == hold:
            state.due = now + (_step(bucket) if used else 0)

    async def shut(self, bucket: Bucket, seconds: float) -> None:
        now = self._now()
        state = self._state(bucket, now)
        state.shut = max(state.shut, now + int(seconds * SECOND))

    async def close(self) -> None:
        self._states.clear()

    def _now(self) -> int:
        return int(self._clock() * SECOND)

    def _state(self, bucket: Bucket, now: int) -> _State:
        state = self._states.get(bucket.key)
        if state is None:
            if len(self._states) >= MOST:
                self._forget(now)
            state = self._states[bucket.key] = _State(seen=now)
        state.turn_to(now)
        return state

    def _forget(self, now: int) -> None:
        """Those at rest; where more than the bound are at work, those that are free soonest."""
        by_rest = sorted(self._states, key=lambda key: max(self._states[key].due, self._states[key].shut))
        busy = sum(max(state.due, state.shut, state.kept) > now for state in self._states.values())
        for key in by_rest[: max(len(by_rest) - busy, len(by_rest) // 10)]:
            del self._states[key]


def _wait(state: _State, bucket: Bucket, rank: int, now: int) -> int:
    free = state.free_at(bucket, now)
    return max(free, state.kept if rank > state.rank else 0) - now


def _claim(state: _State, bucket: Bucket, rank: int, now: int) -> None:
    free = state.free_at(bucket, now)
    if now < free <= now + CLAIM_S * SECOND and (state.kept <= now or rank <= state.rank):
        state.rank, state.kept = rank, free + int(GRACE_S * SECOND)


def _give(state: _State, bucket: Bucket, rank: int, now: int) -> int:
    if rank <= state.rank:
        state.kept = 0
    if bucket.held:
        state.due = now + int(HOLD_S * SECOND)
        return state.due
    state.due = max(state.due, now) + _step(bucket)
    return 0
