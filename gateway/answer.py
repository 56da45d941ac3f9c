"""An answer that no request waits for any more: as the network's form, or as a whisper to the one who pressed."""

from __future__ import annotations

import contextlib

from cards.tree import Card
from cards.words import join, say
from channels.model import (
    Answer,
    Directs,
    FieldErrors,
    Forms,
    Nothing,
    OpenForm,
    Pressed,
    Said,
    ShowCard,
    Toast,
    Whispers,
)
from gateway.errors import Unmet
from gateway.outgoing.gate import Calls
from gateway.outgoing.model import Rank
from gateway.outgoing.whispering import whispered
from gateway.pages import page_card
from gateway.services import Services
from gateway.turn import Turn


async def answer_apart(s: Services, turn: Turn, answer: Answer) -> None:
    """Does nothing for `Nothing`, and where the network can tell a single person nothing."""
    if isinstance(answer, Nothing):
        return
    channel = s.channels[turn.place.channel]
    trigger = turn.event.trigger if isinstance(turn.event, Pressed | Said) else ""
    if isinstance(answer, OpenForm) and trigger and isinstance(channel, Forms):
        await s.gate.run(turn.place.channel, "open", "", Rank.PRESS, lambda: channel.open(trigger, answer.card))
    elif isinstance(channel, Whispers | Directs):
        place, to, once = turn.place, turn.event.who.id, f"{turn.event.once}:answer"
        page = answer if isinstance(channel, Whispers) and not isinstance(channel, Forms) else None
        card = await page_card(s, turn, page) if isinstance(page, OpenForm) else card_of(s, turn, answer)
        calls = Calls(s.gate, channel.name, Rank.PRESS)
        with contextlib.suppress(Unmet):
            await whispered(channel, place, to, card, once=once, calls=calls)


def card_of(s: Services, turn: Turn, answer: Answer) -> Card:
    if isinstance(answer, ShowCard):
        return answer.card
    locale = turn.locale or s.config.locale
    text, tone = say(locale, "That took too long. Press again."), "warning"
    if isinstance(answer, Toast):
        text, tone = answer.text, answer.tone
    elif isinstance(answer, FieldErrors):
        text = join(locale, answer.errors.values())
    text = s.channels[turn.place.channel].limits.as_typed(text)
    facts = {"title": "", "text": text, "tone": tone, "buttons": ()}
    return s.deck.draw("notice", locale=locale, zone=s.config.zone, now=turn.now, **facts)
