"""What one person alone is told, on a network that answers a press with a word, or writes to nobody uninvited."""

from __future__ import annotations

from dataclasses import replace

from cards.words import N_, say
from channels.model import Directs, ImId, Invites, OpenForm, Said, ShowCard, Toast, Whispers
from gateway import dialog
from gateway.errors import Refused
from gateway.handlers.hearing import heard
from gateway.handlers.told import Told, tells
from gateway.services import Services
from gateway.turn import Act, Hide, Outcome, Show, Slot, Turn
from identity.audience import direct


async def instead(s: Services, turn: Turn, outcome: Outcome) -> Outcome:
    """The same outcome by the means this network has: a form as a dialogue, a card as a whisper."""
    answer, channel = outcome.answer, s.channels[turn.place.channel]
    if isinstance(answer, OpenForm) and channel.limits.asks_forms:
        return _with(outcome, await _asked(s, turn, answer))
    if isinstance(answer, ShowCard) and not channel.limits.answers_cards and not isinstance(turn.event, Said):
        return _with(outcome, await _whispered(s, turn, answer))
    return outcome


def _with(outcome: Outcome, more: Outcome) -> Outcome:
    return replace(outcome, answer=more.answer, acts=(*outcome.acts, *more.acts))


async def _asked(s: Services, turn: Turn, answer: OpenForm) -> Outcome:
    try:
        return await dialog.begin(s, turn, answer.card)
    except Refused as refused:
        return Outcome(Toast(say(turn.locale or s.config.locale, refused.say, **refused.facts), "warning"))


async def _whispered(s: Services, turn: Turn, answer: ShowCard) -> Outcome:
    """In a slot of its own, so that it goes, or is drawn again, as what it tells does."""
    key = turn.event.who.id.key
    slot = Slot(turn.place, "whisper", f"answer:{turn.event.once}", key)
    told = await _tells(s, turn, answer)
    show = Show(slot, answer.card, told.records, valid_until=told.until, state=told.state)
    if isinstance(s.channels[turn.place.channel], Whispers):  # a word of that would stand beside it
        return Outcome(acts=(show,))
    return Outcome(Toast(say(turn.locale or s.config.locale, N_("I wrote to you alone."))), (show,))


async def _tells(s: Services, turn: Turn, answer: ShowCard) -> Told:
    if answer.live:
        return Told(answer.records, None, {"refs": [*answer.records], "kind": "mine"})
    mine = direct(turn.person, turn.event.who)
    seen = [each for each in [await heard(s, ref, mine) for ref in answer.records] if each is not None]
    fields = {each.record.ref.key: (*each.record.fields, *each.record.related) for each in seen}
    return await tells(s, turn.person, turn.event.who, fields, kind="notice")


def begin_with_me(s: Services, turn: Turn) -> Toast:
    """For whoever pressed and has never spoken to the bot."""
    channel = s.channels[turn.place.channel]
    url = channel.invitation(turn.event.who.id) if isinstance(channel, Invites) else ""
    text = N_("I can tell you that alone only after you opened a chat with me and pressed Start. Then press again.")
    return Toast(say(turn.locale or s.config.locale, text), "warning", url)


async def invited(s: Services, act: Act, *, pressed: bool) -> tuple[Show, ...]:
    """What the room is told instead of a whisper: whom it is for, and where; nothing of what it was about. Whoever
    pressed is told so themselves."""
    channel = s.channels[act.slot.place.channel]
    if pressed or act.slot.purpose != "whisper" or not isinstance(channel, Invites):
        return ()
    to = ImId.parse(act.slot.to)
    if isinstance(channel, Directs) and await channel.direct(to) == act.slot.place:
        return ()
    person = s.people.linked("im", act.slot.to)
    locale = (person.locale if person is not None else "") or s.config.locale
    words = N_("{name}: I have something for you alone. Open a chat with me and press Start.")
    text = say(locale, words, name=person.name if person is not None else "…")
    facts = {"title": "", "text": text, "tone": "info", "buttons": (), "url": channel.invitation(to)}
    card = s.deck.draw("notice", locale=locale, zone=s.config.zone, now=s.clock.now(), **facts)
    return (Show(_invitation(act.slot), card, (), state={"kind": "notice"}),)


def _invitation(slot: Slot) -> Slot:
    """One for a person and a room."""
    return Slot(slot.place, "card", f"start:{slot.to}")


async def started(s: Services, turn: Turn) -> Outcome:
    """They opened a chat with the bot: what asked them to goes, and they are told what for."""
    up = await s.slots.of_subject(f"start:{turn.event.who.id.key}")
    locale = turn.locale or s.config.locale
    text = N_("What is for you alone comes here from now on. If something was waiting, press its button again.")
    facts = {"title": "", "text": say(locale, text), "tone": "info", "buttons": ()}
    card = s.deck.draw("notice", locale=locale, zone=s.config.zone, now=turn.now, **facts)
    assert isinstance(turn.event, Said)
    slot = Slot(turn.place, "whisper", f"{turn.event.message.id}:{turn.event.who.id.key}", turn.event.who.id.key)
    shown = Show(slot, card, (), state={"kind": "notice"})
    return Outcome(acts=(shown, *await dialog.waiting(s, turn), *(Hide(each.slot) for each in up)))
