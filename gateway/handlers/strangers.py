"""One of our own whom nobody has mapped used the bot: each admin is told once, and may say who it is."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from cards.tree import Button
from cards.words import say
from channels.model import ImId, Pressed, Said, Submitted, Toast
from gateway.bus.model import Job
from gateway.errors import Refused
from gateway.handlers import consent
from gateway.handlers.alerts import direct_rooms
from gateway.handlers.buttons import Press
from gateway.services import Services
from gateway.turn import Outcome, Show, Slot, Turn
from identity.model import Person

SUGGESTED = 3


async def noticed(s: Services, turn: Turn, outcome: Outcome) -> None:
    """Once for an account; who only talks about other things is nobody's business."""
    event = turn.event
    used = outcome.acts or isinstance(event, Pressed | Submitted)
    if turn.person is not None or not used or not isinstance(event, Said | Pressed | Submitted):
        return
    who = await s.rooms.standing(event.where, event.who)
    if who.kind in ("member", "account"):
        mark = hashlib.sha256(who.id.key.encode()).hexdigest()[:32]
        body = f"{who.id.key}\n{event.where.room_key}\n{who.name}".encode("utf-8", "replace")
        await s.bus.publish(Job("stranger", f"stranger:{mark}", f"stranger:{mark}", body), "here")


async def notices(s: Services, body: bytes) -> AsyncIterator[list[Show]]:
    """For each admin the same card in each of the rooms they can be reached in; the first that takes it will do."""
    im, room, name = body.decode().split("\n", 2)
    if s.people.linked("im", im) is not None:
        return
    title = (await s.rooms.store.state(room)).title
    for admin in s.people.persons():
        if admin.active and "admin" in admin.roles:
            yield [_notice(s, admin, place, im, name, title) async for place in direct_rooms(s, admin)]


def _notice(s: Services, admin: Person, place: object, im: str, name: str, title: str) -> Show:
    locale = admin.locale or s.config.locale
    text = say(
        locale,
        "{name} used me in {room}, and I don't know who that is. Say it here, or under {address}.",
        name=name or "?",
        room=title or "?",
        address=f"{s.config.public_url.rstrip('/')}/console/identities",
    )
    facts = {"title": say(locale, "An account nobody has mapped"), "text": text, "tone": "info"}
    buttons = tuple(_is(s, each, im, locale) for each in _alike(s, name))
    card = s.deck.draw("notice", locale=locale, zone=s.config.zone, now=s.clock.now(), buttons=buttons, **facts)
    return Show(Slot(place, "alert", f"stranger:{im}:{admin.id}"), card, (), state={"kind": "notice"})  # type: ignore[arg-type]


def _alike(s: Services, name: str) -> list[Person]:
    """A name only ever suggests; whoever presses says so."""
    wanted = name.strip().casefold()
    found = [each for each in s.people.persons() if each.active and wanted and each.name.strip().casefold() == wanted]
    return found[:SUGGESTED]


def _is(s: Services, person: Person, im: str, locale: str) -> Button:
    label = say(locale, "It is {name}", name=f"{person.name} ({person.team})" if person.team else person.name)
    return Button(label, "map", s.buttons.data("map", i=im, p=person.id))


async def mapped(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    im, chosen = press.text("i"), s.people.person(press.text("p"))
    if "admin" not in person.roles:
        raise Refused("Only an admin says who somebody is.")
    known = s.people.linked("im", im)
    if known is not None:
        raise Refused("This account is mapped already, to {name}.", name=known.name)
    if chosen is None or not chosen.active:
        raise Refused("That person is not there any more.")
    evidence = f"said by {person.id} in {ImId.parse(turn.event.who.id.key).channel}"
    there = im.rpartition("/")[0]
    had = any(each.kind == "im" and each.key.rpartition("/")[0] == there for each in s.people.links(chosen.id))
    made = await s.people.link(chosen.id, "im", im, step="admin", evidence=evidence, made_by=person.id)
    await consent.ask(s, made)
    turn.trail.note("linked", turn.now, person=chosen.id, step="admin")
    locale = turn.locale or s.config.locale
    if had:  # nobody gets a second account on one network without being told
        text = say(locale, "Mapped to {name}, who had an account on that network already.", name=chosen.name)
        return Outcome(Toast(text, "warning"))
    return Outcome(Toast(say(locale, "Mapped to {name}.", name=chosen.name), "info"))
