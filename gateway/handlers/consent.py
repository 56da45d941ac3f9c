"""Whoever an admin linked an account to, although its verified address is another, is asked there whether that was
right; "not me" ends the link, and the admins hear of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial

from cards.words import N_, say
from channels.model import Directs, ImId, Toast
from gateway.bus.model import Job
from gateway.errors import Refused
from gateway.handlers.alerts import direct_rooms
from gateway.handlers.buttons import Press
from gateway.outgoing.model import Rank
from gateway.services import Services
from gateway.turn import Outcome, Show, Slot, Turn
from identity.model import Link, Person
from identity.steps import canonical


async def ask(s: Services, link: Link) -> None:
    """Only of a chat account whose verified address is known, and is none of the person's."""
    if link.kind == "im" and differs(s, link):
        body = json.dumps({"link": link.id}).encode()
        await s.bus.publish(Job("consent", f"consent:{link.id}", f"consent:{link.id}", body), "here")


def differs(s: Services, link: Link) -> bool:
    person, aliases = s.people.person(link.person), s.config.audience.domain_aliases
    address = canonical(s.identities.addresses.get(link.key, ""), aliases)
    return bool(address) and person is not None and address not in {canonical(each, aliases) for each in person.emails}


async def notices(s: Services, body: bytes) -> AsyncIterator[list[Show]]:
    link = _standing(s, str(json.loads(body)["link"]))
    person = s.people.person(link.person) if link is not None else None
    if link is None or person is None:
        return
    im = ImId.parse(link.key)
    channel = s.channels.get(im.channel)
    if not isinstance(channel, Directs):
        return
    with contextlib.suppress(Refused):
        place = await s.gate.run(im.channel, "direct", "", Rank.ALERT, partial(channel.direct, im))
        yield [_question(s, Slot(place, "alert", f"consent:{link.id}"), link, person)]


def _question(s: Services, slot: Slot, link: Link, person: Person) -> Show:
    locale = person.locale or s.config.locale
    text = say(locale, "An admin linked this account to {name}. Was this right?", name=person.name)
    buttons = (
        s.buttons.make(locale, N_("Yes"), "consent", "primary", l=link.id, y="yes"),
        s.buttons.make(locale, N_("That is not me"), "consent", l=link.id, y="no"),
    )
    return _card(s, slot, person, say(locale, "Is this you?"), text, buttons)


def _card(s: Services, slot: Slot, person: Person, title: str, text: str, buttons: tuple[object, ...] = ()) -> Show:
    locale = person.locale or s.config.locale
    facts = {"title": title, "text": text, "tone": "info", "buttons": buttons}
    card = s.deck.draw("notice", locale=locale, zone=person.zone or s.config.zone, now=s.clock.now(), **facts)
    return Show(slot, card, (), state={"kind": "notice"})


async def pressed(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """Only from the account itself: nobody says of another's that it is not them."""
    link, locale = _standing(s, press.text("l")), turn.locale or s.config.locale
    if link is None:
        raise Refused("This link is over already.")
    if link.key != turn.event.who.id.key:
        raise Refused("Only whoever has the account can say that.")
    slot = Slot(turn.place, "alert", f"consent:{link.id}")
    if press.text("y") == "yes":
        turn.trail.note("consented", turn.now, person=person.id, link=link.id)
        text = say(locale, "Thank you. It stays so.")
        return Outcome(Toast(text, "info"), (_card(s, slot, person, say(locale, "Is this you?"), text),))
    await s.people.unlink(link.id, "account")
    turn.trail.note("unlinked", turn.now, person=person.id, link=link.id, kind="im", step=link.step)
    body = json.dumps({"link": link.id, "key": link.key, "person": person.id, "by": link.made_by}).encode()
    await s.bus.publish(Job("disowned", f"disowned:{link.id}", f"disowned:{link.id}", body), "here")
    text = say(locale, "Then it is not. The link is undone, and an admin hears of it.")
    return Outcome(Toast(text, "info"), (_card(s, slot, person, say(locale, "Is this you?"), text),))


async def disowned(s: Services, body: bytes) -> AsyncIterator[list[Show]]:
    """Each admin is told, in the first of their rooms that takes it."""
    about = {name: str(value) for name, value in json.loads(body).items()}
    wrong, maker = s.people.person(about["person"]), s.people.person(about["by"])
    for admin in s.people.persons():
        if admin.active and "admin" in admin.roles:
            locale = admin.locale or s.config.locale
            text = say(
                locale,
                "The account {key}, which {admin} linked to {name}, says it is not theirs. The link is undone.",
                key=about["key"],
                admin=maker.name if maker is not None else about["by"],
                name=wrong.name if wrong is not None else about["person"],
            )
            title = say(locale, "An account was linked wrongly")
            subject = f"disowned:{about['link']}:{admin.id}"
            yield [
                _card(s, Slot(place, "alert", subject), admin, title, text) async for place in direct_rooms(s, admin)
            ]


def _standing(s: Services, id_: str) -> Link | None:
    return next((each for each in s.people.links() if each.id == id_), None)
