"""What was verified becomes a job in the bus; only then is it acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from channels.letter import Letter
from channels.model import Answer, Event, Pressed, Said, Submitted
from gateway import codec, telemetry
from gateway.admitting import crowded, put_off, rank_of
from gateway.bus.model import Job
from gateway.services import Services
from gateway.worker import PRESS

LETTER = b"\x02"
"""What the body of a letter's job begins with: no event's does, so that a gateway which knows no letters parks it."""


class Broken(Exception):
    """A bug: the one who waits is told its reference, the log has the rest."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """The request that a press came in. Whoever comes first ends it: its answer, or its patience."""

    answer: asyncio.Future[Answer]

    def tell(self, answer: Answer) -> bool:
        """False when nobody waits any more: then the answer goes its own way."""
        if self.answer.done():
            return False
        self.answer.set_result(answer)
        return True

    def fail(self, why: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(why)


@dataclass(frozen=True, slots=True)
class Accepted:
    event: Event
    waiter: Waiter | None = None


def lane_of(event: Event) -> str:
    """A room's order is kept; a press or a form never waits behind messages."""
    if isinstance(event, Pressed | Submitted):
        return f"{PRESS}{event.once}"
    return _room_lane(event.where.room_key)


def _room_lane(room: str) -> str:
    return f"room:{room}"


async def accept(s: Services, event: Event, waiter: Waiter | None = None) -> bool:
    """Durable when it returns, or noted as put off, in the turn it came in; False when this event was accepted before.
    Raises `Retry` when the network has to bring it again."""
    rank = rank_of(event, awaited=waiter is not None)
    if crowded(s, rank):
        await put_off(s, type(event), event.where.room_key, rank)
        return True
    here = isinstance(event, Pressed | Submitted)  # whoever pressed waits for the answer in this process
    with telemetry.span("publish", channel=event.where.channel, kind=type(event).__name__):
        job = Job("event", lane_of(event), event.once, telemetry.packed(codec.encode(event)), here)
        return await s.bus.publish(job, Accepted(event, waiter))


async def put_by(s: Services, channel: str, letter: Letter) -> bool:
    """As `accept`, of what is read later."""
    if crowded(s, "card"):
        await put_off(s, Said, letter.room, "card")
        return True
    with telemetry.span("publish", channel=channel, kind="Said"):
        body = telemetry.packed(b"%b%b\n%b" % (LETTER, channel.encode(), letter.body))
        return await s.bus.publish(Job("event", _room_lane(letter.room), letter.once, body), letter)
