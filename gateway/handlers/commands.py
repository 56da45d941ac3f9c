"""Words said to the bot: /card, /bind, /link, /quiet, /why, /help. Answered to the one who asked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cards.facts import WhyStep, WhyView
from cards.tree import Button, Tone
from cards.words import N_, say
from channels.model import Said
from gateway.config.model import seconds
from gateway.errors import Refused
from gateway.handlers import explain
from gateway.handlers.cards import personal_card
from gateway.handlers.hearing import Heard, heard
from gateway.mentioning import memory
from gateway.mentioning.binding import bind, surely
from gateway.services import Services
from gateway.store.trail import StoredStep
from gateway.story import Line, Teller, worded
from gateway.turn import Act, Outcome, Show, Slot, Turn
from identity.audience import direct
from identity.steps import code_hash, new_code

CODE_LIVES_MS = 10 * 60_000
_LONGEST_QUIET = 30 * 86_400


TURN = re.compile(r"[0-9a-f]{10}")


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    rest: str


def parse(text: str) -> Command | None:
    """`/card 华星` as a command; None when the text is no command of ours."""
    words = text.strip().split(maxsplit=1)
    if not words or not words[0].startswith("/"):
        return None
    name = words[0][1:].partition("@")[0].lower()
    return Command(name, words[1].strip() if len(words) > 1 else "")


async def run(s: Services, turn: Turn, command: Command) -> Outcome:
    turn.trail.note("command", turn.now, command=command.name if command.name in _COMMANDS else "unknown")
    handler = _COMMANDS.get(command.name, _help)
    try:
        return Outcome(acts=(await handler(s, turn, command.rest),))
    except Refused as refused:
        return Outcome(acts=(notice(s, turn, say(_locale(s, turn), refused.say, **refused.facts), "warning"),))


def _locale(s: Services, turn: Turn) -> str:
    return turn.locale or s.config.locale


def notice(
    s: Services, turn: Turn, text: str, tone: Tone = "info", title: str = "", buttons: tuple[Button, ...] = ()
) -> Show:
    """A short answer, for the one who asked alone."""
    locale = _locale(s, turn)
    facts = {"title": title, "text": text, "tone": tone, "buttons": buttons}
    card = s.deck.draw("notice", locale=locale, zone=s.config.zone, now=turn.now, **facts)
    return Show(_slot(turn), card, (), state={"kind": "notice"})


def _slot(turn: Turn) -> Slot:
    assert isinstance(turn.event, Said)
    return Slot(turn.place, "whisper", f"{turn.event.message.id}:{turn.event.who.id.key}", turn.event.who.id.key)


async def _card(s: Services, turn: Turn, rest: str) -> Act:
    """/card NAME: everything the asker may see, for the asker."""
    locale = _locale(s, turn)
    if turn.person is None:
        raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
    found = s.records.names.find(rest)
    refs = tuple(dict.fromkeys(candidate.ref for mention in found for candidate in mention.candidates))
    cards = [
        (ref, card)
        for ref in refs[:10]
        if (card := await personal_card(s, ref, turn.person, turn.event.who, locale)) is not None
    ]
    if not cards:
        raise Refused("No customer of that name that you may see. Try the full name.")
    if len(cards) > 1:
        titles = tuple([record.title for ref, _ in cards if (record := await s.records.get(ref)) is not None])
        buttons = tuple(s.buttons.make(locale, N_("Show me"), "show_me", r=ref) for ref, _ in cards)
        text = say(locale, "Several customers bear that name: {names}.", names=titles)
        return notice(s, turn, text, buttons=buttons[:3])
    ref, card = cards[0]
    await memory.missed(s, turn, rest, ref)
    return Show(_slot(turn), card, (ref,), state={"refs": [ref], "kind": "mine"})


async def _link(s: Services, turn: Turn, rest: str) -> Act:
    """/link gives a known person a code; /link CODE links the account that types it to that person."""
    locale = _locale(s, turn)
    key = turn.event.who.id.key
    if rest:
        return notice(s, turn, await _linked_by_code(s, turn, rest), "info")
    if turn.person is None:
        raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
    code = new_code()
    expires = turn.now + CODE_LIVES_MS
    await s.people.keep_code(code_hash(code, s.keys.codes), key, expires)
    card = s.deck.draw(
        "link", locale=locale, zone=s.config.zone, now=turn.now, code=code, expires=expires, url=s.config.public_url
    )
    turn.trail.note("link_code", turn.now)
    return Show(_slot(turn), card, (), state={"kind": "link"})


async def _linked_by_code(s: Services, turn: Turn, code: str) -> str:
    issuer = await s.people.use_code(code_hash(code, s.keys.codes))
    person = s.people.linked("im", issuer) if issuer is not None else None
    if person is None:
        raise Refused("That code is wrong, used or too old. Type /link where you are known to get a new one.")
    key = turn.event.who.id.key
    evidence = f"one-time code given to {issuer}"
    await s.people.link(person.id, "im", key, step="code", evidence=evidence, made_by=person.id)
    turn.trail.note("linked", turn.now, person=person.id, step="code")
    return say(_locale(s, turn), "This account is yours now, {name}.", name=person.name)


async def _quiet(s: Services, turn: Turn, rest: str) -> Act:
    try:
        span = min(seconds(rest or "2h"), _LONGEST_QUIET)
    except ValueError:
        raise Refused("Say how long, for example /quiet 2h.") from None
    await s.rooms.store.quiet(turn.place.room_key, turn.now + span * 1000)
    turn.trail.note("hushed", turn.now, seconds=span)
    if not span:
        return notice(s, turn, say(_locale(s, turn), "I float cards here again."))
    return notice(
        s, turn, say(_locale(s, turn), "I float no cards here for {span}. /quiet 0s ends it.", span=rest or "2h")
    )


async def _bind(s: Services, turn: Turn, rest: str) -> Act:
    """/bind NAME: this room is about that customer; /bind off: about none. For those who may edit the customer."""
    locale = _locale(s, turn)
    if turn.person is None:
        raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
    each = await surely(s, turn, turn.person, rest)
    await bind(s, turn, turn.person, each)
    if each is None:
        return notice(s, turn, say(locale, "This room is about no customer in particular now."))
    text = say(locale, "This room is about {customer} now: names said here mean it first.", customer=each.record.title)
    return notice(s, turn, text)


async def _why(s: Services, turn: Turn, rest: str) -> Act:
    """/why [TRACE]: the last turn of this room, or a turn or decision by its trace code, told from the trail."""
    locale = _locale(s, turn)
    code = rest.strip()
    last = code if TURN.fullmatch(code) else None if code else await s.trail.last_turn(turn.place.room_key)
    steps = await s.trail.turn(last) if last is not None else []
    steps = [step for step in steps if step.step.room in ("", turn.place.room_key)]
    teller = Teller(s.records, s.people, s.config, locale, await _hidden(s, turn, steps))
    lines = [await worded(teller, step) for step in steps]
    if code and last is None:
        lines = await _decision_lines(s, turn, code, locale)
    if not lines:
        raise Refused("There is nothing to explain here yet.")
    view = WhyView(say(locale, "Why"), tuple(WhyStep(line.label, line.text) for line in lines), code or last or "")
    card = s.deck.draw("why", locale=locale, zone=s.config.zone, now=turn.now, why=view)
    return Show(_slot(turn), card, (), state={"kind": "why"})


async def _hidden(s: Services, turn: Turn, steps: Sequence[StoredStep]) -> frozenset[str]:
    """The records of these steps that the asker may not even see by name."""
    asker = direct(turn.person, turn.event.who)
    told = [(str(step.step.facts["record"]), step.step.facts) for step in steps if step.step.facts.get("record")]
    found = {record: await heard(s, record, asker) for record, _ in told}
    hidden = {record for record, each in found.items() if each is None}
    # A step that a contact's name led to would tell whose contact that is.
    return frozenset(hidden | {ref for ref, facts in told if facts.get("contact") and not _contacts(found[ref])})


def _contacts(each: Heard | None) -> bool:
    return each is not None and each.contacts


async def _decision_lines(s: Services, turn: Turn, code: str, locale: str) -> list[Line]:
    return await explain.decision_lines(s, turn, code, locale)


async def _help(s: Services, turn: Turn, rest: str) -> Act:
    text = say(
        _locale(s, turn),
        "Mention a customer and I show what this room may see. /card NAME shows one to you alone. /why explains the "
        "last card. /quiet 2h hushes me. /bind NAME ties the room to a customer. /link ties your accounts together.",
    )
    return notice(s, turn, text)


_COMMANDS: dict[str, Callable[[Services, Turn, str], Awaitable[Act]]] = {
    "card": _card,
    "bind": _bind,
    "link": _link,
    "quiet": _quiet,
    "why": _why,
    "help": _help,
}
