"""What a bus is: a durable queue with order inside a lane, redelivery, and a place for what will not go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done once. `lane` orders it; `once` names it: a second one with the same name is dropped."""

    topic: str  # "event" | "refresh" | "observe"
    lane: str
    once: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job handed to the worker for the `tries`-th time. `local` is what was published with it in this process."""

    id: int
    job: Job
    tries: int
    local: object = None


class Bus(Protocol):
    async def publish(self, job: Job, local: object = None) -> bool:
        """Returns when the job is durable; False when its `once` was seen before and nothing was added."""
        ...

    async def start(self, deliver: Callable[[Delivery], None]) -> None:
        """Hands over every unfinished job, in order, then each new one as it is published."""
        ...

    async def ack(self, delivery: Delivery) -> None: ...

    async def retry(self, delivery: Delivery, after: float) -> Delivery:
        """Counts the try; returns the delivery to run again after `after` seconds."""
        ...

    async def park(self, delivery: Delivery, why: str) -> None:
        """Sets it aside where `replay` finds it; the lane goes on."""
        ...

    async def parked(self) -> list[tuple[Delivery, str]]: ...

    async def replay(self, ids: list[int] | None = None) -> int:
        """Takes parked jobs up again from the first try; how many."""
        ...

    async def forget(self, before: int) -> int:
        """Drops remembered `once` names last seen before `before` (ms); how many."""
        ...


Handle = Callable[[Delivery], Awaitable[object]]
