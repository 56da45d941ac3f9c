"""Jobs that were set aside, told without anything of anybody: the command's and the API's one view of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gateway.bus.model import Bus, Delivery


@dataclass(frozen=True, slots=True)
class Parked:
    """`lane` is a digest: equal lanes stay equal, and nobody can be read from it. `at`: ms since the epoch."""

    id: int
    topic: str
    lane: str
    tries: int
    why: str
    at: int


async def listed(bus: Bus, after: int = 0, limit: int | None = None) -> list[Parked]:
    """By their ids, from the one behind `after` on."""
    return [_told(each, why) for each, why in await bus.parked(after, limit)]


def _told(each: Delivery, why: str) -> Parked:
    lane = hashlib.blake2b(each.job.lane.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return Parked(each.id, each.job.topic, lane, each.tries, why, each.at)
