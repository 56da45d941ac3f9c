"""What a bus is: a durable queue with order inside a lane, redelivery, and a place for what will not go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeAlias

from channels.value import value

Rank: TypeAlias = Literal["edit", "room", "alert", "card"]
"""What it is worth when too much waits: a card is put off first, then an alert, then what keeps rooms in step
(who joined, what was deleted); an edit never."""


@value
class Job:
    """Work to be done once. `lane` orders it; `once` names it: a second one with the same name is dropped.

    `here`: run in this process, at once; by another one only when this one is gone.
    `rank`: told by whoever publishes an event; of everything else the topic says it.
    """

    topic: str  # "event", or what is to be drawn: "record", "room", "alert", …
    lane: str
    once: str
    body: bytes
    here: bool = False
    rank: Rank | None = None


@value
class Delivery:
    """A job handed to the worker for the `tries`-th time. `local` is what was published with it in this process;
    None when an earlier process may have begun it.

    `held` is what the bus knows its hold on the job by; it means nothing to anybody else.
    `suspect`: an earlier process may have died of it: `begin` it before it runs. `starts`: how often it was begun and
    never ended. `at`: published, or parked (ms).
    """

    id: int
    job: Job
    tries: int
    local: object = None
    held: object = None
    suspect: bool = False
    starts: int = 0
    at: int = 0


Deliver = Callable[[Delivery], None]


class Bus(Protocol):
    """Every method that reaches the queue raises `Retry` while it is away; the same call again is safe."""

    @property
    def shared(self) -> bool:
        """Whether other processes work on it too."""
        ...

    emptied: Callable[[], Awaitable[None]] | None
    """Called when the queue was found to have lost what it held."""

    @property
    def waiting(self) -> int:
        """Jobs not done with, in all processes, as far as is known just now; costs nothing to ask."""
        ...

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

    async def begin(self, delivery: Delivery) -> None:
        """Durably notes that a suspect runs now; `ack`, `retry`, `park` and a clean `close` take that back."""
        ...

    async def spare(self, delivery: Delivery) -> None:
        """Takes back what `begin` noted, of a suspect that still runs and has not `begin`-ed since."""
        ...

    async def ack(self, delivery: Delivery) -> None: ...

    async def retry(self, delivery: Delivery, after: float) -> Delivery:
        """Counts the try; returns the delivery to run again after `after` seconds."""
        ...

    async def park(self, delivery: Delivery, why: str) -> None:
        """Sets it aside where `replay` finds it; the lane goes on."""
        ...

    async def parked(self, after: int = 0, limit: int | None = None) -> list[tuple[Delivery, str]]:
        """By their ids, from the one behind `after` on; `limit`: at most so many."""
        ...

    async def aside(self) -> tuple[int, int | None]:
        """How many are parked, and when the oldest of them was (ms)."""
        ...

    async def replay(self, ids: list[int] | None = None) -> int:
        """Takes parked jobs up again from the first try; how many. On a bus that was not started whoever works on the
        queue takes them up, within seconds."""
        ...

    async def look(self) -> int:
        """Hands over what another process' `replay` took up again; how many. To be called every second or so."""
        ...

    async def discard(self, before: int) -> int:
        """Drops some of what was parked before `before` (ms); how many. Call again until it says 0."""
        ...

    async def forget(self, before: int) -> int:
        """Drops some of the `once` names last seen before `before` (ms), but of jobs that still wait; how many. Call
        again until it says 0."""
        ...

    async def epoch(self) -> int:
        """A number that `bump` makes grow, in whichever process on this bus it is called."""
        ...

    async def bump(self) -> None: ...


Handle = Callable[[Delivery], Awaitable[object]]
