"""What one person alone is told: in the room where the network can do that, else in the one they share with the bot."""

from __future__ import annotations

from cards.tree import Card
from channels.model import Channel, Directs, ImId, MessageRef, Place, Whispers
from gateway.errors import NotHere
from gateway.outgoing.gate import Calls


async def whispered(
    channel: Channel, place: Place, to: ImId, card: Card, *, once: str, calls: Calls
) -> MessageRef | None:
    """Each call with a permit of its own: their room has a rate as every other. None where the network can do neither.

    Raises what the calls raise: `Unmet` where nobody may write to this person first.
    """
    if isinstance(channel, Whispers):
        whispers = channel
        try:
            return await calls("whisper", place.room, lambda: whispers.whisper(place, to, card, once=once))
        except NotHere:
            if not isinstance(channel, Directs):
                raise
    if isinstance(channel, Directs):
        directs = channel
        own = await calls("direct", "", lambda: directs.direct(to))
        return await calls("send", own.room, lambda: channel.send(own, card, once=once))
    return None
