"""What a bus is: a durable queue with order inside a lane, redelivery, and a place for what will not go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done once. `lane` orders it; `once` names it: a second one with the same name is dropped.

    `here`: run in this process, at once; by another one only when this one is gone.
    """

    topic: str  # "event" | "record" | "room"
    lane: str
    once: str
    body: bytes
    here: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job handed to the worker for the `tries`-th time. `local` is what was published with it in this process;
    None when an earlier process may have begun it.

    `held` is what the bus knows its hold on the job by; it means nothing to anybody else.
    """

    id: int
    job: Job
    tries: int
    local: object = None
    held: object = None


Deliver = Callable[[Delivery], None]


class Bus(Protocol):
    """Every method that reaches the queue raises `Retry` while it is away; the same call again is safe."""

    shared: bool
    """Whether other processes work on it too."""

    emptied: Callable[[], Awaitable[None]] | None
    """Called when the queue was found to have lost what it held."""

    async def publish(self, job: Job, local: object = None) -> bool:
        """Returns when the job is durable; False when its `once` was seen before and nothing was added."""
        ...

    async def start(self, deliver: Deliver) -> None:
        """Hands over every unfinished job, in order, then each new one as it is published."""
        ...

    async def close(self) -> None:
        """Lets go of every job that is not acknowledged: whoever starts next, or another process now, takes it."""
        ...

    def holds(self, delivery: Delivery) -> bool:
        """Whether it is still this process's to run. What is not was, or will be, handed to another."""
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
        """Drops remembered `once` names last seen before `before` (ms), but of jobs that still wait; how many."""
        ...

    async def epoch(self) -> int:
        """A number that `bump` makes grow, in whichever process on this bus it is called."""
        ...

    async def bump(self) -> None: ...


Handle = Callable[[Delivery], Awaitable[object]]
