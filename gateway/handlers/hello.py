"""The bot came into a room: one short card says what it does, what it hears and how to hush it. Also /doctor."""

from __future__ import annotations

from cards.words import N_, say
from channels.model import Event
from gateway import doctor
from gateway.services import Services
from gateway.turn import Show, Slot

_HEARS = {
    "yes": N_("I hear what is said here."),
    "partly": N_("I hear only what mentions me."),
    "no": N_("I cannot hear what is said here."),
    "unknown": N_("I hear what the network lets me hear."),
}


async def hello(s: Services, event: Event, locale: str) -> Show:
    """In a slot of the room's own, so that a second arrival brings no second card while the first is up."""
    place = event.where
    channel = s.channels[place.channel]
    checkup = await doctor.examine(channel, s.rooms, s.people, place)
    heard = next((each for each in checkup.findings if each.what == "hear"), None)
    words = [
        say(locale, "Mention a customer and I show what everyone in this room may see of them."),
        say(locale, _HEARS[heard.able if heard is not None else "unknown"]),
    ]
    if heard is not None and heard.able in ("partly", "no") and heard.fix:
        words.append(say(locale, heard.fix, **heard.facts))
    words.append(say(locale, "/quiet 2h hushes me, /help tells the rest."))
    facts = {
        "title": say(locale, "Hello"),
        "text": channel.limits.as_typed(" ".join(words)),
        "tone": "info",
        "buttons": (),
    }
    card = s.deck.draw("notice", locale=locale, zone=s.config.zone, now=s.clock.now(), **facts)
    return Show(Slot(place, "card", "hello"), card, (), state={"kind": "notice"})
