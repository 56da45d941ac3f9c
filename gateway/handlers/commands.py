"""Words said to the bot: /card, /bind, /link, /quiet, /why, /help. Answered to the one who asked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from cards.facts import CustomerView, WhyStep, WhyView
from cards.tree import Button, Tone
from cards.words import N_, say
from channels.model import Said
from channels.ranks import Ranks, What
from gateway import doctor
from gateway.config.model import seconds
from gateway.errors import Refused
from gateway.handlers import explain, view
from gateway.handlers.behaving import behaved
from gateway.handlers.cards import personal_card
from gateway.handlers.hearing import Heard, heard
from gateway.handlers.retold import records, retold
from gateway.handlers.told import tells
from gateway.mentioning import memory
from gateway.mentioning.binding import bind, surely
from gateway.mentioning.lines import MOST_ROWS
from gateway.outgoing.model import Rank
from gateway.services import Services
from gateway.store.trail import StoredStep
from gateway.story import Teller, worded
from gateway.turn import Act, Outcome, Show, Slot, Turn
from identity.audience import attributes_in, direct
from identity.codes import expires as code_ends
from identity.model import Person
from identity.steps import code_hash, new_code

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
        text = say(_locale(s, turn), refused.say, **refused.facts)
        return Outcome(acts=(await _naming(s, turn, notice(s, turn, text, "warning"), command.rest),))


async def _naming(s: Services, turn: Turn, show: Show, said: str) -> Show:
    """The answer may repeat names of customers: it goes when one of them may not be known any more."""
    found = {candidate.ref: () for mention in s.records.names.find(said) for candidate in mention.candidates[:10]}
    told = await tells(s, turn.person, turn.event.who, found, **show.state)
    return replace(show, records=told.records, valid_until=told.until, state=told.state)


def _locale(s: Services, turn: Turn) -> str:
    return turn.locale or s.config.locale


def notice(
    s: Services, turn: Turn, text: str, tone: Tone = "info", title: str = "", buttons: tuple[Button, ...] = ()
) -> Show:
    """A short answer, for the one who asked alone."""
    locale, text = _locale(s, turn), s.channels[turn.place.channel].limits.as_typed(text)
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
    mine = direct(turn.person, turn.event.who)
    seen = [each for each in [await heard(s, ref, mine) for ref in refs[:MOST_ROWS]] if each is not None]
    if len(seen) > 1:
        return await _rows(s, turn, turn.person, seen, locale)
    ref = seen[0].record.ref.key if seen else ""
    made = await personal_card(s, ref, turn.person, turn.event.who, locale) if seen else None
    if made is None:
        raise Refused("No customer of that name that you may see. Try the full name.")
    await memory.missed(s, turn, rest, ref)
    return Show(_slot(turn), made[0], (ref,), valid_until=made[1], state={"refs": [ref], "kind": "mine"})


async def _rows(s: Services, turn: Turn, person: Person, seen: Sequence[Heard], locale: str) -> Show:
    """One row for each customer of that name, with what tells them apart and a button of its own."""
    now, rows = turn.now, list[CustomerView]()
    for each in seen:
        button = s.buttons.make(locale, N_("Show me"), "show_me", r=each.record.ref.key)
        rows.append(view.customer(each.record, s.config.fields, locale=locale, now=now, buttons=(button,)))
    zone = person.zone or s.config.zone
    card = s.deck.draw("customers", locale=locale, zone=zone, now=now, customers=tuple(rows), trace=turn.id)
    fields = {each.record.ref.key: (*each.record.fields, *each.record.related) for each in seen}
    told = await tells(s, person, turn.event.who, fields, kind="notice")
    return Show(_slot(turn), card, told.records, valid_until=told.until, state=told.state)


async def _link(s: Services, turn: Turn, rest: str) -> Act:
    """/link gives a known person a code; /link CODE links the account that types it to that person."""
    locale = _locale(s, turn)
    key = turn.event.who.id.key
    if rest:
        return notice(s, turn, await _linked_by_code(s, turn, rest), "info")
    if turn.person is None:
        raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
    code = new_code()
    expires = code_ends(turn.now)
    await s.people.keep_code(code_hash(code, s.keys.codes), key, expires)
    card = s.deck.draw("link", locale=locale, zone=s.config.zone, now=turn.now, code=code, expires=expires, url="")
    turn.trail.note("link_code", turn.now)
    return Show(_slot(turn), card, (), state={"kind": "link"})


async def _linked_by_code(s: Services, turn: Turn, code: str) -> str:
    issuer = await s.people.use_code(code_hash(code, s.keys.codes), turn.event.who.id.key)
    person = s.people.linked("im", issuer) if issuer is not None else None
    if person is None:
        raise Refused("That code is wrong, used or too old. Type /link where you are known to get a new one.")
    key = turn.event.who.id.key
    evidence = f"one-time code given to {issuer}"
    await s.people.link(person.id, "im", key, step="code", evidence=evidence, made_by=person.id)
    turn.trail.note("linked", turn.now, person=person.id, step="code")
    return say(_locale(s, turn), "This account is yours now, {name}.", name=person.name)


def _ours(turn: Turn) -> None:
    """What changes a room for everybody in it is for our own people alone."""
    if turn.person is None:
        raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
    if attributes_in(turn.event.who, turn.person).external:
        raise Refused("Only our own people can hush me here.")


async def _allowed(s: Services, turn: Turn, what: What) -> None:
    """Where a room has moderators of its own, it is they who say who may. Raises `Refused`."""
    channel, who, place = s.channels[turn.place.channel], turn.event.who, turn.place
    if isinstance(channel, Ranks):
        ranks = channel
        await s.gate.run(channel.name, "rank", place.room, Rank.PRESS, lambda: ranks.allow(place, who.id, what))


async def _quiet(s: Services, turn: Turn, rest: str) -> Act:
    _ours(turn)
    try:
        span = min(seconds(rest or "2h"), _LONGEST_QUIET)
    except ValueError:
        raise Refused("Say how long, for example /quiet 2h.") from None
    await _allowed(s, turn, "quiet")
    await s.rooms.store.quiet(turn.place.room_key, turn.now + span * 1000)
    turn.trail.note("hushed", turn.now, seconds=span)
    if not span:
        return notice(s, turn, say(_locale(s, turn), "I float cards here again."))
    await behaved(s, turn.place, "muted")
    return notice(
        s, turn, say(_locale(s, turn), "I float no cards here for {span}. /quiet 0s ends it.", span=rest or "2h")
    )


async def _bind(s: Services, turn: Turn, rest: str) -> Act:
    """/bind NAME: this room is about that customer; /bind off: about none. For those who may edit the customer."""
    locale = _locale(s, turn)
    if turn.person is None:
        raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
    each = await surely(s, turn, turn.person, rest)
    await _allowed(s, turn, "bind")
    await bind(s, turn, turn.person, each)
    if each is None:
        return notice(s, turn, say(locale, "This room is about no customer in particular now."))
    text = say(locale, "This room is about {customer} now: names said here mean it first.", customer=each.record.title)
    return await _naming(s, turn, notice(s, turn, text), rest)


async def _why(s: Services, turn: Turn, rest: str) -> Act:
    """/why [TRACE]: the last turn of this room, or a turn or decision by its trace code, told from the trail."""
    locale = _locale(s, turn)
    code = rest.strip()
    if code and TURN.fullmatch(code) is None:
        return await explain.explained(s, _slot(turn), turn.person, turn.event.who, code, locale)
    last = code or await s.trail.last_turn(turn.place.room_key)
    steps = await s.trail.turn(last) if last is not None else []
    steps = [step for step in steps if step.step.room in ("", turn.place.room_key)]
    steps = await retold(s, steps, direct(turn.person, turn.event.who), (turn.place.room_key,))
    lines = [await worded(Teller(s.records, s.people, s.config, locale), step) for step in steps]
    shown: dict[str, tuple[str, ...]] = {ref: () for step in steps for ref in records(step.step)}
    if not lines:
        raise Refused("There is nothing to explain here yet.")
    view = WhyView(
        say(locale, _asked_about(steps)), tuple(WhyStep(line.label, line.text) for line in lines), last or ""
    )
    card = s.deck.draw("why", locale=locale, zone=s.config.zone, now=turn.now, why=view)
    told = await tells(s, turn.person, turn.event.who, shown, kind="why")
    return Show(_slot(turn), card, told.records, valid_until=told.until, state=told.state)


def _asked_about(steps: Sequence[StoredStep]) -> str:
    return N_("Why this card") if any(each.step.step == "shown" for each in steps) else N_("Why no card")


async def _doctor(s: Services, turn: Turn, rest: str) -> Act:
    """/doctor: what the bot can do in this room, and what mends the rest."""
    _ours(turn)
    locale = _locale(s, turn)
    checkup = await doctor.examine(s.channels[turn.place.channel], s.rooms, s.people, turn.place)
    return notice(s, turn, "\n".join(doctor.lines(checkup, locale)), title=say(locale, "What I can do here"))


async def _help(s: Services, turn: Turn, rest: str) -> Act:
    text = say(
        _locale(s, turn),
        "Mention a customer and I show what this room may see. /card NAME shows one to you alone. /why explains the "
        "last card, /why TRACE what bears that code. /quiet 2h hushes me. /bind NAME ties the room to a customer. "
        "/link ties your accounts together.",
    )
    return notice(s, turn, text)


_COMMANDS: dict[str, Callable[[Services, Turn, str], Awaitable[Act]]] = {
    "card": _card,
    "bind": _bind,
    "link": _link,
    "quiet": _quiet,
    "why": _why,
    "doctor": _doctor,
    "help": _help,
}
