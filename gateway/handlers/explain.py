"""A decision in words, for one who may see the record: which source, who, when, under which policy."""

from __future__ import annotations

from cards.words import N_, Reader
from gateway import weighed
from gateway.errors import Refused
from gateway.handlers import view
from gateway.handlers.hearing import heard
from gateway.services import Services
from gateway.store.ledger import Challenger
from gateway.store.policy_changes import PolicyChanges, Why
from gateway.story import Line
from gateway.turn import Turn
from identity.audience import direct


async def decision_lines(
    s: Services, turn: Turn, code: str, locale: str
) -> tuple[list[Line], dict[str, tuple[str, ...]]]:
    """And what it tells, by record. Raises `Refused` when there is none, or the asker may not see its field."""
    found = await s.ledger.decision(code)
    decision = found.decision if found is not None else None
    if found is None or decision is None:
        raise Refused("There is no decision {code}.", code=code)
    each = await heard(s, decision.record, direct(turn.person, turn.event.who))
    if each is None or decision.field not in each.record.fields:
        raise Refused("You may not see what {code} is about.", code=code)
    reader = Reader(locale, (turn.person.zone if turn.person else "") or s.config.zone, turn.now)
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
