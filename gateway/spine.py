"""From a delivery to what is shown: one turn for each event, one repaint for each changed record."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from cards.words import match
from channels.letter import Reads
from channels.model import Deleted, Edited, Event, Joined, Left, Linked, Moved, Opened, Pressed, Said, Submitted
from gateway import codec, telemetry
from gateway.answer import answer_apart
from gateway.bus.model import Delivery, Job
from gateway.errors import Refused, Rejected, Retry, Unmet, Unreadable
from gateway.handlers import alerts, alone, conflicts, forms, homes, linked, members, press, said, strangers
from gateway.handlers.behaving import behaved
from gateway.holding import Hold
from gateway.intake import LETTER, Accepted, Broken
from gateway.metrics import RECEIVED, WHOLE_TURN
from gateway.painted import Painted
from gateway.redraw import redraw
from gateway.repaint import Repainter
from gateway.services import Services
from gateway.show import Shower
from gateway.showing import Look
from gateway.store.alerts import Alert
from gateway.store.slots import Shown
from gateway.telling import telling
from gateway.turn import Act, Outcome, Show, Slot, Trail, Turn, new_trail
from identity.model import Person

log = logging.getLogger("floatcard.spine")

Handler = Callable[[Services, Turn], Awaitable[Outcome]]

HANDLERS: dict[type[Event], Handler] = {
    Said: said.said,
    Edited: said.edited,
    Deleted: said.deleted,
    Pressed: press.pressed,
    Submitted: forms.submitted,
    Joined: members.joined,
    Left: members.left,
    Linked: linked.linked,
    Opened: homes.opened,
    Moved: members.moved,
}


ALL = 1_000_000_000
COALESCED_S = 30.0
"""For so long a waiting repaint answers for others; then another is queued behind it."""


@dataclass(slots=True)
class _Waiting:
    """A repaint of this process that has not begun; it serves whoever asks meanwhile, once it is durable."""

    published: asyncio.Event = field(default_factory=asyncio.Event)
    failed: bool = False
    since: float = field(default_factory=time.monotonic)

    @property
    def old(self) -> bool:
        return time.monotonic() - self.since > COALESCED_S

    async def durable(self) -> bool:
        await self.published.wait()
        return not self.failed


class Spine:
    def __init__(self, services: Services, shower: Shower) -> None:
        self._s = services
        self._shower = shower
        self._repainter = Repainter(services, self._taken)
        self.painted = Painted(services.bus)
        self._queued: dict[str, _Waiting] = {}
        self._topics = {
            "event": self._event,
            "record": self.painted.once(self._record),
            "about": self.painted.once(self._about),
            "room": self.painted.once(self._room),
            "slot": self._slot,
            "rest": self._rest,
            "alert": self._alert,
            "alert_to": self._alert_to,
            "conflict": self._conflict,
            **telling(services, self._taken),
        }
        self.edited: tuple[Callable[[], None], ...] = ()
        """Called when an edit was decided: whoever writes back looks at once."""

    async def handle(self, delivery: Delivery) -> None:
        handler = self._topics.get(delivery.job.topic)
        if handler is None:
            # A newer gateway on this queue published it: parked, it can be taken up again when this one is as new.
            raise LookupError(f"no job is called {delivery.job.topic!r}")
        with telemetry.span("turn", topic=delivery.job.topic, tries=delivery.tries):
            body = telemetry.unpacked(delivery.job.body)[1]
            await handler(replace(delivery, job=replace(delivery.job, body=body)))

    async def _event(self, delivery: Delivery) -> None:
        if isinstance(delivery.local, Accepted):
            await self._whole(delivery, delivery.local)
        elif delivery.job.body.startswith(LETTER):
            for event in await self._read(delivery.job.body[len(LETTER) :]):
                await self._whole(delivery, Accepted(event))
        else:
            await self._whole(delivery, Accepted(codec.decode(delivery.job.body)))

    async def _read(self, letter: bytes) -> tuple[Event, ...]:
        name, _, body = letter.partition(b"\n")
        channel = self._s.channels.get(name.decode())
        if not isinstance(channel, Reads):
            raise LookupError("a message of a channel that is not configured here")
        try:
            return await channel.read(body)
        except Unreadable as why:
            RECEIVED.labels(channel.name, "unreadable").inc()
            log.warning("a message of %s was not understood: %s", channel.name, why)
            raise

    async def _whole(self, delivery: Delivery, accepted: Accepted) -> None:
        event, waiter = accepted.event, accepted.waiter
        started, hold = time.perf_counter(), Hold(self._s, event) if waiter is None else None
        trail = Trail((delivery.tries == 1 and telemetry.turn()) or telemetry.new_turn(), event.where.room_key)
        try:
            outcome, turn = await self._turn(event, trail, _again(delivery))
            if waiter is None or not waiter.tell(outcome.answer):
                answer = outcome.answer
                if hold is not None:
                    turn, answer = await hold.over(turn, answer)
                await answer_apart(self._s, turn, answer)
        except (Retry, Refused, Rejected, Unreadable) as why:
            if waiter is not None:
                waiter.fail(why)
            raise
        except Exception:
            trail.note("broke", self._s.clock.now(), reference=trail.turn)
            log.exception("turn %s broke", trail.turn)
            if waiter is not None:
                waiter.fail(Broken(trail.turn))
            raise
        finally:
            if hold is not None:
                await hold.failed()
            await self._s.trail.write(trail)
        WHOLE_TURN.labels(type(event).__name__.lower()).observe(time.perf_counter() - started)

    async def _turn(self, event: Event, trail: Trail, again: bool) -> tuple[Outcome, Turn]:
        """The other rooms' repaint is queued first: a card that cannot be posted here is no reason to forget them."""
        with telemetry.span("identify"):
            person = await self._speaking(event, await self._s.identities.who(event.who, event.where.room_key))
        if person is None and self._s.people.sent_away("im", event.who.id.key):
            event = replace(event, who=replace(event.who, kind="outsider"))
        if person is not None and not isinstance(event, Joined | Left):
            event = replace(event, who=await self._s.rooms.standing(event.where, event.who))
        turn = Turn(event, person, self._s.clock.now(), trail)
        epoch = await self._s.bus.epoch()
        outcome = await HANDLERS[type(event)](self._s, turn)
        outcome = await alone.instead(self._s, turn, outcome)
        await self._after(outcome)
        pressed = isinstance(event, Pressed | Submitted)
        if not await self.perform(outcome.acts, trail, epoch, again=again, pressed=pressed) and pressed:
            outcome = replace(outcome, answer=alone.begin_with_me(self._s, turn))
        await strangers.noticed(self._s, turn, outcome)
        return outcome, turn

    async def _speaking(self, event: Event, person: Person | None) -> Person | None:
        """The person, with the language the network says they read: cards that reach them later speak it too."""
        told = event.locale if isinstance(event, Said | Pressed | Submitted) else ""
        if person is None or not told or match(told) == person.locale:
            return person
        await self._s.people.speaks(person.id, match(told))
        return self._s.people.person(person.id)

    async def _after(self, outcome: Outcome) -> None:
        for record in outcome.refresh:
            await self.refresh(record)
        if outcome.refresh:
            for nudge in self.edited:
                nudge()
        for room in outcome.rooms:
            await self.refresh_room(room)

    async def refresh(self, record: str) -> None:
        """Every card about a record is to be repainted; durable, and one waiting repaint serves many edits."""
        await self._s.bus.bump()
        await self._queue("record", f"record:{record}", record)

    async def refresh_room(self, *rooms: str) -> None:
        await self._s.bus.bump()
        await asyncio.gather(*(self._queue("room", f"repaint:{room}", room) for room in rooms))

    async def refresh_slot(self, shown: Shown) -> None:
        await self._s.bus.bump()
        await self._queue("slot", f"repaint:{shown.slot.place.room_key}", shown.id)

    async def show_conflicts(self, since: int = 0) -> None:
        """Each open conflict is shown where it happened and has its reminder; one that was and has is left alone, and
        whoever was to be reminded before `since` (ms) is not."""
        cases = await self._s.ledger.conflicts(limit=ALL)
        for start in range(0, len(cases), 200):
            some = cases[start : start + 200]
            await alerts.remind_yet(self._s, some, since)
            await asyncio.gather(*(conflicts.publish(self._s, case.id) for case in some))

    async def _queue(self, topic: str, lane: str, subject: str) -> None:
        if self._s.bus.shared:  # another process may run what waits, and this one would never hear
            return await self._publish(topic, lane, subject)
        while (waiting := self._queued.get(subject)) is not None and not waiting.old:
            if await waiting.durable():
                return None
        mine = self._queued[subject] = _Waiting()
        try:
            await self._publish(topic, lane, subject)
        except BaseException:
            mine.failed = True
            self._begun(subject, mine)
            raise
        finally:
            mine.published.set()
        return None

    async def _publish(self, topic: str, lane: str, subject: str) -> None:
        body = telemetry.packed(subject.encode())
        await self._s.bus.publish(Job(topic, lane, await self.painted.name(topic), body))

    def _begun(self, subject: str, which: _Waiting | None = None) -> None:
        """What changes from now on is not sure to be seen by the repaint that waited."""
        if which is None or self._queued.get(subject) is which:
            self._queued.pop(subject, None)

    async def perform(
        self, acts: Iterable[Act], trail: Trail, epoch: int, *, again: bool = False, pressed: bool = False
    ) -> bool:
        """Shows and hides; what changed while the card was being drawn is drawn again under the slot's lock. What the
        network refuses is noted, and the rest done. `again`: this may have been done before, up to a crash. False when
        somebody could not be told alone, not having spoken to the bot."""
        met = True
        for act in acts:
            if isinstance(await self._refusal(act, trail, epoch, again=again, pressed=pressed), Unmet):
                met = False
                for invitation in await alone.invited(self._s, act, pressed=pressed):
                    await self._taken(invitation, trail, epoch, again=again)
        return met

    async def _taken(self, act: Act, trail: Trail, epoch: int, **how: bool) -> bool:
        return await self._refusal(act, trail, epoch, **how) is None

    async def _refusal(self, act: Act, trail: Trail, epoch: int, **how: bool) -> Refused | None:
        try:
            await self._act(act, trail, epoch, **how)
        except Refused as refused:
            log.warning("the network refused a card: %s", refused.say)
            trail.note("not_taken", self._s.clock.now(), purpose=act.slot.purpose)
            return refused
        return None

    async def _act(self, act: Act, trail: Trail, epoch: int, **how: bool) -> None:
        if not isinstance(act, Show):
            await self._shower.hide(act, trail)
            return
        with telemetry.span("show", channel=act.slot.place.channel, purpose=act.slot.purpose):
            sent = await self._shower.show(act, trail, self._look(epoch, trail), **how)
        room, now = act.slot.place.room_key, self._s.clock.now()
        if sent is not None and act.slot.purpose == "card":
            for record in act.records:
                await self._s.rooms.store.note_floated(room, record, now, sent)
            if act.records:
                await behaved(self._s, act.slot.place, "shown")
        if act.state.get("kind") == "withheld":
            await self._s.rooms.store.told(room, now)

    def _look(self, epoch: int, trail: Trail) -> Look:
        async def again(shown: Shown, *, surely: bool = False) -> Act | None:
            if not surely and await self._s.bus.epoch() == epoch:
                return None
            return await redraw(self._s, shown, Trail(trail.turn, trail.room))

        return again

    async def _record(self, delivery: Delivery) -> None:
        """Each room in its own lane: one that is slow or broken keeps no other waiting."""
        record = delivery.job.body.decode()
        self._begun(record)
        await alerts.settle_over(self._s, record)
        for room in sorted({shown.slot.place.room_key for shown in await self._s.slots.about(record)}):
            await self._queue("about", f"repaint:{room}", f"{room}\n{record}")

    async def _about(self, delivery: Delivery) -> None:
        subject = delivery.job.body.decode()
        self._begun(subject)
        room, _, record = subject.partition("\n")
        await self._repaint(room, record, await self._s.slots.about(record, room))

    async def _room(self, delivery: Delivery) -> None:
        room = delivery.job.body.decode()
        self._begun(room)
        self._s.rooms.doubt(room)  # another gateway may have found out who is there, and ask for this
        await self._repaint(room, "", await self._s.slots.in_room(room))

    async def _slot(self, delivery: Delivery) -> None:
        id_ = delivery.job.body.decode()
        self._begun(id_)
        shown = await self._s.slots.by_id(id_)
        if shown is not None:
            await self._repaint(shown.slot.place.room_key, "", [shown])

    async def _alert(self, delivery: Delivery) -> None:
        alert = await self._s.alerts.get(delivery.job.body.decode())
        if alert is not None:
            for manager in await alerts.readers(self._s, alert):
                await alerts.publish_to(self._s, alert.id, manager.id, delivery.job.once)

    async def _alert_to(self, delivery: Delivery) -> None:
        id_, _, reader = delivery.job.body.decode().partition("\n")
        trail, again = new_trail(""), _again(delivery)
        alert, manager = await self._s.alerts.get(id_), self._s.people.person(reader)
        try:
            if alert is not None and manager is not None and not await self._reached(alert, manager, trail, again):
                trail.note("unreachable", self._s.clock.now(), person=reader, alert=id_)
        finally:
            await self._s.trail.write(trail)

    async def _reached(self, alert: Alert, manager: Person, trail: Trail, again: bool) -> bool:
        """On the first of their accounts that takes it; True as well when they may not be told."""
        epoch = await self._s.bus.epoch()
        async for place in alerts.direct_rooms(self._s, manager):
            show = await alerts.draw(self._s, Slot(place, "alert", f"{alert.id}:{manager.id}"), alert, manager)
            if show is None or await self._taken(show, trail, epoch, again=again):
                return True
        return False

    async def _conflict(self, delivery: Delivery) -> None:
        conflict = delivery.job.body.decode()
        if await self._s.slots.shows("conflict", conflict):
            return  # where the edit was made, at once; or by this very job before a crash
        trail, epoch = new_trail(""), await self._s.bus.epoch()
        try:
            acts = await conflicts.where_it_happened(self._s, conflict, trail)
            await self.perform(acts, trail, epoch, again=_again(delivery))
        finally:
            await self._s.trail.write(trail)

    async def _repaint(self, room: str, record: str, slots: Iterable[Shown]) -> None:
        """What our own limits put off goes to the end of the room's queue, from the newest of it on."""
        left = await self._repainter.run(room, slots)
        if left:
            newest = max(shown.painted_at for shown in left)
            await self._publish("rest", f"repaint:{room}", f"{room}\n{record}\n{newest}")

    async def _rest(self, delivery: Delivery) -> None:
        room, record, newest = delivery.job.body.decode().split("\n")
        slots = await (self._s.slots.about(record, room) if record else self._s.slots.in_room(room))
        await self._repaint(room, record, [shown for shown in slots if shown.painted_at <= int(newest)])


def _again(delivery: Delivery) -> bool:
    """Whether an earlier try, in this process or before a crash, may have done some of it."""
    return delivery.tries > 1 or delivery.local is None
