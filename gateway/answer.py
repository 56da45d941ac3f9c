"""An answer that no request waits for any more: as the network's form, or as a whisper to the one who pressed."""

from __future__ import annotations

from cards.tree import Card
from cards.words import join, say
from channels.model import Answer, FieldErrors, Forms, ImId, Nothing, OpenForm, Pressed, Said, ShowCard, Toast, Whispers
from gateway.services import Services
from gateway.turn import Turn


async def answer_apart(s: Services, turn: Turn, answer: Answer) -> None:
    """Does nothing for `Nothing`, and where the network can tell a single person nothing."""
    if isinstance(answer, Nothing):
        return
    channel = s.channels[turn.place.channel]
    trigger = turn.event.trigger if isinstance(turn.event, Pressed | Said) else ""
    if isinstance(answer, OpenForm) and trigger and isinstance(channel, Forms):
        await channel.open(trigger, answer.card)
    elif isinstance(channel, Whispers):
        to: ImId = turn.event.who.id
        await channel.whisper(turn.place, to, _card(s, turn, answer), once=f"{turn.event.once}:answer")


def _card(s: Services, turn: Turn, answer: Answer) -> Card:
    if isinstance(answer, ShowCard):
        return answer.card
    locale = turn.locale or s.config.locale
    text, tone = say(locale, "That took too long. Press again."), "warning"
    if isinstance(answer, Toast):
        text, tone = answer.text, answer.tone
    elif isinstance(answer, FieldErrors):
        text = join(locale, answer.errors.values())
    facts = {"title": "", "text": text, "tone": tone, "buttons": ()}
    return s.deck.draw("notice", locale=locale, zone=s.config.zone, now=turn.now, **facts)
