"""A conflict nobody settles is somebody's: the record's owner is asked, then the manager; whom a person asked stays."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from cards.words import N_, say
from gateway.bus.model import Job
from gateway.handlers import view
from gateway.handlers.alerts import direct_rooms, managers
from gateway.handlers.hearing import heard, owners
from gateway.services import Services
from gateway.store.console import ConsoleStore
from gateway.store.due import Due
from gateway.store.slots import Shown
from gateway.turn import Show, Slot, Trail
from identity.audience import audience_hash, carried, direct
from identity.model import Person
from reconcile.model import Json

KIND = "asked_to_decide"


async def due(s: Services, item: Due, trail: Trail) -> None:
    """Half the time has passed after which the managers hear of it: whoever it is assigned to is reminded."""
    conflict, record, field = (str(item.payload[name]) for name in ("conflict", "record", "field"))
    who = await assign(s, conflict, record, field, to="owner")
    if who is not None:
        await ask(s, conflict, record, field, who, item.at)


async def ask(s: Services, conflict: str, record: str, field: str, who: Person, at: int) -> None:
    """Told alone, in every direct room of theirs. Once for one `at`."""
    body = json.dumps({"conflict": conflict, "record": record, "field": field, "person": who.id}).encode()
    await s.bus.publish(Job("asked", f"asked:{conflict}", f"asked:{conflict}:{who.id}:{at}", body), "here")


async def assign(s: Services, conflict: str, record: str, field: str, *, to: str) -> Person | None:
    """Who is asked from now on; None when it is settled, or nobody who may edit the field is there to ask."""
    state, known = await s.ledger.state(record, field), await s.records.get(record)
    if state is None or state.conflict != conflict or known is None or known.deleted:
        return None
    store = ConsoleStore(s.store)
    person, _ = await store.owner(conflict)
    asked, near = s.people.person(person) if person else None, sorted(owners(s, known))
    if asked is not None and asked.active and (to == "owner" or asked.id not in near):
        return asked
    near = near if to == "owner" else sorted(each.id for each in managers(s, known))
    for each in (s.people.person(id_) for id_ in near):
        if each is not None and each.active and await _may(s, each, record, field):
            await store.assign([conflict], each.id, "", s.clock.now())
            return each
    return None


async def _may(s: Services, person: Person, record: str, field: str) -> bool:
    each, spec = await heard(s, record, direct(person)), s.config.fields.get(field)
    return each is not None and spec is not None and spec.editable and field in each.editable


async def notices(s: Services, body: bytes) -> AsyncIterator[list[Show]]:
    about = {name: str(value) for name, value in json.loads(body).items()}
    person = s.people.person(about["person"])
    if person is None or not person.active:
        return
    shows = []
    async for place in direct_rooms(s, person):
        slot = Slot(place, "alert", f"{KIND}:{about['conflict']}:{person.id}")
        shows.append(await draw(s, slot, about["conflict"], about["record"], about["field"], person))
    yield [show for show in shows if show is not None]


async def again(s: Services, shown: Shown) -> Show | None:
    """None once it is settled, or when they may not decide it any more."""
    names = ("conflict", "record", "field", "person")
    conflict, record, field, who = (str(shown.state.get(name, "")) for name in names)
    person = s.people.person(who)
    return await draw(s, shown.slot, conflict, record, field, person) if person is not None and person.active else None


async def draw(s: Services, slot: Slot, conflict: str, record: str, field: str, person: Person) -> Show | None:
    """Without a value: the sides are a press away, judged then."""
    mine = carried(direct(person), slot.place.channel)
    each, state = await heard(s, record, mine), await s.ledger.state(record, field)
    if each is None or state is None or state.conflict != conflict or not await _may(s, person, record, field):
        return None
    locale = person.locale or s.config.locale
    label = view.label(s.config.fields.get(field), field, locale)
    text = say(locale, "Two values for {field} wait for you to decide.", field=label)
    button = s.buttons.make(locale, N_("Decide"), "decide", "primary", r=record, f=field)
    facts = {"title": each.record.title, "text": text, "tone": "warning", "buttons": (button,)}
    card = s.deck.draw("notice", locale=locale, zone=person.zone or s.config.zone, now=s.clock.now(), **facts)
    kept: dict[str, Json] = {
        "kind": KIND,
        "conflict": conflict,
        "record": record,
        "field": field,
        "person": person.id,
    }
    return Show(slot, card, (record,), audience_hash(direct(person)), each.disclosed.valid_until, kept, ("name",))
