"""A name misspelled, misheard or typed in pinyin: asked of the author alone, once a message, only in the silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cards.words import N_, say
from gateway.handlers.hearing import heard
from gateway.handlers.told import Told, tells
from gateway.mentioning import silence
from gateway.mentioning.spoken import spoken
from gateway.turn import Show, Slot, Turn
from identity.audience import direct
from mentions.bounds import Spans

if TYPE_CHECKING:
    from gateway.services import Services


async def suggestion(s: Services, turn: Turn, message: str, text: str, quoted: Spans) -> list[Show]:
    """For one of ours who wrote a message in which nobody was heard."""
    if not s.records.suggestions.spare(turn.now, len(text)):
        return []
    found = await would_suggest(s, turn, text, quoted)
    if found is None or turn.person is None:
        return []
    name, ref, title = found
    told = await tells(s, turn.person, turn.event.who, {ref: ()}, kind="notice", message=message)
    return [_asked(s, turn, message, name, ref, title, told)]


async def would_suggest(s: Services, turn: Turn, text: str, quoted: Spans) -> tuple[str, str, str] | None:
    """The name as it is written, whom it may mean, and who that is."""
    person = turn.person
    if person is None or person.external or not s.config.mentions.suggest:
        return None
    found = s.records.suggestions.suggest(text, quoted)
    if found is None:
        return None
    name, ref = spoken(text[found.start : found.end]), found.refs[0]
    each = await heard(s, ref, direct(person, turn.event.who))
    if each is None or await s.rooms.store.choice(turn.place.room_key, name) is not None:
        return None
    if turn.place.room and await silence.cool(s, turn, ref):
        return None
    turn.trail.note("suggested", turn.now, record=ref, reason=found.reason)
    return name, ref, each.record.title


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
