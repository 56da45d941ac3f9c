"""The only way out to a chat: an empty slot sends, another digest edits, the same digest does nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Literal
from weakref import WeakValueDictionary

from cards.digest import digest
from channels.model import Channel, Deletes, Directs, Edits, ImId, MessageRef, Whispers
from gateway.clock import Clock
from gateway.errors import Fixed, Gone, Refused
from gateway.metrics import SHOWN
from gateway.store.due import Due, DueStore
from gateway.store.slots import Shown, SlotStore, slot_id
from gateway.turn import Act, Hide, Show, Trail
from reconcile.model import Json

Newer = Callable[[Shown], Awaitable["Act | None"]]

Tried = Literal["done", "gone", "fixed", "refused"]

STALE = "!"
"""What the digest begins with of a message that the network refused to change; then, how often it was tried."""
UNWANTED = "!-"
FIRST_WAIT_MS = 60_000
LONGEST_WAIT_MS = 6 * 3_600_000
WHISPER_TRIES = 10

log = logging.getLogger("floatcard.show")


class Shower:
    def __init__(self, slots: SlotStore, channels: Mapping[str, Channel], due: DueStore, clock: Clock) -> None:
        self._slots = slots
        self._channels = channels
        self._due = due
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def show(
        self, act: Show, trail: Trail, newer: Newer, *, again: bool = False, repaint: bool = False
    ) -> str | None:
        """The slot's id where something new was posted. Raises `Retry` when the network is down: the same act again
        is safe.

        `newer` says what a slot should show when something changed since `act` was drawn: asked before it is shown,
        and once more after, since the repaint of that change may have looked before the slot was there.
        `again`: a crash may have come between posting it and knowing so.
        `repaint`: nobody asked for it, so that no whisper is said a second time.
        """
        key = slot_id(act.slot)
        async with self._lock(key):
            before = await self._slots.by_id(key)
            up = before is not None and before.message is not None
            latest = await newer(self._after(key, act, before))
            shown = None
            if not isinstance(latest, Hide):
                shown = await self._put(latest or act, before, trail, again, repaint)
            later = await newer(shown) if shown is not None else None
            if isinstance(later, Show):
                await self._put(later, shown, trail, False, True)
        if isinstance(latest, Hide) or isinstance(later, Hide):
            await self.hide(Hide(act.slot), trail)
            return None
        return key if shown is not None and not up else None

    async def _put(self, act: Show, before: Shown | None, trail: Trail, again: bool, repaint: bool) -> Shown | None:
        """Sends or edits, and stores what is shown now; None when this network has no way to show it."""
        after = self._after(slot_id(act.slot), act, before)
        if before is not None and before.message is not None:
            did, message = await self._again(before, after, act, repaint)
            if did == "refused":
                await self._spoilt(before, trail, STALE)
                return None
            if did == "dropped":
                await self._drop(before.id)
                return None
        else:
            did, message = "sent", await self._send(act, before)
            if again and message is not None and not await self._sure(message, act):
                await self._spoilt(replace(after, message=message), trail, STALE)
                return None
        if message is None:
            trail.note("unheard", after.painted_at, purpose=act.slot.purpose)
            return None
        shown = replace(after, message=message)
        if did != "same" or before is None or before.records != shown.records or before.state != shown.state:
            await self._slots.keep(shown)
        await self._lease(shown, before)
        if before is not None and before.digest.startswith(STALE):
            await self._due.cancel(f"stale:{shown.id}")
        SHOWN.labels(act.slot.place.channel, act.slot.purpose, did).inc()
        if did != "same":
            facts: dict[str, Json] = {"purpose": act.slot.purpose, "did": did, "slot": shown.id, "to": act.slot.to}
            trail.note("shown", after.painted_at, records=list(act.records), **facts)
        return shown

    async def hide(self, act: Hide, trail: Trail) -> None:
        key = slot_id(act.slot)
        async with self._lock(key):
            before = await self._slots.by_id(key)
            if before is None or before.message is None:
                return
            channel = self._channels[act.slot.place.channel]
            removed = await _tried(channel.delete(before.message)) if isinstance(channel, Deletes) else "fixed"
            if removed == "refused":
                await self._spoilt(before, trail, UNWANTED)
                return
            await self._drop(key)
        SHOWN.labels(act.slot.place.channel, act.slot.purpose, "removed").inc()
        trail.note("removed", self._clock.now(), purpose=act.slot.purpose, slot=key)

    async def _drop(self, key: str) -> None:
        await self._slots.drop(key)
        await self._due.cancel(f"slot:{key}")
        await self._due.cancel(f"stale:{key}")

    async def _spoilt(self, shown: Shown, trail: Trail, mark: str) -> None:
        """It is still read as it was: the slot says so, and it is tried again, less often the longer that lasts."""
        tries = int(shown.digest.lstrip(UNWANTED)) + 1 if shown.digest.startswith(STALE) else 1
        if shown.slot.purpose == "whisper" and tries > WHISPER_TRIES:
            await self._drop(shown.id)
            return
        now = self._clock.now()
        wait = min(FIRST_WAIT_MS * 2 ** min(tries - 1, 20), LONGEST_WAIT_MS)
        await self._due.put(Due(f"stale:{shown.id}", "slot", now + wait, {"slot": shown.id}))
        await self._slots.keep(replace(shown, digest=f"{mark}{tries}"))
        log.warning("a network refuses to change a card", extra={"channel": shown.slot.place.channel})
        trail.note("not_taken", now, purpose=shown.slot.purpose)

    def _lock(self, key: str) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    def _after(self, key: str, act: Show, before: Shown | None) -> Shown:
        return Shown(
            id=key,
            slot=act.slot,
            message=before.message if before is not None else None,
            records=act.records,
            digest=digest(act.card),
            audience=act.audience,
            valid_until=act.valid_until,
            # Never the same twice: the next showing after this one is known by it.
            painted_at=max(self._clock.now(), before.painted_at + 1 if before is not None else 0),
            state=act.state,
        )

    async def _again(self, before: Shown, after: Shown, act: Show, repaint: bool) -> tuple[str, MessageRef | None]:
        channel = self._channels[act.slot.place.channel]
        if before.digest == after.digest:
            return "same", before.message
        assert before.message is not None
        edited: Tried = "fixed"
        if isinstance(channel, Edits) and not (repaint and self._past(channel, before)):
            edited = await _tried(channel.edit(before.message, act.card))
        if edited == "done":
            return "edited", before.message
        # It is gone or cannot be edited. What may no longer be read there is taken away if it can be.
        removed: Tried = edited
        if edited != "gone" and isinstance(channel, Deletes):
            removed = await _tried(channel.delete(before.message))
        asked = act.slot.purpose == "whisper" and not repaint
        if not asked and (removed == "refused" or (edited == "refused" and removed == "fixed")):
            return "refused", before.message
        settled = edited == removed == "fixed" and isinstance(channel, Edits)  # as it is now, it stays
        if repaint and (act.slot.purpose == "whisper" or settled):
            return "dropped", None
        return "sent", await self._send(act, before)

    def _past(self, channel: Channel, before: Shown) -> bool:
        """Whether the network surely takes no edit of it any more."""
        within = channel.limits.editable_for
        return within is not None and self._clock.now() - before.painted_at > within * 1000

    async def _send(self, act: Show, before: Shown | None) -> MessageRef | None:
        """`once` names this very showing: the same after a crash, another after the card was taken away."""
        once = f"{slot_id(act.slot)}:{before.painted_at if before is not None else 0}"
        channel, place = self._channels[act.slot.place.channel], act.slot.place
        if act.slot.purpose != "whisper":
            return await channel.send(place, act.card, once=once)
        to = ImId.parse(act.slot.to)
        if isinstance(channel, Whispers):
            return await channel.whisper(place, to, act.card, once=once)
        if isinstance(channel, Directs):
            return await channel.send(await channel.direct(to), act.card, once=once)
        return None

    async def _sure(self, message: MessageRef, act: Show) -> bool:
        """What was posted before a crash is there once; but it is what was so before the crash."""
        channel = self._channels[act.slot.place.channel]
        return not isinstance(channel, Edits) or await _tried(channel.edit(message, act.card)) != "refused"

    async def _lease(self, shown: Shown, before: Shown | None) -> None:
        """A card whose disclosure ends by itself is looked at again at that moment, without any traffic."""
        key = f"slot:{shown.id}"
        if shown.valid_until is None:
            if before is not None and before.valid_until is not None:
                await self._due.cancel(key)
            return
        await self._due.put(Due(key, "slot", shown.valid_until, {"slot": shown.id}))


def unwanted(shown: Shown) -> bool:
    """What is up should be taken away, and the network would not."""
    return shown.digest.startswith(UNWANTED)


async def _tried(call: Awaitable[None]) -> Tried:
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
