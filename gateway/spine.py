"""From a delivery to what is shown: one turn for each event, one repaint for each changed record."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from cards.words import match
from channels.model import Answer, Deleted, Edited, Event, Joined, Left, Pressed, Said, Submitted
from gateway import codec
from gateway.answer import answer_apart
from gateway.bus.model import Delivery, Job
from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.handlers import alerts, forms, members, press, said
from gateway.metrics import WHOLE_TURN
from gateway.redraw import redraw
from gateway.services import Services
from gateway.show import Shower
from gateway.store.slots import Shown
from gateway.turn import Act, Outcome, Show, Trail, Turn, new_trail
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
}


def lane_of(event: Event) -> str:
    """A room's order is kept; a press or a form never waits behind messages."""
    if isinstance(event, Pressed | Submitted):
        return f"press:{event.once}"
    return f"room:{event.where.room_key}"


@dataclass(slots=True)
class Waiter:
    """The request that a press came in, and whether it has been answered already without us."""

    gone: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    event: Event
    waiter: Waiter | None = None


class Spine:
    def __init__(self, services: Services, shower: Shower) -> None:
        self._s = services
        self._shower = shower
        self._queued: set[str] = set()
        self.edited: tuple[Callable[[], None], ...] = ()
        """Called when an edit was decided: whoever writes back looks at once."""

    async def accept(self, event: Event, waiter: Waiter | None = None) -> bool:
        """Durable when it returns; False when this event was accepted before."""
        job = Job("event", lane_of(event), event.once, codec.encode(event))
        return await self._s.bus.publish(job, Accepted(event, waiter))

    async def handle(self, delivery: Delivery) -> object:
        if delivery.job.topic == "event":
            local = delivery.local
            accepted = local if isinstance(local, Accepted) else Accepted(codec.decode(delivery.job.body))
            return await self._event(accepted)
        subject = delivery.job.body.decode()
        if delivery.job.topic == "record":
            self._queued.discard(subject)
            await self._repaint(await self._s.slots.about(subject), "", record=subject)
        elif delivery.job.topic == "room":
            self._queued.discard(subject)
            await self._repaint(await self._s.slots.in_room(subject), subject)
        else:
            raise Unreadable(f"no job is called {delivery.job.topic!r}")
        return None

    async def _event(self, accepted: Accepted) -> Answer:
        event = accepted.event
        started = time.perf_counter()
        trail = new_trail(event.where.room_key)
        person = await self._speaking(event, await self._s.identities.who(event.who, event.where.room_key))
        turn = Turn(event, person, self._s.clock.now(), trail)
        try:
            epoch = self._s.epoch.value
            outcome = await HANDLERS[type(event)](self._s, turn)
            await self.perform(outcome.acts, trail, epoch)
            await self._after(outcome)
            if accepted.waiter is None or accepted.waiter.gone:
                await answer_apart(self._s, turn, outcome.answer)
        except (Retry, Refused, Rejected, Unreadable):
            raise
        except Exception:
            trail.note("broke", turn.now, reference=turn.id)
            log.exception("turn %s broke", turn.id)
            raise
        finally:
            await self._s.trail.write(trail)
        WHOLE_TURN.labels(type(event).__name__.lower()).observe(time.perf_counter() - started)
        return outcome.answer

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
        self._s.epoch.value += 1
        await self._queue("record", f"record:{record}", record)

    async def refresh_room(self, room: str) -> None:
        self._s.epoch.value += 1
        await self._queue("room", f"repaint:{room}", room)

    async def _queue(self, topic: str, lane: str, subject: str) -> None:
        if subject in self._queued:
            return
        self._queued.add(subject)
        await self._s.bus.publish(Job(topic, lane, f"{topic}:{secrets.token_hex(8)}", subject.encode()))

    async def perform(self, acts: Iterable[Act], trail: Trail, epoch: int) -> None:
        """Shows and hides; what changed while the card was being drawn is drawn again under the slot's lock."""
        for act in acts:
            if not isinstance(act, Show):
                await self._shower.hide(act, trail)
                continue
            await self._shower.show(act, trail, self._newer(epoch, trail))
            if act.slot.purpose == "card":
                await self._note_floated(act)

    def _newer(self, epoch: int, trail: Trail) -> Callable[[Shown], Awaitable[Act | None]]:
        async def again(shown: Shown) -> Act | None:
            if self._s.epoch.value == epoch:
                return None
            return await redraw(self._s, shown, Trail(trail.turn, trail.room))

        return again

    async def _note_floated(self, act: Show) -> None:
        shown = await self._s.slots.get(act.slot)
        if shown is not None:
            for record in act.records:
                await self._s.rooms.store.note_floated(act.slot.place.room_key, record, self._s.clock.now(), shown.id)

    async def _repaint(self, slots: Iterable[Shown], room: str, record: str = "") -> None:
        trail = new_trail(room)
        try:
            for shown in slots:
                await self.repaint(shown, trail)
            if record:
                epoch = self._s.epoch.value
                await self.perform(await alerts.settle_over(self._s, record, trail), trail, epoch)
        finally:
            await self._s.trail.write(trail)

    async def repaint(self, shown: Shown, trail: Trail) -> None:
        """Told in the trail only where what is shown became another."""
        told = Trail(trail.turn, shown.slot.place.room_key)
        epoch = self._s.epoch.value
        act = await redraw(self._s, shown, told)
        if act is not None:
            await self.perform([act], told, epoch)
        if any(step.step in ("shown", "removed") for step in told.steps):
            trail.steps += told.steps
