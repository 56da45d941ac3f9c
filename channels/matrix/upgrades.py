"""A room that was upgraded is another one (spec.matrix.org/latest/client-server-api, Room upgrades).

Both have to say so: the old one's tombstone, which only its moderators can set, and the new one's first event. Else
whoever has a say in one room could give another what is known of it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from channels.matrix.calls import Json, Unknown, path
from channels.matrix.powers import state
from gateway.errors import Refused

if TYPE_CHECKING:
    from channels.matrix.channel import Channel

log = logging.getLogger("floatcard.matrix")

TOMBSTONE = "m.room.tombstone"


async def followed(channel: Channel, room: str, event: Json) -> str:
    """The room in which this one goes on, once we are in it, by the word of both; else empty."""
    new = _text(event.get("content"), "replacement_room")
    if not new or new == room or channel.kind(str(event.get("sender"))) != "member":
        return ""
    try:
        server = str(event.get("sender")).partition(":")[2]
        await channel.calls.call("POST", path("join", new), {}, query={"via": server, "server_name": server})
        return new if await predecessor(channel, new) == room else ""
    except Unknown:
        raise
    except Refused as refused:  # not open to us until somebody invites us
        log.warning("the room that a room became cannot be joined: %s", refused.say)
        return ""


async def predecessor(channel: Channel, room: str) -> str:
    """The room this one was made in place of, by the word of both; else empty."""
    try:
        told = (await state(channel, room, "m.room.create") or {}).get("predecessor")
        old = _text(told, "room_id")
        if not old or old == room:
            return ""
        replaced = _text(await state(channel, old, TOMBSTONE), "replacement_room") == room
    except Unknown:
        raise
    except Refused:  # we never were in the other one
        return ""
    if replaced:
        await channel.moved(old, room)
    return old if replaced else ""


def _text(told: Any, key: str) -> str:
    found = told.get(key) if isinstance(told, dict) else None
    return found[:255] if isinstance(found, str) else ""
