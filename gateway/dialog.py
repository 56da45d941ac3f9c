"""A form as a dialogue, for every network that has none: field by field, by replies, in a room with one person alone.

What is typed is checked as a form's is, and handed in as a form is: the same `Submitted`, the same tokens, the same
answers. Where it stands is in the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from cards.tree import Button, Card, Form, FormField, Title, Tone
from cards.words import N_, say
from channels.model import (
    Directs,
    FieldErrors,
    ImId,
    MessageRef,
    OpenForm,
    Place,
    Pressed,
    Said,
    ShowCard,
    Submitted,
    Toast,
)
from gateway.errors import Refused, Retry
from gateway.handlers import forms
from gateway.handlers.buttons import Press
from gateway.handlers.hearing import heard
from gateway.handlers.told import tells
from gateway.outgoing.model import Rank
from gateway.services import Services
from gateway.store.dialogs import Dialog, step
from gateway.store.due import Due
from gateway.store.slots import Shown
from gateway.turn import NOTHING, Act, Outcome, Show, Slot, Turn
from identity.audience import direct
from identity.model import Person
from reconcile.canonical import valid
from reconcile.model import Json

LIVES_MS = 15 * 60_000
"""Without an answer for so long, nothing is saved and it is over."""
WORDS = ("keep", "clear", "save", "cancel")
"""What can be said instead of a value, after a slash."""
BUTTONS = 8
"""Options of a choice that get a button each; more are numbered alone."""
_CLOSED = N_("This form is closed, and nothing was saved. Press Edit again.")
_LEFT = N_("Left for another form; nothing of this one was saved.")
_CANCELLED = N_("Cancelled. Nothing was saved.")
_LATE = N_("This form was closed after a quarter of an hour. Nothing was saved.")


async def begin(s: Services, turn: Turn, card: Card) -> Outcome:
    """Asks the first question. Raises `Refused` where nobody can be asked alone."""
    form = next(block for block in card.blocks if isinstance(block, Form))
    place = await _alone(s, turn)
    made = _made(s, turn, card, form, place)
    before = await s.dialogs.begin(made)
    await _due(s, made)
    left = [_over(s, each, turn.now, _LEFT) for each in before]
    for each in before:
        await s.due.cancel(f"dialog:{each.id}")
    answer = NOTHING if place.room_key == turn.place.room_key else Toast(_say(made, N_("I ask you in our own chat.")))
    return Outcome(answer, (*left, await _question(s, made, turn.person, turn.now)))


async def _alone(s: Services, turn: Turn) -> Place:
    """A room with this person alone: a form shows values that others may not see."""
    channel = s.channels[turn.place.channel]
    if isinstance(channel, Directs):
        to = turn.event.who.id
        return await s.gate.run(channel.name, "direct", "", Rank.PRESS, lambda: channel.direct(to))
    if (await s.rooms.roster(turn.place)).kind == "direct":
        return turn.place
    raise Refused("This network has no form for that, and I cannot ask you alone. Edit it in the console.")


def _made(s: Services, turn: Turn, card: Card, form: Form, place: Place) -> Dialog:
    _, press = s.buttons.read(form.data)
    ref = turn.event.message if isinstance(turn.event, Pressed | Submitted | Said) else None
    return Dialog(
        id=hashlib.sha256(turn.event.once.encode()).hexdigest()[:24],
        im=turn.event.who.id.key,
        place=place.key,
        room=place.room_key,
        home=turn.place.key,
        message=ref.id if ref is not None and ref.place == turn.place else "",
        record=str(press.get("r", "")),
        title=next((block.text for block in card.blocks if isinstance(block, Title)), card.summary),
        data=form.data,
        fields=form.fields,
        locale=turn.locale or s.config.locale,
        asks=tuple(field.name for field in form.fields),
        last=turn.event.once,
        until=turn.now + LIVES_MS,
    )


async def replied(s: Services, turn: Turn) -> Outcome | None:
    """What was said as an answer; None when nobody was asked, or it is a command of another kind."""
    event = turn.event
    if not isinstance(event, Said) or not event.addressed or not s.channels[turn.place.channel].limits.asks_forms:
        return None
    open_ = await s.dialogs.open(event.who.id.key, turn.place.room_key)
    word = event.text.strip().partition(" ")[0].partition("@")[0].removeprefix("/").lower()
    is_command = event.text.lstrip().startswith("/")
    if open_ is None or (is_command and word not in WORDS):
        return None
    if open_.last == event.once:  # told again
        return Outcome(acts=(await _question(s, open_, turn.person, turn.now),))
    if turn.now >= open_.until:
        return Outcome(acts=await _finish(s, turn, open_, _LATE, "warning"))
    if is_command:
        return await _chosen(s, turn, open_, word)
    return await _typed(s, turn, open_, event.text.strip())


async def waiting(s: Services, turn: Turn) -> tuple[Act, ...]:
    """The question that waits for this person here, if any does."""
    open_ = await s.dialogs.open(turn.event.who.id.key, turn.place.room_key)
    return (await _question(s, open_, turn.person, turn.now),) if open_ is not None and turn.now < open_.until else ()


async def pressed(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    open_ = await s.dialogs.get(press.text("i"))
    if open_ is None or turn.now >= open_.until:
        raise Refused(_CLOSED)
    if open_.im != turn.event.who.id.key:
        raise Refused("Somebody else is asked here. Press Edit for a form of your own.")
    if open_.last == turn.event.once:
        return Outcome(acts=(await _question(s, open_, person, turn.now),))
    if str(open_.version) != press.text("v"):
        raise Refused("This question is answered already.")
    choice = press.text("c")
    if choice.startswith("#"):
        return await _typed(s, turn, open_, choice.removeprefix("#"))
    return await _chosen(s, turn, open_, choice)


async def _chosen(s: Services, turn: Turn, open_: Dialog, word: str) -> Outcome:
    if word == "cancel":
        return Outcome(acts=await _finish(s, turn, open_, _CANCELLED))
    if word == "save":
        return await _hand_in(s, turn, open_)
    if word == "clear":
        return await _answered(s, turn, open_, {open_.asked.name: ""})
    return await _answered(s, turn, open_, {})


async def _typed(s: Services, turn: Turn, open_: Dialog, text: str) -> Outcome:
    field = open_.asked
    value = _option(field, text) if field.options else text
    wrong = _wrong(field, value)
    if wrong is None:
        return await _answered(s, turn, open_, {field.name: value or ""})
    again = await _step(s, open_, turn, error=wrong)
    return Outcome(acts=(await _question(s, again, turn.person, turn.now),))


def _option(field: FormField, text: str) -> str | None:
    """By its number, by what it is called, or as it is; None when it is none of them."""
    if text.isascii() and text.isdigit() and 0 < int(text[:4]) <= len(field.options):
        return field.options[int(text[:4]) - 1]
    called = dict(zip((each.casefold() for each in field.option_labels), field.options, strict=False))
    known = {each.casefold(): each for each in field.options}
    return called.get(text.casefold()) or known.get(text.casefold())


def _wrong(field: FormField, value: str | None) -> str | None:
    if value is None:
        return N_("Choose one of the listed values.")
    if len(value) > field.max_length:
        return N_("This is too long.")
    return valid("text" if field.kind in ("long", "choice") else field.kind, value or None)


async def _answered(s: Services, turn: Turn, open_: Dialog, answer: dict[str, str]) -> Outcome:
    """To the next field; after the last it is handed in."""
    answers = {**open_.answers, **answer}
    if len(open_.asks) == 1:
        return await _hand_in(s, turn, replace(open_, answers=answers))
    after = await _step(s, open_, turn, answers=answers, asks=open_.asks[1:])
    shown = _told(s, open_, turn.now, _kept_words(open_, answer))
    return Outcome(acts=(await _question(s, after, turn.person, turn.now), shown))


def _kept_words(open_: Dialog, answer: dict[str, str]) -> str:
    field = open_.asked
    if field.name not in answer:
        return _say(open_, N_("{field}: as it was."), field=field.label)
    return _say(open_, "{field}: {value}", field=field.label, value=_worded(field, answer[field.name]) or "–")


async def _step(s: Services, before: Dialog, turn: Turn, **changed: object) -> Dialog:
    after = step(before, turn.event.once, turn.now + LIVES_MS, **changed)
    if not await s.dialogs.move(after):
        raise Retry(0.2, "another answer came at the same moment")
    await _due(s, after)
    return after


async def _hand_in(s: Services, turn: Turn, open_: Dialog) -> Outcome:
    """As the form would have come back. Its `once` is that of the dialogue: told again, it is saved once."""
    if not open_.answers:
        return Outcome(acts=await _finish(s, turn, open_, N_("Nothing was changed.")))
    home = Place.parse(open_.home)
    event = Submitted(
        once=f"dialog:{open_.id}:{open_.tries}",
        where=home,
        who=turn.event.who,
        data=open_.data,
        values=open_.answers,
        tokens={each.name: each.token for each in open_.fields if each.name in open_.answers},
        at=turn.now,
        message=MessageRef(home, open_.message) if open_.message else None,
        locale=open_.locale,
    )
    done = await forms.submitted(s, replace(turn, event=event))
    if isinstance(done.answer, FieldErrors) and done.answer.errors:
        return await _mend(s, turn, open_, done.answer)
    return replace(done, answer=NOTHING, acts=(*done.acts, *await _ended(s, turn, open_, done)))


async def _mend(s: Services, turn: Turn, open_: Dialog, wrong: FieldErrors) -> Outcome:
    """Only what was wrong is asked again."""
    asks = tuple(each.name for each in open_.fields if each.name in wrong.errors)
    answers = {name: value for name, value in open_.answers.items() if name not in wrong.errors}
    error = wrong.errors[asks[0]] if asks else ""
    after = await _step(s, open_, turn, asks=asks, answers=answers, error=error, tries=open_.tries + 1)
    return Outcome(acts=(await _question(s, after, turn.person, turn.now),))


async def _ended(s: Services, turn: Turn, open_: Dialog, done: Outcome) -> tuple[Act, ...]:
    if isinstance(done.answer, ShowCard | OpenForm):
        acts = await _finish(s, turn, open_, "", card=done.answer.card)
    elif isinstance(done.answer, Toast):
        acts = await _finish(s, turn, open_, "", done.answer.tone, text=done.answer.text)
    else:
        acts = await _finish(s, turn, open_, N_("Nothing was changed."))
    return acts


async def _finish(
    s: Services,
    turn: Turn,
    open_: Dialog,
    msgid: str,
    tone: Tone = "info",
    *,
    text: str = "",
    card: Card | None = None,
) -> tuple[Act, ...]:
    """The last word, and no buttons under the last question any more."""
    await s.due.cancel(f"dialog:{open_.id}")
    await s.dialogs.end(open_.id)
    text = text or (_say(open_, msgid) if msgid else "")
    last = card or _notice(s, open_, turn.now, text, tone)
    told = await tells(s, turn.person, turn.event.who, {open_.record: ()}, kind="notice")
    shown = Show(_slot(open_, "end"), last, told.records, valid_until=told.until, state=told.state)
    return (shown, _told(s, open_, turn.now, _kept_words(open_, open_.answers)))


def _over(s: Services, open_: Dialog, now: int, msgid: str) -> Show:
    return _told(s, open_, now, _say(open_, msgid))


async def expire(s: Services, item: Due, perform: Callable[[Sequence[Act]], Awaitable[object]]) -> None:
    """Nobody answered for too long: it is said where it was asked, then it is over."""
    open_ = await s.dialogs.get(str(item.payload["dialog"]))
    if open_ is not None and s.clock.now() >= open_.until:
        late = _notice(s, open_, s.clock.now(), _say(open_, _LATE), "warning")
        await perform((Show(_slot(open_, "end"), late, (), state={"kind": "notice"}),))
        await s.dialogs.end(open_.id)


async def stands(s: Services, shown: Shown) -> bool:
    """Whether a question may still be read by the one it was put to: they see the field, or may edit it."""
    person = s.people.linked("im", shown.slot.to)
    sender = await s.rooms.listed(shown.slot.place, ImId.parse(shown.slot.to))
    each = await heard(s, str(shown.state.get("record", "")), direct(person, sender))
    field = str(shown.state.get("field", ""))
    return each is not None and (field in each.record.fields or field in each.editable)


async def _due(s: Services, open_: Dialog) -> None:
    await s.due.put(Due(f"dialog:{open_.id}", "dialog", open_.until, {"dialog": open_.id}))


# What is shown ---------------------------------------------------------------------------------------------------


async def _question(s: Services, open_: Dialog, person: Person | None, now: int) -> Show:
    field = open_.asked
    number = len(open_.fields) - len(open_.asks) + 1
    title = f"{open_.title} ({number}/{len(open_.fields)})" if len(open_.fields) > 1 else open_.title
    card = _card(
        s, open_, now, title, _asking(open_, field), "warning" if open_.error else "neutral", _buttons(s, open_)
    )
    return Show(_slot(open_, str(open_.version)), card, (open_.record,), state=_state(open_))


def _state(open_: Dialog) -> dict[str, Json]:
    return {"kind": "asked", "record": open_.record, "field": open_.asked.name}


def _asking(open_: Dialog, field: FormField) -> str:
    """Its label and present value, what was wrong, what can be said."""
    value = _worded(field, field.value) or "–"
    lines = [f"{field.label}: {value}  {field.source}".rstrip()]
    if field.name in open_.answers:
        lines.append(_say(open_, N_("You said: {value}"), value=_worded(field, open_.answers[field.name])))
    lines += [field.hint] if field.hint else []
    lines += [_say(open_, open_.error)] if open_.error else []
    labels = field.option_labels or field.options
    lines += ["", *(f"{number}. {label}" for number, label in enumerate(labels, 1))] if labels else []
    how = N_("Answer with its number or name.") if field.options else N_("Answer with the new value.")
    words = N_("/keep leaves it, /clear empties it, /save saves what you said so far, /cancel saves nothing.")
    return "\n".join([*lines, "", f"{_say(open_, how)} {_say(open_, words)}"])


def _buttons(s: Services, open_: Dialog) -> tuple[Button, ...]:
    def button(label: str, choice: str) -> Button:
        data = s.buttons.data("answer", i=open_.id, v=str(open_.version), c=choice)
        return Button(label, "answer", data, "primary" if choice == "save" else "default")

    field = open_.asked
    labels = field.option_labels or field.options
    options = [button(label, f"#{number}") for number, label in enumerate(labels[:BUTTONS], 1)]
    words = [(N_("Keep"), "keep"), (N_("Clear"), "clear"), (N_("Cancel"), "cancel")]
    words += [(N_("Save"), "save")] if open_.answers else []
    return (*options, *(button(_say(open_, label), choice) for label, choice in words))


def _told(s: Services, open_: Dialog, now: int, text: str) -> Show:
    """In the place of its last question."""
    card = _card(s, open_, now, open_.title, text, "neutral", ())
    return Show(_slot(open_, str(open_.version)), card, (open_.record,), state=_state(open_))


def _notice(s: Services, open_: Dialog, now: int, text: str, tone: Tone) -> Card:
    return _card(s, open_, now, open_.title, text, tone, ())


def _card(s: Services, open_: Dialog, now: int, title: str, text: str, tone: Tone, buttons: tuple[Button, ...]) -> Card:
    facts = {"title": title, "text": text, "tone": tone, "buttons": buttons}
    return s.deck.draw("notice", locale=open_.locale, zone=s.config.zone, now=now, **facts)


def _slot(open_: Dialog, part: str) -> Slot:
    return Slot(Place.parse(open_.place), "whisper", f"dialog:{open_.id}:{part}", open_.im)


def _worded(field: FormField, value: str) -> str:
    labels = dict(zip(field.options, field.option_labels, strict=False))
    return labels.get(value, value)


def _say(open_: Dialog, msgid: str, **facts: object) -> str:
    return say(open_.locale, msgid, **facts)
