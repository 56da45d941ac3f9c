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
from gateway.outgoing.model import Rank
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
    elif isinstance(channel, Whispers):
        place, to, once = turn.place, turn.event.who.id, f"{turn.event.once}:answer"
        page = answer if isinstance(answer, OpenForm) and not isinstance(channel, Forms) else None
        card = await page_card(s, turn, page) if page is not None else card_of(s, turn, answer)
        await s.gate.run(
            place.channel, "whisper", place.room, Rank.PRESS, lambda: channel.whisper(place, to, card, once=once)
        )
    elif isinstance(channel, Directs):
        with contextlib.suppress(Unmet):
            await _directly(s, turn, channel, card_of(s, turn, answer))


async def _directly(s: Services, turn: Turn, channel: Directs, card: Card) -> None:
    name, to, once = turn.place.channel, turn.event.who.id, f"{turn.event.once}:answer"
    own = await s.gate.run(name, "direct", "", Rank.PRESS, lambda: channel.direct(to))
    await s.gate.run(name, "send", own.room, Rank.PRESS, lambda: s.channels[name].send(own, card, once=once))


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
