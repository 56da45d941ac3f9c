"""From an act to the calls that make a network show it: edit, else take away and send again, else leave it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Literal

from channels.model import Channel, Deletes, Directs, Edits, ImId, MessageRef, Whispers
from gateway.clock import Clock
from gateway.errors import Fixed, Gone, Refused
from gateway.outgoing.gate import Calls
from gateway.outgoing.whispering import whispered
from gateway.store.slots import Shown, slot_id
from gateway.turn import Act, Show

Tried = Literal["done", "gone", "fixed", "refused"]

CLAIMED, LET_GO = "?", "~"
"""Before the network is called by one of several gateways, and after that came to nothing; then `base`."""


class Painter:
    def __init__(self, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._channels = channels
        self._clock = clock

    def method(self, act: Show, before: Shown | None, *, repaint: bool, surely: bool) -> str | None:
        """What will be called first; None when nothing will be."""
        channel = self._channels[act.slot.place.channel]
        if before is not None and before.message is not None:
            if before.digest == act.digest and not surely:
                return None
            if isinstance(channel, Edits) and not (repaint and self._past(channel, before)):
                return "edit"
            if isinstance(channel, Deletes):
                return "delete"
        if act.slot.purpose != "whisper":
            return "send"
        return "whisper" if isinstance(channel, Whispers) else "direct" if isinstance(channel, Directs) else None

    @staticmethod
    def room(act: Act, before: Shown | None, method: str) -> str:
        """Where what `method` named will be done: a whisper may have gone to a room of its reader's own."""
        if method in ("edit", "delete") and before is not None and before.message is not None:
            return before.message.place.room
        return "" if method == "direct" else act.slot.place.room

    async def called(
        self, act: Show, before: Shown | None, calls: Calls, *, repaint: bool, again: bool
    ) -> tuple[str, MessageRef | None]:
        if before is not None and before.message is not None:
            return await self._again(before, act, repaint, calls)
        message = await self._send(act, before, calls)
        known = again and self._channels[act.slot.place.channel].limits.idempotent
        if known and message is not None and not await self._sure(message, act, calls):
            return "refused", message
        return "sent", message

    async def _again(self, before: Shown, act: Show, repaint: bool, calls: Calls) -> tuple[str, MessageRef | None]:
        channel, message = self._channels[act.slot.place.channel], before.message
        assert message is not None
        room = message.place.room
        edited: Tried = "fixed"
        if isinstance(channel, Edits) and not (repaint and self._past(channel, before)):
            edits = channel
            edited = await tried(calls("edit", room, lambda: edits.edit(message, act.card)))
        if edited == "done":
            return "edited", message
        # It is gone or cannot be edited. What may no longer be read there is taken away if it can be.
        removed: Tried = edited
        if edited != "gone" and isinstance(channel, Deletes):
            deletes = channel
            removed = await tried(calls("delete", room, lambda: deletes.delete(message)))
        asked = act.slot.purpose == "whisper" and not repaint
        if not asked and (removed == "refused" or (edited == "refused" and removed == "fixed")):
            return "refused", message
        settled = edited == removed == "fixed" and isinstance(channel, Edits)  # as it is now, it stays
        if repaint and (act.slot.purpose == "whisper" or settled):
            return "dropped", None
        return "sent", await self._send(act, before, calls)

    def _past(self, channel: Channel, before: Shown) -> bool:
        """Whether the network surely takes no edit of it any more."""
        within = channel.limits.editable_for
        return within is not None and self._clock.now() - before.painted_at > within * 1000

    async def _send(self, act: Show, before: Shown | None, calls: Calls) -> MessageRef | None:
        """`once` names this very showing: the same after a crash, another after the card was taken away."""
        once = f"{slot_id(act.slot)}:{base(before)}"
        channel, place = self._channels[act.slot.place.channel], act.slot.place
        if act.slot.purpose != "whisper":
            return await calls("send", place.room, lambda: channel.send(place, act.card, once=once))
        return await whispered(channel, place, ImId.parse(act.slot.to), act.card, once=once, calls=calls)

    async def _sure(self, message: MessageRef, act: Show, calls: Calls) -> bool:
        """Where what was posted before a crash is there once, it is what was so before the crash. Where it would have
        been posted anew it is new: to change it is a call more, and who fails at that would not know of the message."""
        channel = self._channels[act.slot.place.channel]
        if not isinstance(channel, Edits):
            return True
        edits = channel
        return await tried(calls("edit", message.place.room, lambda: edits.edit(message, act.card))) != "refused"


def base(before: Shown | None) -> int:
    """When it was painted last, whatever was begun and given up since."""
    if before is None:
        return 0
    return int(before.digest[1:]) if before.digest.startswith((CLAIMED, LET_GO)) else before.painted_at


async def tried(call: Awaitable[None]) -> Tried:
    """A message that is not there any more is no failure of ours; one that nobody may change is for a person."""
    try:
        await call
    except Gone:
        return "gone"
    except Fixed:
        return "fixed"
    except Refused:
        return "refused"
    return "done"
