"""A word to somebody alone, of its own accord: in the first of the places that takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.bus.model import Delivery
from gateway.handlers import assigned, consent, losses, strangers
from gateway.repaint import Take
from gateway.services import Services
from gateway.turn import Show, new_trail

Notices = Callable[[Services, bytes], AsyncIterator[list[Show]]]


TOPICS: dict[str, Notices] = {
    "stranger": strangers.notices,
    "lost": losses.notices,
    "asked": assigned.notices,
    "consent": consent.notices,
    "disowned": consent.disowned,
}


def telling(s: Services, take: Take) -> dict[str, Callable[[Delivery], Awaitable[None]]]:
    """The jobs that tell, by topic."""
    return {topic: _telling(s, take, notices) for topic, notices in TOPICS.items()}


def _telling(s: Services, take: Take, notices: Notices) -> Callable[[Delivery], Awaitable[None]]:
    """`notices` gives, for each reader, the same card in each of the places they can be reached in."""

    async def tell(delivery: Delivery) -> None:
        trail, epoch = new_trail(""), await s.bus.epoch()
        again = delivery.tries > 1 or delivery.local is None
        try:
            async for places in notices(s, delivery.job.body):
                for show in places:
                    if await take(show, trail, epoch, again=again):
                        break
        finally:
            await s.trail.write(trail)

    return tell
