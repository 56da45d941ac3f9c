"""An edit said in words, in reply to a card: `edit phone +86 512…`. It is the form, filled in by a sentence."""

from __future__ import annotations

from dataclasses import replace

from cards import tree
from channels.model import Pressed, Submitted
from gateway.config.model import FieldSpec
from gateway.errors import Refused
from gateway.handlers import forms, view
from gateway.handlers.buttons import Press
from gateway.handlers.hearing import Heard
from gateway.services import Services
from gateway.turn import Outcome, Turn
from identity.model import Person


async def edit(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """With the same tokens, checks and answers as the form; refused when the card did not show what stands now."""
    event = turn.event
    assert isinstance(event, Pressed)
    each = await forms.editable_record(s, turn, person, press.text("r"))
    locale = turn.locale or s.config.locale
    card = await forms.draw(s, turn, person, each)
    form = next(block for block in card.blocks if isinstance(block, tree.Form))
    field, typed = _field(s, event.typed, form.fields)
    await _seen(s, event, each, field, locale)
    sent = Submitted(
        event.once,
        event.where,
        event.who,
        form.data,
        {field.name: _value(s.config.fields.get(field.name), typed)},
        {field.name: field.token},
        event.at,
        event.message,
    )
    return await forms.submitted(s, replace(turn, event=sent))


def _field(s: Services, said: str, fields: tuple[tree.FormField, ...]) -> tuple[tree.FormField, str]:
    """The field whose name, or label in any language, the words begin with, the longest such; and those after it."""
    named = [(word, field) for field in fields for word in (field.name, *s.config.fields[field.name].label.values())]
    for word, field in sorted(named, key=lambda each: -len(each[0])):
        rest = said[len(word) :]
        if word and said[: len(word)].casefold() == word.casefold() and _parted(rest):
            return field, rest.strip(" \t\r\n:：=＝")
    raise Refused("Say which field and its new value. Here these can be edited: {fields}.", fields=_labels(fields))


def _parted(rest: str) -> bool:
    """Between Chinese words nothing needs to stand: a label of letters ends where no letter follows."""
    return not rest or not (rest[0].isascii() and rest[0].isalnum())


def _labels(fields: tuple[tree.FormField, ...]) -> tuple[str, ...]:
    return tuple(field.label for field in fields)


def _value(spec: FieldSpec | None, typed: str) -> str:
    """A choice may be said as it is read, in any language."""
    for option, labels in (spec.options if spec is not None else {}).items():
        if typed.casefold() in {word.casefold() for word in (option, *labels.values())}:
            return option
    return typed


async def _seen(s: Services, event: Pressed, each: Heard, field: tree.FormField, locale: str) -> None:
    """A form shows what stands when it is opened; a sentence was thought of before a card that may be older."""
    ref = each.record.ref.key
    ours = [up.painted_at for up in await s.slots.about(ref) if up.message is not None and up.message == event.message]
    painted = ours[0] if ours else event.painted_at
    for row in (await s.ledger.history(ref, field.name))[:1]:
        if painted and row.at > painted:
            now = each.record.fields.get(field.name)
            shown = view.worded(s.config.fields.get(field.name), now.value if now else None, locale, s.clock.now())
            raise Refused(
                "{field} was changed after this card was painted: it is {value} now. If yours is right, say it again.",
                field=field.label,
                value=shown,
            )
