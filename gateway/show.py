"""The only way out to a chat: an empty slot sends, another digest edits, the same digest does nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from weakref import WeakValueDictionary

from channels.model import Channel, Deletes, MessageRef
from gateway.clock import Clock
from gateway.errors import Retry
from gateway.metrics import SHOWN
from gateway.outgoing.gate import Calls, Gate
from gateway.outgoing.model import Rank, rank_of
from gateway.paint import CLAIMED, LET_GO, Painter, base, tried
from gateway.showing import Look, Showing, Wish
from gateway.store.due import Due, DueStore
from gateway.store.slots import Shown, SlotStore, slot_id
from gateway.turn import Act, Hide, Show, Trail
from reconcile.model import Json

STALE = "!"
"""What the digest begins with of a message that the network refused to change; then, how often it was tried."""
UNWANTED = "!-"
CLAIM_MS = 20_000
"""For so long a claim keeps others waiting. In its second half no call begins: one takes ten seconds at most."""
LOOKS, LOOK_S = 5, 0.1
TRIES = 4
FIRST_WAIT_MS = 60_000
LONGEST_WAIT_MS = 6 * 3_600_000
WHISPER_TRIES = 10

log = logging.getLogger("floatcard.show")


class _Moved(Exception):
    """Another gateway painted this slot meanwhile: look again, and paint over whatever is there."""


class Shower:
    """`shared`: other gateways paint the same slots, so that each painting is claimed in the store first."""

    def __init__(
        self,
        slots: SlotStore,
        channels: Mapping[str, Channel],
        due: DueStore,
        clock: Clock,
        gate: Gate,
        *,
        shared: bool = False,
        sent: Callable[[Show], None] = lambda act: None,
    ) -> None:
        self._slots = slots
        self._channels = channels
        self._due = due
        self._clock = clock
        self._gate = gate
        self._painter = Painter(channels, clock)
        self._shared = shared
        self._sent = sent
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._open: dict[str, Showing] = {}
        """Those that have not looked for the last time: a newer wish for the same slot joins them."""

    async def show(
        self, act: Show, trail: Trail, look: Look, *, again: bool = False, repaint: bool = False, pressed: bool = False
    ) -> str | None:
        """The slot's id where something new was posted. Raises `Retry` when the network is down or has heard enough
        from us for now: the same act again is safe.

        `look` says what a slot should show when something changed since `act` was drawn: asked before it is shown,
        when it had to wait for its turn, and once more after, since the repaint of that change may have looked before
        the slot was there.
        `again`: a crash may have come between posting it and knowing so.
        `repaint`: nobody asked for it, so that no whisper is said a second time.
        `pressed`: somebody pressed and waits for it.
        """
        key, rank = slot_id(act.slot), rank_of(act.slot.purpose, repaint=repaint, pressed=pressed)
        wish = Wish(act, trail, look, again, repaint)
        if (waiting := self._open.get(key)) is not None:
            return await waiting.joined(wish, rank)
        showing = self._open[key] = Showing(wish, rank)
        try:
            async with self._lock(key):
                shown = await self._shown(key, showing)
                if isinstance(shown, Hide):  # at once: whoever waits for the lock may know better by now
                    await self._hidden(key, shown, showing.wish.trail)
                    shown = None
        except BaseException as why:
            showing.failed(why)
            raise
        finally:
            self._close(key, showing)
        showing.ended(shown)
        return shown

    async def _shown(self, key: str, showing: Showing) -> str | Hide | None:
        for tries in range(TRIES):
            try:
                return await self._once(key, showing, surely=tries > 0)
            except _Moved:
                continue
        raise Retry(0.5, "another gateway paints the same card")

    async def _once(self, key: str, showing: Showing, surely: bool) -> str | Hide | None:
        before, latest, calls = await self._turn(key, showing, surely)
        wish = showing.wish
        if isinstance(latest, Hide):
            return latest
        up = before is not None and before.message is not None
        try:
            shown = await self._put(latest, before, wish, calls, surely=surely)
        finally:
            await calls.done()
        showing.posted |= shown is not None and not up
        later = await wish.look(shown) if shown is not None else None
        if isinstance(later, Show):
            await self._put(later, shown, replace(wish, again=False, repaint=True), calls)
        return later if isinstance(later, Hide) else key if showing.posted else None

    async def _turn(self, key: str, showing: Showing, surely: bool) -> tuple[Shown | None, Act, Calls]:
        """What to show, looked at after everything it had to wait for; from here on nobody joins."""
        before, latest = await self._look(key, showing, surely)
        channel, permit = showing.wish.act.slot.place.channel, None
        method = (
            self._painter.method(latest, before, repaint=showing.wish.repaint, surely=surely)
            if isinstance(latest, Show)
            else None
        )
        if method is not None:
            room = self._painter.room(latest, before, method)
            ticket = showing.ticket = self._gate.ticket(channel, method, room, showing.rank)
            wish, hidden = showing.wish, showing.hidden
            permit = await self._gate.permit(channel, ticket)
            try:
                if permit.waited or showing.wish is not wish or showing.hidden is not hidden:
                    before, latest = await self._look(key, showing, surely)
            except BaseException:
                await permit.done()
                raise
        self._close(key, showing)
        calls = Calls(self._gate, channel, showing.rank, permit)
        if isinstance(latest, Hide):
            await calls.done()
        return before, latest, calls

    async def _look(self, key: str, showing: Showing, surely: bool) -> tuple[Shown | None, Act]:
        while True:
            wish = showing.wish
            before = await self._settled(key)
            if wish.repaint and (before is None or before.message is None):
                latest: Act | None = Hide(wish.act.slot)  # it was taken away since it was drawn, and stays away
            elif wish.repaint and before is not None and _about(before.state) != _about(wish.act.state):
                latest = await wish.look(before, surely=True)  # its message was rewritten since it was drawn
            else:
                latest = await wish.look(self._after(key, wish.act, before), surely=surely)
            if showing.wish is wish:
                return before, showing.latest(latest)

    def _close(self, key: str, showing: Showing) -> None:
        if self._open.get(key) is showing:
            del self._open[key]

    async def _settled(self, key: str) -> Shown | None:
        """The slot as it is when no other gateway is painting it."""
        for _ in range(LOOKS):
            found = await self._slots.by_id(key)
            if not self._shared or found is None or not found.digest.startswith(CLAIMED):
                return found
            if abs(self._clock.now() - found.painted_at) >= CLAIM_MS:
                return found  # who claimed it is gone, or did before the clock was set back
            await asyncio.sleep(LOOK_S)
        raise Retry(1.0, "another gateway is painting this card")

    async def _put(
        self, act: Show, before: Shown | None, wish: Wish, calls: Calls, *, surely: bool = False
    ) -> Shown | None:
        """Sends or edits, and stores what is shown now; None when this network has no way to show it."""
        after, trail = self._after(slot_id(act.slot), act, before), wish.trail
        up = before is not None and before.message is not None
        if up and before is not None and before.digest == after.digest and not surely:
            return await self._stands(replace(after, message=before.message), before)
        seen = await self._claim(after, before)
        if seen is not None:
            calls.late = lambda: self._clock.now() - after.painted_at > CLAIM_MS // 2
        lost = before is not None and before.digest.startswith((CLAIMED, LET_GO))
        try:
            did, message = await self._painter.called(
                act, before, calls, repaint=wish.repaint, again=wish.again or lost
            )
        except BaseException:
            await self._let_go(before, after, seen)
            raise
        if did == "refused":
            await self._spoilt(_as(before, message) or replace(after, message=message), trail, STALE, seen, after)
            return None
        if message is None:
            if did == "dropped" and before is not None:
                await self._drop(before.id, seen)
            else:
                await self._let_go(before, after, seen)
                trail.note("unheard", after.painted_at, purpose=act.slot.purpose)
            return None
        shown = replace(after, message=message)
        await self._kept(shown, before, seen, calls, did)
        SHOWN.labels(act.slot.place.channel, act.slot.purpose, did).inc()
        self._sent(act)
        facts: dict[str, Json] = {"purpose": act.slot.purpose, "did": did, "slot": shown.id, "to": act.slot.to}
        trail.note("shown", after.painted_at, records=list(act.records), **facts)
        return shown

    async def _stands(self, shown: Shown, before: Shown) -> Shown:
        """What is up is what should be; what is known of it may have changed."""
        told = (before.records, before.state, before.audience)
        known = told == (shown.records, shown.state, shown.audience)
        if not known and not await self._slots.keep(shown, seen=before.painted_at if self._shared else None):
            raise _Moved
        await self._lease(shown, before)
        SHOWN.labels(shown.slot.place.channel, shown.slot.purpose, "same").inc()
        return shown

    async def _kept(self, shown: Shown, before: Shown | None, seen: int | None, calls: Calls, did: str) -> None:
        """Raises `_Moved` when our call took so long that another gateway painted over it: or under it."""
        if not await self._slots.keep(shown, seen=seen):
            channel = self._channels[shown.slot.place.channel]
            message, calls.late = shown.message, None  # what is ours to take away is never too late
            now = await self._slots.by_id(shown.id)
            ours = now is None or now.message != message  # else the network gave the other our message, by its key
            if did == "sent" and message is not None and ours and isinstance(channel, Deletes):
                await tried(calls("delete", message.place.room, lambda: channel.delete(message)))
            raise _Moved
        await self._lease(shown, before)
        if before is not None and before.digest.startswith(STALE):
            await self._due.cancel(f"stale:{shown.id}")

    async def _claim(self, after: Shown, before: Shown | None) -> int | None:
        """What the store will know this painting by; None where nobody else paints."""
        if not self._shared:
            return None
        mark, seen = f"{CLAIMED}{base(before)}", before.painted_at if before is not None else None
        if not await self._slots.claim(after, mark, seen=seen):
            raise _Moved
        return after.painted_at

    async def _let_go(self, before: Shown | None, after: Shown, seen: int | None) -> None:
        """Whether the network did it is not known: what is drawn next is surely sent."""
        if seen is not None:
            stale = before is not None and before.digest.startswith(STALE)
            mark = before.digest if stale and before is not None else f"{LET_GO}{base(before)}"
            await self._slots.let_go(after.id, mark, seen=seen)

    async def hide(self, act: Hide, trail: Trail) -> None:
        """Raises `Retry` like `show`."""
        key = slot_id(act.slot)
        if (waiting := self._open.get(key)) is not None:
            return await waiting.joined_to_hide(Rank.CARD)
        async with self._lock(key):
            await self._hidden(key, act, trail)
        return None

    async def _hidden(self, key: str, act: Hide, trail: Trail) -> None:
        """Under the slot's lock."""
        before = await self._settled(key)
        if before is None or before.message is None:
            return
        channel = self._channels[act.slot.place.channel]
        if isinstance(channel, Deletes):
            ticket = self._gate.ticket(channel.name, "delete", before.message.place.room, Rank.CARD)
            calls = Calls(self._gate, channel.name, Rank.CARD, await self._gate.permit(channel.name, ticket))
            try:
                removed = await self._removed(channel, before, before.message, calls, trail)
            finally:
                await calls.done()
        else:
            removed = await self._drop(key, before.painted_at if self._shared else None)
        if removed:
            SHOWN.labels(act.slot.place.channel, act.slot.purpose, "removed").inc()
            trail.note("removed", self._clock.now(), purpose=act.slot.purpose, slot=key)

    async def _removed(self, channel: Deletes, before: Shown, message: MessageRef, calls: Calls, trail: Trail) -> bool:
        after = replace(before, painted_at=max(self._clock.now(), before.painted_at + 1))
        try:
            seen = await self._claim(after, before)
        except _Moved:
            raise Retry(0.5, "another gateway paints the same card") from None
        try:
            removed = await tried(calls("delete", message.place.room, lambda: channel.delete(message)))
        except BaseException:
            await self._let_go(before, after, seen)
            raise
        if removed == "refused":
            await self._spoilt(before, trail, UNWANTED, seen, after)
            return False
        return await self._drop(before.id, seen)

    async def _drop(self, key: str, seen: int | None) -> bool:
        dropped = await self._slots.drop(key, seen=seen)
        await self._due.cancel(f"slot:{key}")
        await self._due.cancel(f"stale:{key}")
        return dropped

    async def _spoilt(self, shown: Shown, trail: Trail, mark: str, seen: int | None, after: Shown) -> None:
        """It is still read as it was: the slot says so, and it is tried again, less often the longer that lasts."""
        tries = int(shown.digest.lstrip(UNWANTED)) + 1 if shown.digest.startswith(STALE) else 1
        if shown.slot.purpose == "whisper" and tries > WHISPER_TRIES:
            await self._drop(shown.id, seen)
            return
        now = self._clock.now()
        wait = min(FIRST_WAIT_MS * 2 ** min(tries - 1, 20), LONGEST_WAIT_MS)
        await self._due.put(Due(f"stale:{shown.id}", "slot", now + wait, {"slot": shown.id}))
        at = shown.painted_at if seen is None else after.painted_at
        await self._slots.keep(replace(shown, digest=f"{mark}{tries}", painted_at=at), seen=seen)
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
            digest=act.digest,
            audience=act.audience,
            valid_until=act.valid_until,
            # Never the same twice: the next showing after this one is known by it.
            painted_at=max(self._clock.now(), before.painted_at + 1 if before is not None else 0),
            state=act.state,
        )

    async def _lease(self, shown: Shown, before: Shown | None) -> None:
        """A card whose disclosure ends by itself is looked at again at that moment, without any traffic."""
        key = f"slot:{shown.id}"
        if shown.valid_until is None:
            if before is not None and before.valid_until is not None:
                await self._due.cancel(key)
            return
        await self._due.put(Due(key, "slot", shown.valid_until, {"slot": shown.id}))


def _as(before: Shown | None, message: MessageRef | None) -> Shown | None:
    """What is up still, when it is this message."""
    return before if before is not None and before.message == message else None


def _about(state: Mapping[str, Json]) -> Json:
    """The customers a card is to tell of, seen or not."""
    return state.get("refs")


def unwanted(shown: Shown) -> bool:
    """What is up should be taken away, and the network would not."""
    return shown.digest.startswith(UNWANTED)
