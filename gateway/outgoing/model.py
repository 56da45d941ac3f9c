"""What is asked for before anything goes out: a permit of every bucket a call counts against."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from channels.model import Limits, Rate
from gateway.errors import Retry
from gateway.turn import Purpose

HOLD_S = 20.0
"""For so long at most a silent network's room is kept by one call; longer than any call may take."""
CLAIM_S = 10.0
"""A place in the queue is kept for whoever may go within this time."""
GRACE_S = 0.25
"""And for so long beyond that moment, for them to come back."""


class Rank(IntEnum):
    """Who goes first. A better rank that waits keeps a worse one waiting, in whichever gateway that is."""

    PRESS = 0
    WHISPER = 1
    ALERT = 2
    CARD = 3
    REPAINT = 4


def rank_of(purpose: Purpose, *, repaint: bool = False, pressed: bool = False) -> Rank:
    if pressed:
        return Rank.PRESS
    if repaint:
        return Rank.REPAINT
    return {"whisper": Rank.WHISPER, "alert": Rank.ALERT}.get(purpose, Rank.CARD)


class Limited(Retry):
    """Our own limit, not the network's: nothing was sent. `limit` is the bucket's scope."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """`key` is the same in every gateway. `held`: one call at a time, and the pause begins when it has ended."""

    key: str
    rate: Rate
    scope: str  # "network" | "method" | "room"
    held: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A permit of every bucket; or of none, and then how long (s) the `which`-th of them has to be waited for."""

    which: int = -1
    wait: float = 0.0
    hold: int = 0
    """What `done` is told of a held bucket."""

    @property
    def granted(self) -> bool:
        return self.which < 0


class Buckets(Protocol):
    """Kept by one gateway for itself or by several together. Every method raises `Retry` while the keeper is away."""

    async def take(self, buckets: Sequence[Bucket], rank: int) -> Taken:
        """All or nothing. Within any T seconds a bucket gives `burst + a_second * T` permits at most.

        Whoever is turned away by a bucket has it kept for a while from those of a worse rank.
        """
        ...

    async def done(self, bucket: Bucket, hold: int, *, used: bool) -> None:
        """A held bucket is let go; not `used`: nothing was sent, and the next may go at once."""
        ...

    async def shut(self, bucket: Bucket, seconds: float) -> None:
        """Gives nothing for so long; an earlier, longer word stands."""
        ...

    async def close(self) -> None: ...


def buckets_of(channel: str, limits: Limits, method: str, room: str) -> tuple[Bucket, ...]:
    """What one call counts against: its room's rates, its method's and the network's. `room` is ours to digest."""
    found = _rooms(channel, limits, room) if room and method in limits.room_counts else []
    if method in limits.methods:
        found.append(Bucket(f"{channel}/m/{method}", limits.methods[method], "method"))
    found.append(Bucket(f"{channel}/n", Rate(limits.total_rate, limits.total_burst), "network"))
    return tuple(found)


def _rooms(channel: str, limits: Limits, room: str) -> list[Bucket]:
    name = hashlib.blake2b(room.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    burst = 1 if limits.silent else limits.room_burst
    first = Bucket(f"{channel}/r/{name}", Rate(limits.room_rate, burst), "room", held=limits.silent)
    further = limits.room_also if room.startswith(limits.room_also_prefix) else ()
    also = (Bucket(f"{channel}/r{n}/{name}", rate, "room") for n, rate in enumerate(further))
    return [first, *also]
