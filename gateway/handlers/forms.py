"""The edit form: what it shows, and what comes back. Each field carries the token of what its editor saw."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cards.facts import FormField
from cards.tree import Card
from cards.words import N_, match, say
from channels.model import FieldErrors, OpenForm, ShowCard, Submitted, Toast
from crm.model import FieldValue, Record
from gateway.config.model import FieldSpec
from gateway.errors import Refused, Unreadable
from gateway.handlers import beaten, conflicts, merged, view
from gateway.handlers.alerts import conflict_waits
from gateway.handlers.behaving import behaved
from gateway.handlers.buttons import Press
from gateway.handlers.hearing import Heard, heard
from gateway.handlers.source import card_source
from gateway.metrics import TOKENS
from gateway.services import Services
from gateway.store.ledger import FieldState, Incoming, Ingested
from gateway.turn import Act, Outcome, Turn
from identity.audience import direct
from identity.model import Person
from reconcile import token
from reconcile.canonical import MAX_LENGTH, equal, valid
from reconcile.model import Actor, Json

FORM_LIVES_MS = 24 * 3_600_000
_MERGED = "decision:"
_SEPARATORS = re.compile(r"[,，、;；\n]")


async def open_form(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """The network's own form with every field this person may edit here and now, and its present value."""
    ref = press.text("r")
    each = await editable_record(s, turn, person, ref)
    return Outcome(OpenForm(await draw(s, turn, person, each)))


async def editable_record(s: Services, turn: Turn, person: Person, ref: str) -> Heard:
    """Judged for this person alone. Raises `Refused` when there is nothing they may edit."""
    each = await heard(s, ref, direct(person, turn.event.who))
    if each is None:
        raise Refused("This customer is gone, or you may not see it.")
    if each.standing.record.deleted:
        raise Refused("This customer was deleted in the CRM. Restore it there before you change it.")
    if not [name for name in each.editable if _offered(s, name)]:
        raise Refused("You may not edit this customer. Its owner or a manager may.")
    return each


def _offered(s: Services, name: str) -> bool:
    spec = s.config.fields.get(name)
    return spec is not None and spec.editable


async def draw(s: Services, turn: Turn, person: Person, each: Heard, errors: Mapping[str, str] | None = None) -> Card:
    locale = turn.locale or s.config.locale
    states = await s.ledger.states(each.record.ref.key)
    names = sorted(
        (name for name in each.editable if _offered(s, name)), key=lambda name: (s.config.fields[name].card or 99, name)
    )
    seen: dict[str, Json] = {name: _shown(states[name]) for name in names if name in states}
    data = s.buttons.data("save", r=each.record.ref.key, w=seen, p=person.id)
    s.tally.read(direct(person, turn.event.who).application, ("name", *names))
    fields = tuple(
        _field(s, each.record, name, states.get(name), locale, (errors or {}).get(name, "")) for name in names
    )
    return s.deck.draw(
        "edit_form",
        locale=locale,
        zone=person.zone or s.config.zone,
        now=turn.now,
        title=each.record.title,
        fields=fields,
        data=data,
    )


def _field(s: Services, record: Record, name: str, state: FieldState | None, locale: str, error: str) -> FormField:
    spec, value = s.config.fields[name], record.fields.get(name)
    return FormField(
        name=name,
        label=view.label(spec, name, locale),
        value=_typed(value),
        kind=spec.type,
        options=tuple(spec.options),
        option_labels=tuple(_option(spec, option, locale) for option in spec.options),
        source=value.source if value is not None else "",
        error=error,
        max_length=MAX_LENGTH,
        token=parents_token(s, record.ref.key, name, state),
    )


def _typed(value: FieldValue | None) -> str:
    if value is None or value.value is None:
        return ""
    return ", ".join(map(str, value.value)) if isinstance(value.value, list) else str(value.value)


def _shown(state: FieldState) -> Json:
    """What tells the value a form showed: its edit, or the decision that put it together from several."""
    return state.edit if state.edit is not None or state.reason != "merged" else f"{_MERGED}{state.decision}"


async def _before(s: Services, was: Json) -> Json:
    if not isinstance(was, str):
        return None  # absent or null: there was no value
    if not was.startswith(_MERGED):
        return await s.ledger.value_of(was)
    found = await s.ledger.decision(was.removeprefix(_MERGED))
    return found.decision.resolution.value if found is not None else None


def _given(s: Services, ref: str, name: str, text: str) -> Json:
    """What was typed, as the field holds it: of a set its parts, each once."""
    if s.ledger.policies.of(ref.split(":")[1], name).merge != "set_union":
        return text or None
    parts = (part.strip() for part in _SEPARATORS.split(text))
    return list(dict.fromkeys(part for part in parts if part)) or None


def _option(spec: FieldSpec, option: str, locale: str) -> str:
    labels = spec.options[option]
    return labels.get(match(locale)) or labels.get("en") or option


def parents_token(s: Services, record: str, field: str, state: FieldState | None) -> str:
    """What a reader of this form sees: while undecided the standing value alone; never a proposal."""
    heads = state.heads if state is not None else ()
    if state is not None and state.conflict is not None:
        heads = (state.edit,) if state.edit is not None else ()
    parents = token.Parents(
        deployment=s.config.deployment,
        record=record,
        field=field,
        heads=heads,
        proposals=(),
        card="form",
        expires=s.clock.now() + FORM_LIVES_MS,
    )
    return token.sign(parents, s.keys.forms)


@dataclass(frozen=True, slots=True)
class Saved:
    given: Incoming
    ingested: Ingested

    @property
    def field(self) -> str:
        return self.given.field


async def submitted(s: Services, turn: Turn) -> Outcome:
    event = turn.event
    assert isinstance(event, Submitted)
    locale = turn.locale or s.config.locale
    _, press = s.buttons.read(event.data, "save")
    try:
        if turn.person is None:
            raise Refused("I don't know who you are yet. Type /link where you are known, and enter the code here.")
        return await _save(s, turn, turn.person, event, press)
    except Refused as refused:
        turn.trail.note("refused", turn.now, action="save")
        return Outcome(Toast(say(locale, refused.say, **refused.facts), "warning"))


async def _save(s: Services, turn: Turn, person: Person, event: Submitted, press: Press) -> Outcome:
    was = press.text("r")
    ref = await s.records.heir(was)
    each = await editable_record(s, turn, person, ref)
    values, errors = await _changed(s, turn, each, event, press)
    if errors:
        return Outcome(FieldErrors(errors))
    if not values:
        return Outcome(Toast(say(turn.locale or s.config.locale, "Nothing was changed."), "neutral"))
    if ref != was:
        return await merged.kept(s, turn, person, ref, each.record.title, values)
    given = [_incoming(s, turn, person, ref, name, value, event.tokens.get(name)) for name, value in values.items()]
    saved = [Saved(*pair) for pair in zip(given, await s.ledger.ingest_many(given), strict=True)]
    for one in saved:
        await conflict_waits(s, one.ingested)
        _note(turn, one)
    await behaved(s, turn.place, "edited")
    s.tally.read(direct(person, turn.event.who).application, values, "written")
    return await _answer(s, turn, person, ref, saved)


async def _changed(
    s: Services, turn: Turn, each: Heard, event: Submitted, press: Press
) -> tuple[dict[str, Json], dict[str, str]]:
    """The fields this person really changed, against the value the form showed; and what is wrong with them."""
    locale = turn.locale or s.config.locale
    shown = press.get("w")
    if not isinstance(shown, dict):
        raise Unreadable("a form without what it showed")
    values: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for name, typed in event.values.items():
        spec = s.config.fields.get(name)
        if spec is None or not spec.editable or name not in each.editable:
            raise Refused("You may not edit {field}.", field=view.label(spec, name, locale))
        text = typed.strip()
        given = _given(s, each.record.ref.key, name, text)
        if equal(spec.normaliser, given, await _before(s, shown.get(name)) or None):
            continue
        wrong = _wrong(spec, text)
        if wrong is not None:
            errors[name] = say(locale, wrong)
        else:
            values[name] = given
    return values, errors


def _wrong(spec: FieldSpec, text: str) -> str | None:
    if not text:
        return None
    if spec.type == "choice" and text not in spec.options:
        return N_("Choose one of the listed values.")
    return valid(spec.type, text)


def _incoming(s: Services, turn: Turn, person: Person, ref: str, name: str, value: Json, sent: str | None) -> Incoming:
    seen = token.read(sent, s.keys.forms, deployment=s.config.deployment, record=ref, field=name, now=turn.now)
    TOKENS.labels(seen.status).inc()
    return Incoming(
        record=ref,
        field=name,
        kind="set" if value is not None else "clear",
        value=value,
        source=card_source(s, turn.place.channel),
        actor=Actor("person", person.id),
        seen=seen,
        once=f"{turn.event.once}:{name}",
        trace=turn.id,
        role_ok=True,
    )


def _note(turn: Turn, each: Saved) -> None:
    turn.trail.note(
        "edited",
        turn.now,
        record=each.given.record,
        field=each.field,
        reason=each.ingested.reason,
        decision=each.ingested.decision.id,
        proposed=conflicts.proposed(each.ingested),
        token=each.given.seen.status if each.given.seen is not None else "",
        source=each.given.source.watermark,
        conflict=each.ingested.conflict,
        set_aside=each.ingested.quarantined,
        lost=beaten.lost(each.ingested),
        first=each.ingested.first,
    )


async def _answer(s: Services, turn: Turn, person: Person, ref: str, saved: list[Saved]) -> Outcome:
    """ "Saved", or what became of it instead; a conflict's card goes to the room, or to this person alone."""
    locale = turn.locale or s.config.locale
    acts: list[Act] = []
    conflicting = [each for each in saved if each.ingested.conflict in ("opened", "open")]
    for each in conflicting:
        acts += await conflicts.shows(s, turn, person, ref, each.field)
    for each in saved:
        if conflicts.proposed(each.ingested):
            acts += await conflicts.proposal_shows(s, turn, ref, each.field, each.ingested.edit_id)
    foreign = any(each.ingested.seen == "foreign" for each in saved)
    if conflicting and not acts and not foreign:
        card = await conflicts.personal(s, turn, person, ref, conflicting[0].field)
        if card is not None:
            return Outcome(ShowCard(card, (ref,)), (), (ref,))
    text = await _unsaved(s, locale, ref, saved, foreign)
    toast = Toast(text, "warning") if text else _saved(s, locale, ref)
    return Outcome(toast, tuple(acts), (ref,))


def _saved(s: Services, locale: str, ref: str) -> Toast:
    """Decided here in any case; where the CRM does not answer just now, that is said."""
    if s.gate.breakers[ref.partition(":")[0]].failures:
        return Toast(say(locale, "Saved here, not yet in the CRM."), "info")
    return Toast(say(locale, "Saved."), "info")


async def _unsaved(s: Services, locale: str, ref: str, saved: list[Saved], foreign: bool) -> str:
    """Why what was typed is not what stands now; empty when all of it is."""
    if foreign:
        return say(locale, "This form came from elsewhere; your change was kept for comparison.")
    if any(each.ingested.conflict in ("opened", "open") for each in saved):
        return say(locale, "Someone changed it meanwhile. Both values are kept until somebody decides.")
    for each in saved:
        if each.ingested.quarantined:
            field = _named(s, each.field, locale)
            return say(locale, "{field} came twice as one edit, with two values. This one is set aside.", field=field)
        if conflicts.proposed(each.ingested):
            return _proposal(s, locale, each)
        if not _stands(s, each):
            return await beaten.told(s, locale, ref, each.field)
    return ""


def _proposal(s: Services, locale: str, each: Saved) -> str:
    policy = s.ledger.policies.of(each.given.record.split(":")[1], each.field)
    systems = ["CRM" if system in s.crms else system for system in policy.authority]
    field = _named(s, each.field, locale)
    if not systems:
        return say(locale, "Kept as a proposal: {field} is not set from here.", field=field)
    return say(locale, "Kept as a proposal: {field} is set by {systems} alone.", field=field, systems=systems)


def _stands(s: Services, each: Saved) -> bool:
    if each.ingested.standing_winner == each.ingested.edit_id:
        return True
    normaliser = s.ledger.policies.of(each.given.record.split(":")[1], each.field).normaliser
    return equal(normaliser, each.ingested.standing, each.given.value)


def _named(s: Services, name: str, locale: str) -> str:
    return view.label(s.config.fields.get(name), name, locale)
