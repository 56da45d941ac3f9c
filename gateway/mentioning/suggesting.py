"""A name misspelled, misheard or typed in pinyin: asked of the author alone, once a message, only in the silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cards.words import N_, say
from gateway.handlers.hearing import heard
from gateway.handlers.told import Told, tells
from gateway.turn import Show, Slot, Turn
from identity.audience import direct
from mentions.bounds import Spans
from mentions.normal import normalise_name

if TYPE_CHECKING:
    from gateway.services import Services

LONGEST = 60
"""Characters of a message that is looked at: to look costs far more than to match."""


async def suggestion(s: Services, turn: Turn, message: str, text: str, quoted: Spans) -> list[Show]:
    """For one of ours who wrote a short message in which nobody was heard."""
    person = turn.person
    if person is None or person.external or not s.config.mentions.suggest or len(text) > LONGEST:
        return []
    found = s.records.suggestions.suggest(text, quoted) if s.records.suggestions.spare(turn.now) else None
    if found is None:
        return []
    name, ref = normalise_name(text[found.start : found.end]), found.refs[0]
    each = await heard(s, ref, direct(person, turn.event.who))
    if each is None or await s.rooms.store.choice(turn.place.room_key, name) is not None:
        return []
    turn.trail.note("suggested", turn.now, record=ref, reason=found.reason)
    told = await tells(s, person, turn.event.who, {ref: ()}, kind="notice", message=message)
    return [_asked(s, turn, message, name, ref, each.record.title, told)]


def _asked(s: Services, turn: Turn, message: str, name: str, ref: str, title: str, told: Told) -> Show:
    locale, place = turn.locale or s.config.locale, turn.place.key
    buttons = (
        s.buttons.make(locale, N_("Show the card here"), "mean", "primary", r=ref, n=name, m=message, t=place),
        s.buttons.make(locale, N_("Not a customer"), "none", n=name, m=message, t=place),
    )
    facts = {"title": "", "text": say(locale, "Did you mean {customer}?", customer=title), "tone": "neutral"}
    card = s.deck.draw("notice", locale=locale, zone=s.config.zone, now=turn.now, buttons=buttons, **facts)
    return Show(slot(turn, message, name), card, told.records, valid_until=told.until, state=told.state)


def slot(turn: Turn, message: str, name: str) -> Slot:
    """As a question which of several is meant: `none` takes either away."""
    key = turn.event.who.id.key
    return Slot(turn.place, "whisper", f"{message}:{name}:{key}", key)
