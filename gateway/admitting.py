"""Whether an event is taken just now, asked before anything is done with it."""

from __future__ import annotations

from channels.model import Event, Pressed, Said, Submitted
from gateway.bus.model import Rank
from gateway.errors import Retry
from gateway.handlers import commands
from gateway.metrics import SHED
from gateway.pressure import RETRY_S
from gateway.services import Services
from gateway.turn import new_trail


def rank_of(event: Event, *, awaited: bool = False) -> Rank:
    """A person waits for a press, a form and a command; what was deleted, rewritten or who joined changes what may
    stand in a room; a message only makes another card."""
    if awaited or isinstance(event, Pressed | Submitted):
        return "edit"
    if isinstance(event, Said) and not (event.addressed and commands.parse(event.text) is not None):
        return "card"
    return "room"


def crowded(s: Services, rank: Rank) -> bool:
    """Whether so much waits that what is of this rank has to be `put_off`."""
    return rank != "edit" and (s.pressure.store_full() or s.pressure.sheds(rank))


async def put_off(s: Services, kind: type[Event], room: str, rank: Rank) -> None:
    """Noted, and it has no card. Raises `Retry` for what the network has to bring again."""
    SHED.labels(kind.__name__.lower()).inc()
    if s.pressure.store_full() or rank != "card":
        raise Retry(RETRY_S, "more is waiting than can be held; it is worked off, come again")
    trail = new_trail(room)
    trail.note("shed", s.clock.now())
    await s.trail.write(trail)
