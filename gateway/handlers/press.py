"""A press: verified, judged for the one who presses, at that moment, and always answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from cards.words import N_, say
from channels.model import Answer, Place, Pressed, ShowCard, Toast
from gateway import dialog
from gateway.errors import Refused, Unreadable
from gateway.handlers import alerts, conflicts, consent, forms, homes, merged, strangers, typed
from gateway.handlers.behaving import behaved
from gateway.handlers.buttons import Press
from gateway.handlers.cards import personal_card
from gateway.handlers.hearing import heard
from gateway.handlers.said import float_card, picker, whisper
from gateway.mentioning import lines, memory
from gateway.services import Services
from gateway.turn import Act, Hide, Outcome, Show, Slot, Turn
from identity.audience import direct
from identity.model import Person
from reconcile.model import Json

Handler = Callable[[Services, Turn, Person, Press], Awaitable[Outcome]]


async def pressed(s: Services, turn: Turn) -> Outcome:
    """Raises `Rejected` for a button that was not signed here."""
    event = turn.event
    assert isinstance(event, Pressed)
    name, press = s.buttons.read(event.data, event.action)
    turn.trail.note("pressed", turn.now, action=name)
    locale = turn.locale or s.config.locale
    try:
        if turn.person is None:
            raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
        handler = _HANDLERS.get(name)
        if handler is None:
            raise Unreadable(f"no button is called {name!r} in this version")
        outcome = await _of_heir(s, turn, turn.person, name, press) or await handler(s, turn, turn.person, press)
        if name in _USEFUL:
            await memory.used(s, turn, event.message, press.text("r"))
        return outcome
    except Refused as refused:
        turn.trail.note("refused", turn.now, action=name)
        return Outcome(Toast(say(locale, refused.say, **refused.facts), "warning"))


async def _of_heir(s: Services, turn: Turn, person: Person, name: str, press: Press) -> Outcome | None:
    """What a button of a customer does that was merged into another meanwhile; the others mean that one."""
    ref = press.get("r")
    heir = await s.records.heir(ref) if isinstance(ref, str) and ref else ref
    if heir == ref:
        return None
    if name in merged.ASKED:
        return await merged.answered(s, turn, person, str(heir))
    if name != "wrong":  # whose card it is that goes
        press["r"] = heir
    return None


async def _list(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """The customers behind a line, as the one who presses may see them."""
    place = _at(turn, press).place
    shown = await s.slots.get(Slot(place, "card", press.text("m")))
    refs = shown.state.get("refs") if shown is not None else None
    wanted = [str(ref) for ref in refs] if isinstance(refs, list) else []
    locale = turn.locale or s.config.locale
    card = await lines.listed(s, wanted, person, turn.event.who, locale, turn.id)
    if card is None:
        raise Refused("There is none here that you may see.")
    return Outcome(ShowCard(card, tuple(wanted)))


async def _show_me(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    ref = press.text("r")
    made = await personal_card(s, ref, person, turn.event.who, turn.locale or s.config.locale)
    if made is None:
        raise Refused("You may not see this customer.")
    turn.trail.note("showed_me", turn.now, record=ref, person=person.id)
    await behaved(s, turn.place, "opened")
    return Outcome(ShowCard(made[0], (ref,), live=True))


async def _decide(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """The sides of an open conflict, for the one who pressed, as far as they may see the field."""
    card = await conflicts.personal(s, turn, person, press.text("r"), press.text("f"))
    if card is None:
        raise Refused("This is decided already, or you may not see it.")
    return Outcome(ShowCard(card))


async def _pick(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """The choice is remembered for the room, and the card floats under the message that named it."""
    ref, name, message = press.text("r"), press.text("n"), press.text("m")
    there = _at(turn, press)
    await _chosen(s, turn, person, ref)
    await s.rooms.store.choose(turn.place.room_key, name, ref, person.id, turn.now)
    await memory.teach(s, turn, "picked", (name,), message, ref)
    turn.trail.note("taught", turn.now, record=ref, person=person.id)
    acts = await _beside(s, there, message, ref, name)
    asked = Hide(whisper(there, f"{message}:{name}"))
    return Outcome(_done(s, turn, N_("I will remember that here.")), (asked, *acts))


async def _chosen(s: Services, turn: Turn, person: Person, ref: str) -> None:
    each = await heard(s, ref, direct(person, turn.event.who))
    if each is None or each.standing.record.deleted:
        raise Refused("You may not see this customer.")


async def _beside(s: Services, turn: Turn, message: str, ref: str, name: str) -> list[Act]:
    """One card a message: a customer chosen later joins those that the message named for sure."""
    shown = await s.slots.get(Slot(turn.place, "card", message))
    up = shown.records if shown is not None and shown.message is not None else ()
    known = shown.state.get("names") if shown is not None else None
    names = {key: str(value) for key, value in known.items()} if isinstance(known, dict) else {}
    refs = tuple(dict.fromkeys((*up, ref)))
    return await float_card(s, turn, message, refs, {**names, ref: name})


async def _mean(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """The author meant the customer by a name that was not written as it is: this once."""
    ref, name, message = press.text("r"), press.text("n"), press.text("m")
    await _chosen(s, turn, person, ref)
    there = _at(turn, press)
    acts = await _beside(s, there, message, ref, name)
    return Outcome(_done(s, turn, N_("The card floats here.")), (Hide(whisper(there, f"{message}:{name}")), *acts))


async def _none(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    name, message, there = press.text("n"), press.text("m"), _at(turn, press)
    await behaved(s, turn.place, "dismissed")
    await s.rooms.store.choose(turn.place.room_key, name, "", person.id, turn.now)
    await memory.teach(s, turn, "none", (name,), message)
    turn.trail.note("taught", turn.now, record="", person=person.id)
    asked = Hide(whisper(there, f"{message}:{name}"))
    return Outcome(_done(s, turn, N_("I will keep quiet about that name here.")), (asked,))


async def _wrong(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """The card goes; where others bear the name the presser is asked, else the name is hushed in this room."""
    ref, message = press.text("r"), press.text("m")
    shown = [
        each
        for each in await s.slots.for_message(turn.place.room_key, message)
        if each.slot.purpose == "card" and ref in each.records
    ]
    acts: list[Act] = [Hide(each.slot) for each in shown]
    if shown:
        await behaved(s, turn.place, "wrong")
    await s.mentioning.unname(turn.place.room_key, ref)
    for name in {name for each in shown for name in _names(each.state, ref)}:
        others = [other for other in _bearing(s, name) if other != ref]
        if others:
            await s.rooms.store.forget_choice(turn.place.room_key, name)
            acts.append(await picker(s, turn, message, name, others))
            continue
        await s.rooms.store.choose(turn.place.room_key, name, "", person.id, turn.now)
        await memory.teach(s, turn, "wrong", (name,), message, ref)
        turn.trail.note("taught", turn.now, record="", person=person.id)
    if any(isinstance(act, Show) for act in acts):
        return Outcome(_done(s, turn, N_("Taken away. Which one did you mean?")), tuple(acts))
    return Outcome(_done(s, turn, N_("Taken away. I will keep quiet about that name here.")), tuple(acts))


def _bearing(s: Services, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.ref for mention in s.records.names.find(name) for each in mention.candidates))


def _names(state: Mapping[str, Json], ref: str) -> list[str]:
    names = state.get("names")
    name = names.get(ref) if isinstance(names, dict) else None
    return [name] if isinstance(name, str) and name else []


async def _edit(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """The form; with words that were said along, what it would do."""
    said = isinstance(turn.event, Pressed) and turn.event.typed
    return await (typed.edit if said else forms.open_form)(s, turn, person, press)


def _done(s: Services, turn: Turn, msgid: str) -> Answer:
    return Toast(say(turn.locale or s.config.locale, msgid), "info")


def _at(turn: Turn, press: Press) -> Turn:
    """The turn as if in the place (with its thread) where the message was said; never another room."""
    place = Place.parse(press.text("t"))
    if place.room_key != turn.place.room_key:
        raise Refused("That button belongs to another room.")
    return replace(turn, event=replace(turn.event, where=place))


_USEFUL = ("edit", "show_me", "undo")
"""Who presses one of these had a use for the card."""

_HANDLERS: dict[str, Handler] = {
    "edit": _edit,
    "show_me": _show_me,
    "list": _list,
    "pick": _pick,
    "mean": _mean,
    "none": _none,
    "wrong": _wrong,
    "settle": conflicts.settle,
    "decide": _decide,
    "undo": conflicts.undo,
    "acknowledge": alerts.acknowledge,
    "snooze": alerts.snooze,
    "code": homes.code,
    "map": strangers.mapped,
    "consent": consent.pressed,
    "answer": dialog.pressed,
}
