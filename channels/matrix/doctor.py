"""What the home server says we can do in a room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cards.words import N_
from channels.doctor import Able, Finding
from channels.matrix import powers
from channels.matrix.calls import path
from channels.model import Place
from gateway.errors import Refused, Retry

if TYPE_CHECKING:
    from channels.matrix.channel import Channel

_INVITE = N_("Invite {bot} to this room.")
_ENCRYPTED = N_("This room is encrypted, and {bot} reads no encrypted messages. Make a room without encryption.")
_POWER = N_("Give {bot} the power level {level} in this room.")
_OTHER = N_("The access token belongs to another account. Put one of {bot} into the configuration.")


async def examine(channel: Channel, place: Place | None) -> tuple[Finding, ...]:
    try:
        return await (_house(channel) if place is None else _room(channel, place.room))
    except Refused as refused:
        return (_found(channel, "connect" if place is None else "hear", "no", refused.say),)
    except Retry:
        return (_found(channel, "connect" if place is None else "hear", "unknown", ""),)


async def _house(channel: Channel) -> tuple[Finding, ...]:
    known = await channel.calls.call("GET", path("account", "whoami"))
    ours = known.get("user_id") == channel.bot
    connect = _found(channel, "connect", "yes" if ours else "no", "" if ours else _OTHER)
    return (connect, *(_found(channel, what, "yes", "") for what in ("whisper", "members")))


async def _room(channel: Channel, room: str) -> tuple[Finding, ...]:
    joined = await channel.calls.call("GET", path("joined_rooms"))
    if room not in joined.get("joined_rooms", ()):
        return (_found(channel, "hear", "no", _INVITE),)
    sealed = await powers.state(channel, room, "m.room.encryption") is not None
    hear = _found(channel, "hear", "no" if sealed else "yes", _ENCRYPTED if sealed else "")
    levels = await powers.state(channel, room, "m.room.power_levels") or {}
    mine, needed = powers.of(levels, channel.bot), powers.to_speak(levels)
    speaks: Able = "yes" if mine >= needed else "no"
    fix, facts = ("" if speaks == "yes" else _POWER), {"bot": channel.bot, "level": str(needed)}
    said = (Finding("speak", speaks, fix, facts), Finding("edit", speaks, fix, facts))
    return (hear, *said, *(_found(channel, what, "yes", "") for what in ("whisper", "members")))


def _found(channel: Channel, what: Any, able: Able, fix: str) -> Finding:
    return Finding(what, able, fix, {"bot": channel.bot} if fix else {})
