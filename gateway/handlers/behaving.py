"""What people did with a card is counted by the kind of room and its stage: never who, nor about whom."""

from __future__ import annotations

from channels.model import Place
from gateway.services import Services
from gateway.tally import What


async def behaved(s: Services, place: Place, what: What) -> None:
    if place.channel not in s.channels:
        return
    run = s.stages.of(await s.rooms.audience(place))
    if run is not None:
        s.tally.did(what, run)
