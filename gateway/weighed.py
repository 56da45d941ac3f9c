"""What a decision weighed, what it said of each edit then, and what has come of it since.

Nothing here looks at who asks: whoever calls has made sure that they may see the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from cards.words import N_, Reader
from gateway.handlers import view
from gateway.services import Services
from gateway.store.ledger import Challenger, DecisionView, FieldState
from gateway.store.ledger.redecide import LABORATORY
from gateway.story import REASONS

Role = Literal["stands", "undecided", "meanwhile", "before", "proposed", "part", "same", "lost", "aside"]

LABELS: Final[Mapping[Role, str]] = {
    "stands": N_("Stands"),
    "undecided": N_("Undecided"),
    "meanwhile": N_("Shown meanwhile"),
    "before": N_("Before"),
    "proposed": N_("Proposed"),
    "part": N_("Merged"),
    "same": N_("The same"),
    "lost": N_("Beaten"),
    "aside": N_("Not counted"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "undecided": N_("waits for a person"),
    "merged_in": N_("is part of the value"),
    "same_value": N_("says the same"),
    "unchanged": N_("did not change the value"),
    "not_authority": N_("is not from the leading source"),
    "not_master": N_("is not from the master"),
    "earlier": N_("is earlier"),
    "lower_rank": N_("is from a source of lower rank"),
    "smaller_id": N_("came at the same moment"),
}
_NO_LOSS: Final[Mapping[str, Role]] = {"merged_in": "part", "same_value": "same"}
_FIRST: Final = ("stands", "undecided", "meanwhile")
_ROLES: Final[Mapping[Role, str]] = {
    "before": N_("the value from before"),
    "proposed": N_("proposed"),
    "meanwhile": N_("is shown meanwhile"),
}
_CHOSE: Final = {
    "resolve": N_("{name} settled it, choosing {value} among: {sides}."),
    "revert": N_("{name} undid it and put {value} back, with these in sight: {sides}."),
}
_CHOSE_ALONE: Final = {
    "resolve": N_("{name} settled it, choosing {value}."),
    "revert": N_("{name} undid it and put {value} back."),
}


@dataclass(frozen=True, slots=True)
class Side:
    """`meanwhile`: nobody has decided, and cards and targets keep this one until somebody does."""

    edit: Challenger
    role: Role
    meanwhile: bool = False

    def outcome(self, reader: Reader) -> str:
        """Why, in a few words; empty for what stands."""
        if self.meanwhile and self.role == "undecided":
            return reader.say(N_("waits for a person, and is shown meanwhile"))
        said = OUTCOMES.get(self.edit.why, "") or _ROLES.get(self.role, "")
        return reader.say(said) if said else ""


def sides(found: DecisionView) -> Sequence[Side]:
    """Every edit it speaks of, what stands or is undecided first; but none that an undo made to say that there was no
    value before."""
    told = {id_: edit for id_, edit in found.edits.items() if edit.restates or not edit.undoes}
    made = [Side(edit, _role(found, id_), _kept(found, id_)) for id_, edit in told.items()]
    return sorted(made, key=lambda each: _FIRST.index(each.role) if each.role in _FIRST else len(_FIRST))


def _kept(found: DecisionView, id_: str) -> bool:
    return found.decision.resolution.conflict and id_ == found.decision.standing


def _role(found: DecisionView, id_: str) -> Role:
    said = found.decision.resolution
    if said.conflict:
        if id_ in said.heads:
            return "undecided"
        if _kept(found, id_):
            return "meanwhile"
    elif id_ == said.winner:
        return "stands"
    if id_ in said.why:
        return _NO_LOSS.get(said.why[id_], "lost")
    if id_ in said.open_proposals:
        return "proposed"
    return "before" if id_ in (said.base, said.winner) else "aside"


def shown(s: Services, reader: Reader, found: DecisionView, state: FieldState | None) -> str:
    """What cards showed once it was made: of a conflict the value that was kept, which decided nothing."""
    made, spec = found.decision, s.config.fields.get(found.decision.field)
    said = made.resolution
    kept = found.edits.get((made.standing if said.conflict else said.winner) or "")
    if kept is not None and (said.conflict or kept.erased_at is not None):
        return worded(s, reader, made.field, kept)
    if said.conflict and (state is None or state.decision != made.id):
        return ""  # it was a merged one, which is kept for as long as it stands
    value = state.value if said.conflict and state is not None else said.value
    return view.worded(spec, value, reader.locale, reader.now)


async def first_said(s: Services, edit: Challenger) -> Challenger:
    """Who said it first, where an undone settlement only says it again: of a merged value nobody in particular."""
    while edit.restates:
        older = (await s.ledger.edits([edit.restates])).get(edit.restates)
        if older is None:
            return replace(edit, actor_kind="", actor="")
        edit = older
    return edit


async def reason(s: Services, reader: Reader, found: DecisionView) -> str:
    """Why it came out so; of what a person decided: who, what, and among which."""
    edit = found.edits.get(found.decision.trigger_edit or "")
    said = found.decision.resolution
    if edit is None or found.trigger is None or said.winner != edit.edit or said.conflict:
        return reader.say(REASONS[said.reason])
    weighed = await s.ledger.edits(sorted(found.trigger.parents))
    return chosen(s, reader, found.decision.field, edit, weighed) or reader.say(REASONS[said.reason])


def chosen(s: Services, reader: Reader, field: str, edit: Challenger, weighed: Mapping[str, Challenger]) -> str:
    """Empty where nobody chose: an edit like any other. `weighed`: what its maker had before them."""
    if edit.kind not in _CHOSE or edit.actor_kind != "person" or edit.undoes or edit.source == LABORATORY.watermark:
        return ""  # a change of policy that keeps what stood names its approver, who never looked at the field
    person = s.people.person(edit.actor)
    facts = {
        "name": person.name if person is not None else reader.say("somebody"),
        "value": worded(s, reader, field, edit),
    }
    among = list(dict.fromkeys(worded(s, reader, field, each) for each in _told(weighed)))
    if len(among) < 2:
        return reader.say(_CHOSE_ALONE[edit.kind], **facts)
    return reader.say(_CHOSE[edit.kind], **facts, sides=among)


def _told(weighed: Mapping[str, Challenger]) -> Iterator[Challenger]:
    """In the order in which they were said."""
    yield from sorted(weighed.values(), key=lambda each: (each.at, each.edit))


def worded(s: Services, reader: Reader, field: str, edit: Challenger) -> str:
    if edit.erased_at is not None:
        return reader.say("an erased value")
    return view.worded(s.config.fields.get(field), edit.value, reader.locale, reader.now)


def now(s: Services, reader: Reader, found: DecisionView, state: FieldState | None) -> str:
    """How it is by now; empty where that is what the decision says."""
    if state is None or (state.decision == found.decision.id and state.conflict is None):
        return ""
    value = view.worded(s.config.fields.get(state.field), state.value, reader.locale, reader.now)
    value = reader.say("an erased value") if state.erased_at is not None else value
    if state.conflict is None:
        return reader.say(N_("{value} stands now, by {code}."), value=value, code=state.decision)
    if state.write == "in_crm":
        return reader.say(N_("Nobody has decided yet. {value} is shown meanwhile, and is in the CRM."), value=value)
    return reader.say(N_("Nobody has decided yet. {value} is shown meanwhile."), value=value)
