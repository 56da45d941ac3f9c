"""Whoever saved a value that later lost is told, alone and once: what stands now, from whom, and how to take theirs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

from cards.tree import Button
from cards.words import N_, say
from channels.model import ImId, Place, Whispers
from gateway.bus.model import Job
from gateway.handlers import view
from gateway.handlers.alerts import direct_rooms
from gateway.handlers.hearing import Heard, heard
from gateway.services import Services
from gateway.store.due import Due
from gateway.store.ledger import Challenger, FieldState
from gateway.store.slots import Shown
from gateway.turn import Show, Slot, Trail
from identity.audience import audience_hash, carried, direct
from identity.model import Person
from reconcile.canonical import equal
from reconcile.model import Json

KIND = "lost"


@dataclass(frozen=True, slots=True)
class Loss:
    """Of `person`'s `edit`, made in the turn `trace`."""

    edit: str
    record: str
    field: str
    person: str
    trace: str = ""

    @staticmethod
    def of(told: dict[str, Json]) -> Loss:
        return Loss(*(str(told.get(name, "")) for name in ("edit", "record", "field", "person", "trace")))

    @property
    def state(self) -> dict[str, Json]:
        about: dict[str, Json] = {"edit": self.edit, "record": self.record, "field": self.field, "person": self.person}
        return {"kind": KIND, **about}


async def due(s: Services, item: Due, trail: Trail) -> None:
    """Told by a job of its own, so that a network that is down only delays it."""
    edit = str(item.payload["edit"])
    body = json.dumps(item.payload).encode()
    await s.bus.publish(Job("lost", f"lost:{edit}", f"lost:{edit}", body), "here")


async def notices(s: Services, body: bytes) -> AsyncIterator[list[Show]]:
    """In the reader's own rooms, else as a whisper where they saved it: the first that takes it will do."""
    loss = Loss.of(cast("dict[str, Json]", json.loads(body)))
    person = s.people.person(loss.person)
    if person is None or not person.active:
        return
    shows = [await draw(s, slot, loss, person) async for slot in _slots(s, loss, person)]
    yield [show for show in shows if show is not None]


async def _slots(s: Services, loss: Loss, person: Person) -> AsyncIterator[Slot]:
    async for place in direct_rooms(s, person):
        yield Slot(place, "alert", f"{KIND}:{loss.edit}:{person.id}")
    steps = await s.trail.turn(loss.trace) if loss.trace else []
    if not steps or not steps[0].step.room:
        return
    place = Place.parse(f"{steps[0].step.room}/")
    for im in (ImId.parse(link.key) for link in s.people.links(person.id) if link.kind == "im"):
        if im.channel == place.channel and isinstance(s.channels.get(im.channel), Whispers):
            yield Slot(place, "whisper", f"{KIND}:{loss.edit}:{im.key}", im.key)


async def again(s: Services, shown: Shown) -> Show | None:
    """What the notice says by now; None when the value stands after all, or its reader may not know of it."""
    loss = Loss.of(shown.state)
    person = s.people.person(loss.person)
    return await draw(s, shown.slot, loss, person) if person is not None and person.active else None


async def draw(s: Services, slot: Slot, loss: Loss, person: Person) -> Show | None:
    """For this person alone, by what they may see now: never a value of a field that is hidden from them."""
    each = await heard(s, loss.record, carried(direct(person), slot.place.channel))
    state = await s.ledger.state(loss.record, loss.field)
    mine = (await s.ledger.edits([loss.edit])).get(loss.edit)
    if each is None or state is None or mine is None or not _gone(s, loss, state, mine):
        return None
    locale = person.locale or s.config.locale
    told = loss.field in each.record.fields
    facts = {
        "title": each.record.title,
        "text": _values(s, loss, state, mine, locale) if told else _hidden(s, loss, locale),
        "tone": "info",
        "buttons": _buttons(s, loss, state, mine, each, locale) if told else (),
    }
    zone = person.zone or s.config.zone
    card = s.deck.draw("notice", locale=locale, zone=zone, now=s.clock.now(), **facts)
    about = audience_hash(direct(person))
    fields = ("name", *([loss.field] if told else ()))
    return Show(slot, card, (loss.record,), about, each.disclosed.valid_until, loss.state, fields)


def _gone(s: Services, loss: Loss, state: FieldState, mine: Challenger) -> bool:
    """While it is undecided the conflict's own card says so."""
    if state.conflict is not None or state.edit == loss.edit:
        return False
    normaliser = s.ledger.policies.of(loss.record.split(":")[1], loss.field).normaliser
    return not equal(normaliser, state.value, mine.value)


def _values(s: Services, loss: Loss, state: FieldState, mine: Challenger, locale: str) -> str:
    spec, now = s.config.fields.get(loss.field), s.clock.now()
    who = s.people.person(state.actor)
    facts = {
        "field": view.label(spec, loss.field, locale),
        "mine": view.worded(spec, mine.value, locale, now),
        "value": view.worded(spec, state.value, locale, now),
        "source": state.source,
    }
    if mine.erased_at is not None or state.erased_at is not None:
        return _hidden(s, loss, locale)
    if who is None or who.id == loss.person:
        return say(locale, "{field}: you saved {mine}. Now {value} stands, from {source}.", **facts)
    return say(locale, "{field}: you saved {mine}. Now {value} stands, from {who} {source}.", who=who.name, **facts)


def _hidden(s: Services, loss: Loss, locale: str) -> str:
    label = view.label(s.config.fields.get(loss.field), loss.field, locale)
    return say(locale, "{field}: what you saved does not stand any more.", field=label)


def _buttons(
    s: Services, loss: Loss, state: FieldState, mine: Challenger, each: Heard, locale: str
) -> tuple[Button, ...]:
    """Only who may edit the field here and now; its token holds what the card says stands."""
    spec = s.config.fields.get(loss.field)
    if spec is None or not spec.editable or loss.field not in each.editable or mine.erased_at is not None:
        return ()
    h: list[Json] = [*state.heads]
    made = s.buttons.make(
        locale, N_("Use mine after all"), "settle", r=loss.record, f=loss.field, e=loss.edit, c="", h=h, q=[]
    )
    return (made,)
