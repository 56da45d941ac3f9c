"""A decision in words, for one who may see the record: which source, who, when, under which policy."""

from __future__ import annotations

from typing import Final

from cards.facts import WhyStep, WhyView
from cards.words import N_, Reader, say
from channels.model import ImId, Sender
from gateway import weighed
from gateway.errors import Refused
from gateway.handlers import view
from gateway.handlers.hearing import heard
from gateway.handlers.told import tells
from gateway.services import Services
from gateway.store.ledger import Challenger
from gateway.store.policy_changes import PolicyChanges, Why
from gateway.store.slots import Shown
from gateway.story import Line
from gateway.turn import Show, Slot
from identity.audience import direct
from identity.model import Person

KIND: Final = "decision"


async def explained(s: Services, slot: Slot, person: Person | None, sender: Sender, code: str, locale: str) -> Show:
    """For one who may see its field, how it is by now included. Raises `Refused` for everybody else."""
    lines, shown = await _lines(s, person, sender, code, locale)
    told = tuple(WhyStep(line.label, line.text) for line in lines)
    facts = WhyView(say(locale, N_("Why this value")), told, code)
    card = s.deck.draw("why", locale=locale, zone=s.config.zone, now=s.clock.now(), why=facts)
    kept = await tells(s, person, sender, shown, kind=KIND, code=code, locale=locale)
    return Show(slot, card, kept.records, valid_until=kept.until, state=kept.state)


async def again(s: Services, shown: Shown) -> Show | None:
    """None when its reader may not see it any more."""
    person = s.people.linked("im", shown.slot.to)
    if shown.state.get("who") != (person.id if person is not None else ""):
        return None
    sender = await s.rooms.listed(shown.slot.place, ImId.parse(shown.slot.to))
    code, locale = str(shown.state.get("code", "")), str(shown.state.get("locale") or s.config.locale)
    try:
        return await explained(s, shown.slot, person, sender, code, locale)
    except Refused:
        return None


async def _lines(
    s: Services, person: Person | None, sender: Sender, code: str, locale: str
) -> tuple[list[Line], dict[str, tuple[str, ...]]]:
    """And what it tells, by record."""
    found = await s.ledger.decision(code)
    decision = found.decision if found is not None else None
    if found is None or decision is None:
        raise Refused("There is no decision {code}.", code=code)
    each = await heard(s, decision.record, direct(person, sender))
    if each is None or decision.field not in each.record.fields:
        raise Refused("You may not see what {code} is about.", code=code)
    reader = Reader(locale, (person.zone if person else "") or s.config.zone, s.clock.now())
    label = view.label(s.config.fields.get(decision.field), decision.field, locale)
    lines = [Line(each.record.title, f"{label} · {reader.moment(decision.at)}", trace=code)]
    lines += [await _side_line(s, reader, decision.field, side) for side in weighed.sides(found)]
    lines.append(Line(reader.say("Decided"), await weighed.reason(s, reader, found)))
    if now := weighed.now(s, reader, found, await s.ledger.state(decision.record, decision.field)):
        lines.append(Line(reader.say("Now"), now))
    lines.append(Line(reader.say("Policy"), f"{decision.policy} ({decision.policy_hash[:8]})"))
    why = await PolicyChanges(s.store).why(decision.id, decision.policy)
    if why is not None:
        lines.append(change_line(s, reader, why))
    return lines, {decision.record: (decision.field,)}


def change_line(s: Services, reader: Reader, why: Why) -> Line:
    """Who changed the policy, and why: of a decision made by that, or under it since."""
    it = why.change
    reason, by = (it.ended_why, it.ended_by) if why.undoes else (it.reason, it.approved_by)
    msgid = (
        N_("Taken back by {approver}: {reason} (proposed by {proposer})")
        if why.undoes
        else N_("Approved by {approver}: {reason} (proposed by {proposer})")
    )
    text = reader.say(msgid, approver=_named(s, by), reason=reason, proposer=_named(s, it.proposed_by))
    return Line(reader.say("Change of policy"), text, "info" if why.before else "neutral")


def _named(s: Services, person: str) -> str:
    found = s.people.person(person)
    return found.name if found is not None else person


async def _side_line(s: Services, reader: Reader, field: str, side: weighed.Side) -> Line:
    said = await weighed.first_said(s, side.edit)
    value, outcome = weighed.worded(s, reader, field, side.edit), side.outcome(reader) if side.edit.why else ""
    text = f"{value} · {said.source} {_who(s, said)} {reader.moment(said.at)}".replace("  ", " ")
    text = f"{text} · {outcome}" if outcome else text
    return Line(reader.say(weighed.LABELS[side.role]), text, "info" if side.role == "stands" else "neutral")


def _who(s: Services, edit: Challenger) -> str:
    person = s.people.person(edit.actor)
    return person.name if person is not None else ""
