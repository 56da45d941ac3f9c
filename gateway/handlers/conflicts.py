"""A conflict is settled in the chat where it happened: before, in the CRM, yours; one tap; undo."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal
from weakref import WeakValueDictionary

from cards.facts import ConflictView, SideView
from cards.tree import Button, Card
from cards.words import N_, say
from channels.model import Place, Toast
from gateway.bus.model import Job
from gateway.errors import Refused
from gateway.handlers import beaten, view
from gateway.handlers.alerts import conflict_waits
from gateway.handlers.buttons import Press
from gateway.handlers.hearing import heard
from gateway.handlers.source import card_source
from gateway.services import Services
from gateway.store.ledger import Before, Challenger, ConflictCase, FieldState, Incoming, Ingested
from gateway.turn import Act, Outcome, Show, Slot, Trail, Turn
from identity.audience import audience_hash, direct
from identity.model import Audience, Person
from reconcile.canonical import equal
from reconcile.model import Actor, Json
from reconcile.token import Seen

PROPOSAL = "proposal:"
"""What the subject of a proposal's card begins with; the rest is the proposed edit."""

Role = Literal["before", "crm", "stands", "yours", "theirs"]


async def opened(s: Services, ingested: Ingested) -> None:
    """A conflict that a CRM's own change opened: whoever edited on a card hears of it where they did."""
    await conflict_waits(s, ingested)
    if ingested.conflict == "opened" and ingested.conflict_id is not None:
        await publish(s, ingested.conflict_id)


async def publish(s: Services, conflict: str) -> None:
    """Once for one conflict, however often it is asked for."""
    await s.bus.publish(Job("conflict", f"conflict:{conflict}", f"conflict:{conflict}", conflict.encode()), "here")


async def where_it_happened(s: Services, conflict: str, trail: Trail) -> list[Act]:
    case = await s.ledger.conflict(conflict)
    if case is None or case.closed_at is not None:
        return []
    place = await _place(s, case)
    if place is None:
        return []
    show = await room_conflict(s, Slot(place, "conflict", case.id), case.record, case.field, {}, trail)
    return [show] if show is not None else []


async def _place(s: Services, case: ConflictCase) -> Place | None:
    """The room of the newest edit made on a card; else the one where a card of the customer was painted last."""
    for row in await s.ledger.history(case.record, case.field):
        steps = await s.trail.turn(row.trace) if row.edit.system in s.channels and row.trace else []
        if steps and steps[0].step.room:
            return Place.parse(f"{steps[0].step.room}/")
    up = [shown for shown in await s.slots.about(case.record) if shown.slot.purpose == "card" and shown.message]
    return up[-1].slot.place if up else None


async def shows(s: Services, turn: Turn, person: Person, ref: str, field: str) -> list[Act]:
    """The conflict's card in the room where the edit was made, as far as the room may see the field."""
    state = await s.ledger.state(ref, field)
    if state is None or state.conflict is None:
        return []
    slot = Slot(turn.place, "conflict", state.conflict)
    show = await room_conflict(s, slot, ref, field, {"locale": turn.locale or s.config.locale}, turn.trail)
    return [show] if show is not None else []


async def room_conflict(
    s: Services, slot: Slot, ref: str, field: str, state: dict[str, Json], trail: Trail
) -> Show | None:
    """Drawn from what is so now: open with its buttons, or settled with by whom."""
    audience = await s.rooms.audience(slot.place)
    locale = str(state.get("locale") or s.config.locale)
    card, until = await _card(s, ref, field, slot.subject, audience, locale, "")
    if card is None or audience.empty:
        trail.note("withheld", s.clock.now(), record=ref, groups=[[N_("Not everybody here may see it."), "", [field]]])
        return None
    kept: dict[str, Json] = {**state, "refs": [ref], "field": field, "conflict": slot.subject}
    return Show(slot, card, (ref,), audience_hash(audience), until, kept, ("name", field))


async def personal(s: Services, turn: Turn, person: Person, ref: str, field: str) -> Card | None:
    """The same for the one who just saved, their own side called theirs."""
    state = await s.ledger.state(ref, field)
    if state is None or state.conflict is None:
        return None
    mine = direct(person, turn.event.who)
    card, _ = await _card(s, ref, field, state.conflict, mine, turn.locale or s.config.locale, person.id)
    return card


async def _card(
    s: Services, ref: str, field: str, conflict: str, audience: Audience, locale: str, reader: str
) -> tuple[Card | None, int | None]:
    each = await heard(s, ref, audience)
    if each is None or field not in each.record.fields:
        return None, None
    state = await s.ledger.state(ref, field)
    if state is None:
        return None, None
    facts = await _view(s, each.record.title, ref, field, conflict, state, locale, reader)
    known = each.standing.record
    facts = replace(facts, gone=say(locale, view.why_gone(known))) if known.deleted else facts
    card = s.deck.draw("conflict", locale=locale, zone=s.config.zone, now=s.clock.now(), conflict=facts)
    return card, each.disclosed.valid_until


async def _view(
    s: Services, title: str, ref: str, field: str, conflict: str, state: FieldState, locale: str, reader: str
) -> ConflictView:
    spec = s.config.fields.get(field)
    label = view.label(spec, field, locale)
    if conflict.startswith(PROPOSAL):
        return _proposal(s, title, ref, field, conflict, state, locale)
    if state.conflict == conflict:
        sides = (_before(s, state, field, locale), *_challengers(s, ref, field, state, locale, reader))
        return ConflictView(title, field, label, sides, trace=state.decision)
    closed = await s.ledger.conflict(conflict)
    by = _name(s, closed.settled_by) if closed is not None else ""
    value = view.worded(spec, await _settled_to(s, closed, state), locale, s.clock.now())
    undo = undo_of(s, ref, field, state, locale) if closed is not None and closed.settled_edit == state.edit else None
    at = closed.closed_at or 0 if closed is not None else 0
    trace = (closed.closed_by if closed is not None else None) or state.decision
    return ConflictView(title, field, label, (), value, by, at, undo, trace)


def _proposal(
    s: Services, title: str, ref: str, field: str, subject: str, state: FieldState, locale: str
) -> ConflictView:
    """What stands and what is proposed beside it; once decided, what stands and by whom."""
    spec = s.config.fields.get(field)
    label, stands = view.label(spec, field, locale), view.worded(spec, state.value, locale, s.clock.now())
    proposal = next((each for each in state.proposed if each.edit == subject.removeprefix(PROPOSAL)), None)
    if proposal is None:
        undo = undo_of(s, ref, field, state, locale) if state.system in s.channels and state.conflict is None else None
        return ConflictView(
            title, field, label, (), stands, _name(s, state.actor), state.as_of, undo, state.decision, proposal=True
        )
    button = settle_button(s, ref, field, state, proposal.edit, locale, case=subject, proposals=(proposal.edit,))
    value = view.worded(spec, proposal.value, locale, s.clock.now())
    sides = (
        SideView("stands", stands, _name(s, state.actor), state.as_of, state.source),
        SideView("theirs", value, _name(s, proposal.actor), proposal.at, proposal.source, button),
    )
    return ConflictView(title, field, label, sides, trace=state.decision, proposal=True)


async def proposal_shows(s: Services, turn: Turn, ref: str, field: str, edit: str) -> list[Act]:
    """A proposal's card where it was made: whoever may decide the field takes it with one tap."""
    slot = Slot(turn.place, "conflict", f"{PROPOSAL}{edit}")
    show = await room_conflict(s, slot, ref, field, {"locale": turn.locale or s.config.locale}, turn.trail)
    return [show] if show is not None else []


async def _settled_to(s: Services, closed: ConflictCase | None, state: FieldState) -> Json:
    """What was decided then; the field may have another value by now."""
    if closed is None or closed.settled_edit is None:
        return state.value
    try:
        return await s.ledger.value_of(closed.settled_edit)
    except Refused:
        return None


def _before(s: Services, state: FieldState, field: str, locale: str) -> SideView:
    """The last value that both sides had seen; a dash where there was none."""
    base = state.base
    value = view.worded(s.config.fields.get(field), base.value if base is not None else None, locale, s.clock.now())
    if base is None:
        return SideView("before", value)
    return SideView("before", value, _name(s, base.actor), base.at, base.source)


def _challengers(
    s: Services, ref: str, field: str, state: FieldState, locale: str, reader: str
) -> tuple[SideView, ...]:
    crm = ref.split(":", 1)[0]
    sides = []
    for each in state.challengers:
        role = _role(state, each, crm, reader)
        value = view.worded(s.config.fields.get(field), each.value, locale, s.clock.now())
        button = settle_button(s, ref, field, state, each.edit, locale, case=state.conflict or "")
        sides.append(SideView(role, value, _name(s, each.actor), each.at, each.source, button))
    return tuple(sides)


def _role(state: FieldState, each: Challenger, crm: str, reader: str) -> Role:
    """What stands is what the CRM holds, once it was written there; its own side no more once another was settled."""
    if (each.system == crm and not each.undoes) or (each.edit == state.edit and state.write == "in_crm"):
        return "crm"
    if reader and each.actor == reader:
        return "yours"
    return "stands" if each.edit == state.edit else "theirs"


def settle_button(
    s: Services,
    ref: str,
    field: str,
    state: FieldState,
    edit: str,
    locale: str,
    *,
    case: str,
    proposals: Sequence[str] = (),
) -> Button:
    """Its token holds what is on the card: what the presser had not seen is not dismissed."""
    h, q = _json(state.heads), _json(proposals)
    return s.buttons.make(locale, N_("Use this"), "settle", "primary", r=ref, f=field, e=edit, c=case, h=h, q=q)


def undo_of(s: Services, ref: str, field: str, state: FieldState, locale: str) -> Button:
    """Open proposals are not on the card that bears it, and stay open."""
    return s.buttons.make(locale, N_("Undo"), "undo", r=ref, f=field, e=state.edit or "", h=_json(state.heads), q=[])


def _json(ids: Sequence[str]) -> list[Json]:
    return [*ids]


def _name(s: Services, actor: str) -> str:
    person = s.people.person(actor)
    return person.name if person is not None else ""


_LOCKS: WeakValueDictionary[tuple[int, str, str], asyncio.Lock] = WeakValueDictionary()


def one_at_a_time(s: Services, ref: str, field: str) -> asyncio.Lock:
    """Of two who press at once the second is told of the first."""
    return _LOCKS.setdefault((id(s.ledger), ref, field), asyncio.Lock())


async def settle(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    ref, field, chosen, conflict = press.text("r"), press.text("f"), press.text("e"), press.text("c")
    await _may(s, turn, person, ref, field)
    locale = turn.locale or s.config.locale
    async with one_at_a_time(s, ref, field):
        known = await s.ledger.conflict(conflict)
        if known is not None and known.closed_at is not None:
            who = _name(s, known.settled_by) or say(locale, "a newer value")
            # The card that still offers it is drawn again.
            return _told(turn, ref, say(locale, "This is settled already, by {who}.", who=who))
        if conflict.startswith(PROPOSAL) and not await _waits(s, ref, field, chosen):
            return _told(turn, ref, say(locale, "This proposal is decided already."))
        if not conflict and await _overtaken(s, ref, field, press):
            return _told(turn, ref, say(locale, "Somebody has changed it since. Look again."))
        value = await s.ledger.value_of(chosen)
        done = await _ingest(s, turn, person, ref, field, "resolve", value, press)
    if proposed(done):
        return _told(turn, ref, _for_another(s, locale, ref, field))
    if done.conflict in ("opened", "open"):
        text = say(locale, "Your choice is kept, but there is a newer value that this card did not show. Look again.")
        acts = await shows(s, turn, person, ref, field) if done.conflict == "opened" else ()
        return Outcome(Toast(text, "warning"), tuple(acts), (ref,))
    if beaten.lost(done):
        return Outcome(Toast(await beaten.told(s, locale, ref, field), "warning"), (), (ref,))
    return Outcome(Toast(say(locale, "Settled."), "info"), (), (ref,))


async def _waits(s: Services, ref: str, field: str, proposal: str) -> bool:
    state = await s.ledger.state(ref, field)
    return state is not None and proposal in state.proposals


async def undo(s: Services, turn: Turn, person: Person, press: Press) -> Outcome:
    """Restores exactly the value before; itself an edit, which can be undone."""
    ref, field, edit = press.text("r"), press.text("f"), press.text("e")
    await _may(s, turn, person, ref, field)
    locale = turn.locale or s.config.locale
    async with one_at_a_time(s, ref, field):
        before = await s.ledger.before(ref, field, edit)
        if before is None:
            raise Refused("There is no earlier value to go back to.")
        if await _undone(s, ref, field, edit, before):
            return _told(turn, ref, say(locale, "This was undone already."))
        if await _overtaken(s, ref, field, press):
            return _told(turn, ref, say(locale, "Somebody has changed it since. Nothing was undone."))
        again = await _reopened(s, turn, person, ref, field, edit, press)
        done = again or await _ingest(s, turn, person, ref, field, "revert", before.value, press)
    if proposed(done):
        return _told(turn, ref, _for_another(s, locale, ref, field))
    if again is not None:
        up = await s.slots.shows("conflict", again.conflict_id or "")
        acts = [] if up else await shows(s, turn, person, ref, field)
        return Outcome(Toast(say(locale, "Undone. The conflict is open again."), "info"), tuple(acts), (ref,))
    if done.conflict in ("opened", "open"):
        acts = await shows(s, turn, person, ref, field)
        text = say(locale, "Somebody has built on that change since. Both values are kept until somebody decides.")
        return Outcome(Toast(text, "warning"), tuple(acts), (ref,))
    if beaten.lost(done):
        return Outcome(Toast(await beaten.told(s, locale, ref, field), "warning"), (), (ref,))
    return Outcome(Toast(say(locale, "Undone."), "info"), (), (ref,))


async def _undone(s: Services, ref: str, field: str, edit: str, before: Before) -> bool:
    """Something else stands than what is to be undone, and it is the value from before it; or its conflict is open."""
    state = await s.ledger.state(ref, field)
    if state is None or state.edit == edit:
        return False
    if state.conflict is not None:
        return any(each.undoes == edit for each in state.challengers)
    return equal(s.ledger.policies.of(ref.split(":")[1], field).normaliser, state.value, before.value)


async def _overtaken(s: Services, ref: str, field: str, press: Press) -> bool:
    """Where the last writer wins, an undo would silently beat what its presser had not seen; elsewhere it conflicts."""
    state, policy = await s.ledger.state(ref, field), s.ledger.policies.of(ref.split(":")[1], field)
    return policy.mode == "last_writer_wins" and state is not None and set(state.heads) != set(press.texts("h"))


def proposed(done: Ingested) -> bool:
    """Kept, but binding nobody until somebody with the right to decide takes it up."""
    return done.edit_id in done.decision.resolution.open_proposals


def _for_another(s: Services, locale: str, ref: str, field: str) -> str:
    role = s.ledger.policies.of(ref.split(":")[1], field).min_role or ""
    return say(locale, "Kept as a proposal: this takes the role {role}.", role=role)


def _told(turn: Turn, ref: str, text: str) -> Outcome:
    turn.trail.note("refused", turn.now)
    return Outcome(Toast(text, "warning"), (), (ref,))


async def _may(s: Services, turn: Turn, person: Person, ref: str, field: str) -> None:
    each = await heard(s, ref, direct(person, turn.event.who))
    spec = s.config.fields.get(field)
    if each is not None and each.standing.record.deleted:
        raise Refused("This customer was deleted in the CRM. Restore it there before you change it.")
    if each is None or spec is None or not spec.editable or field not in each.editable:
        locale = turn.locale or s.config.locale
        raise Refused("You may not edit {field}.", field=view.label(spec, field, locale))


async def _ingest(
    s: Services, turn: Turn, person: Person, ref: str, field: str, kind: str, value: Json, press: Press
) -> Ingested:
    """The parents are the heads on the card that was pressed, never those current now."""
    ingested = await s.ledger.ingest(_given(s, turn, person, ref, field, kind, value, press))
    return await _noted(s, turn, kind, ingested)


async def _reopened(
    s: Services, turn: Turn, person: Person, ref: str, field: str, settlement: str, press: Press
) -> Ingested | None:
    """Where what is undone settled a conflict that nobody has built on: it is open again."""
    given = _given(s, turn, person, ref, field, "revert", None, press)
    made = await s.ledger.reopen(given, settlement)
    return await _noted(s, turn, "revert", made) if made is not None else None


def _given(
    s: Services, turn: Turn, person: Person, ref: str, field: str, kind: str, value: Json, press: Press
) -> Incoming:
    return Incoming(
        record=ref,
        field=field,
        kind=kind,  # type: ignore[arg-type]
        value=value,
        source=card_source(s, turn.place.channel),
        actor=Actor("person", person.id),
        seen=Seen("ok", press.texts("h"), press.texts("q")),
        once=f"{turn.event.once}:{field}",
        trace=turn.id,
        roles=person.roles,
    )


async def _noted(s: Services, turn: Turn, kind: str, ingested: Ingested) -> Ingested:
    await conflict_waits(s, ingested)
    made = ingested.decision
    turn.trail.note(
        "settled" if kind == "resolve" else "undone",
        turn.now,
        record=made.record,
        field=made.field,
        reason=ingested.reason,
        decision=made.id,
        conflict=ingested.conflict,
        proposed=proposed(ingested),
        lost=beaten.lost(ingested),
        source=card_source(s, turn.place.channel).watermark,
    )
    return ingested
