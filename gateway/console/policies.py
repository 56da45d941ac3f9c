"""From what the laboratory found to what the console's pages of policies show an admin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from cards.tree import Tone
from cards.words import N_, Reader
from channels.model import ImId, Sender
from gateway import weighed
from gateway.errors import Refused
from gateway.handlers import view
from gateway.handlers.explain import change_line
from gateway.handlers.hearing import Heard, heard
from gateway.lab.study import KINDS
from gateway.services import Services
from gateway.store.policy_changes import PolicyChange, PolicyChanges
from identity.audience import direct
from identity.model import Person
from reconcile.model import MergePolicy

SHOWN: Final = 5
"""Examples of each kind on the page."""

STATES: Final[Mapping[str, str]] = {
    "planning": N_("being planned"),
    "trying": N_("being planned"),
    "planned": N_("planned, waits for approval"),
    "failed": N_("could not be planned"),
    "applying": N_("in force, being applied"),
    "applied": N_("in force"),
    "undoing": N_("being taken back"),
    "undone": N_("taken back"),
    "cancelled": N_("cancelled"),
}
TONES: Final[Mapping[str, Tone]] = {
    "applying": "info",
    "applied": "info",
    "failed": "danger",
    "undoing": "warning",
    "planned": "warning",
}
MODES: Final[Mapping[str, str]] = {
    "authoritative": N_("systems in order"),
    "master_wins": N_("the master wins"),
    "last_writer_wins": N_("the last writer wins"),
    "review": N_("a person decides"),
    "set_union": N_("merge: tags"),
    "counter": N_("merge: a number counted"),
    "monotone": N_("merge: stages"),
}
SAYS: Final[Mapping[str, str]] = {
    "differ": N_("Values that would be others now"),
    "opens": N_("Conflicts that would open now"),
    "closes": N_("Open conflicts it would decide"),
    "not_asked": N_("Conflicts that would not have been asked"),
    "asked_more": N_("Conflicts that would have been asked besides"),
    "lost": N_("Edits that took effect and would have lost"),
    "won": N_("Edits that lost and would have taken effect"),
}


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    state: str
    says: str
    tone: Tone
    fields: Sequence[str]
    mode: str
    by: str
    at: int
    approver: str
    reason: str
    ender: str
    ended_why: str
    percent: int
    done: int
    total: int
    mine: bool
    active: bool


@dataclass(frozen=True, slots=True)
class Example:
    """`was`, `instead`: the values, in words."""

    customer: str
    field: str
    at: int
    was: str
    instead: str
    decision: str


@dataclass(frozen=True, slots=True)
class Finding:
    says: str
    total: int
    by_field: Sequence[tuple[str, int]]
    examples: Sequence[Example]
    hidden: int


@dataclass(frozen=True, slots=True)
class Report:
    customers: int
    fields: int
    edits: int
    judged: int
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Sided:
    """One edit a decision weighed."""

    value: str
    source: str
    by: str
    at: int
    outcome: str
    stands: bool
    undecided: bool


@dataclass(frozen=True, slots=True)
class Explained:
    customer: str
    field: str
    at: int
    reason: str
    value: str
    sides: Sequence[Sided]
    undecided: bool
    now: str
    policy: str
    change: str
    back: str


def label(s: Services, reader: Reader, name: str) -> str:
    return view.label(s.config.fields.get(name), name, reader.locale)


def mode(reader: Reader, policy: MergePolicy) -> str:
    said = reader.say(MODES[policy.merge or policy.mode])
    systems = policy.authority or ((policy.master,) if policy.mode == "master_wins" and policy.master else ())
    return f"{said} ({' → '.join(systems)})" if systems else said


def _name(s: Services, person: str) -> str:
    found = s.people.person(person)
    return found.name if found is not None else person


def row(s: Services, reader: Reader, change: PolicyChange, me: Person) -> Row:
    policies = list(change.policies.values())
    return Row(
        id=change.id,
        state=change.state,
        says=reader.say(STATES[change.state]),
        tone=TONES.get(change.state, "neutral"),
        fields=[label(s, reader, name) for name in change.fields],
        mode=mode(reader, policies[0]),
        by=_name(s, change.proposed_by),
        at=change.proposed_at,
        approver=_name(s, change.approved_by),
        reason=change.reason,
        ender=_name(s, change.ended_by),
        ended_why=change.ended_why,
        percent=100 * change.done // change.total if change.total else 0,
        done=change.done,
        total=change.total,
        mine=change.proposed_by == me.id,
        active=change.state in ("planning", "trying", "applying", "undoing"),
    )


async def ruling(s: Services, reader: Reader) -> list[tuple[str, str, str, str]]:
    """Each configured field with what rules it now: (name, label, in words, the change's id if one brought it)."""
    await s.ledger.follow()
    rules = ((name, s.ledger.policies.of("account", name)) for name in s.config.fields)
    return [
        (name, label(s, reader, name), mode(reader, policy), policy.name if policy.name.startswith("pc-") else "")
        for name, policy in rules
    ]


async def report(s: Services, reader: Reader, me: Person, change: PolicyChange) -> Report | None:
    if change.report is None:
        return None
    told = cast("dict[str, Any]", change.report)
    findings = [await _finding(s, reader, me, told, kind) for kind in KINDS if told["counts"][kind]]
    return Report(told["customers"], told["fields"], told["edits"], told["judged"], findings)


async def _finding(s: Services, reader: Reader, me: Person, told: dict[str, Any], kind: str) -> Finding:
    counts, some = told["counts"][kind], told["examples"][kind]
    shown = [await _example(s, reader, me, each) for each in some[: 3 * SHOWN]]
    seen = [each for each in shown if each is not None][:SHOWN]
    by_field = [(label(s, reader, name), n) for name, n in counts.items()]
    return Finding(reader.say(SAYS[kind]), sum(counts.values()), by_field, seen, sum(each is None for each in shown))


async def _example(s: Services, reader: Reader, me: Person, each: dict[str, Any]) -> Example | None:
    """None of what this admin may not see."""
    found = await _seen(s, me, each["record"])
    if found is None or each["field"] not in found.record.fields:
        return None
    values = [await _value(s, reader, each["field"], each[key]) for key in ("edit", "instead")]
    name = label(s, reader, each["field"])
    return Example(found.record.title, name, each["at"], values[0], values[1], each["decision"])


async def _value(s: Services, reader: Reader, field: str, edit: str) -> str:
    if not edit:
        return "—"
    try:
        value = await s.ledger.value_of(edit)
    except Refused:
        return reader.say("erased")
    return view.worded(s.config.fields.get(field), value, reader.locale, reader.now)


async def _seen(s: Services, me: Person, ref: str) -> Heard | None:
    return await heard(s, ref, direct(me, Sender(ImId("", "", "user", me.id), me.name, "member")))


async def explained(s: Services, reader: Reader, me: Person, code: str, back: str) -> Explained | None:
    """A decision with every edit it weighed; None when there is none, or this admin may not see its field."""
    found = await s.ledger.decision(code)
    seen = await _seen(s, me, found.decision.record) if found is not None else None
    if found is None or seen is None or found.decision.field not in seen.record.fields:
        return None
    made = found.decision
    why, state = await PolicyChanges(s.store).why(made.id, made.policy), await s.ledger.state(made.record, made.field)
    return Explained(
        customer=seen.record.title,
        field=label(s, reader, made.field),
        at=made.at,
        reason=await weighed.reason(s, reader, found),
        value=weighed.shown(s, reader, found, state),
        sides=[await _side(s, reader, made.field, each) for each in weighed.sides(found)],
        undecided=made.resolution.conflict,
        now=weighed.now(s, reader, found, state),
        policy=f"{made.policy} ({made.policy_hash[:8]})",
        change=change_line(s, reader, why).text if why is not None else "",
        back=back,
    )


async def _side(s: Services, reader: Reader, field: str, side: weighed.Side) -> Sided:
    said = await weighed.first_said(s, side.edit)
    return Sided(
        value=weighed.worded(s, reader, field, side.edit),
        source=said.source,
        by=_name(s, said.actor) if said.actor_kind == "person" else "",
        at=said.at,
        outcome=side.outcome(reader),
        stands=side.role == "stands",
        undecided=side.role == "undecided",
    )


def document(change: PolicyChange) -> str:
    """The policy as it would be configured."""
    policy = asdict(next(iter(change.policies.values())))
    said = {name: it for name, it in policy.items() if it and name not in ("name", "normaliser")}
    return json.dumps(said, ensure_ascii=False)
