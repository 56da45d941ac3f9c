"""Why a field is hidden, in words. Says what kind of reader is the reason; never names or counts a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cards.words import N_
from crm.model import Record
from identity.access import NEVER_IN_A_GROUP, AccessPolicy, Verdict
from identity.disclosure import VISIBLE_UNTIL
from identity.model import BOTTOM, Action, Attributes, Audience, Scene, Sensitivity, Withheld
from identity.policy_files import Policy

_ROLES: Final = {".": {"left": {"Var": "principal"}, "attr": "roles"}}
_MOST_ROLES: Final = 32


@dataclass(frozen=True, slots=True)
class Reason:
    """`say` is a message id of the catalogues; `facts` fill its placeholders."""

    say: str
    facts: Mapping[str, object] = field(default_factory=dict)


NEVER: Final = N_("Hidden because it is never shown in a group.")
NOBODY: Final = N_("Hidden because it is not known who can read this room.")
INCOMPLETE: Final = N_("Hidden because the list of members could not be read in full.")
GUEST: Final = N_("Hidden because a guest, or somebody we do not know, can read this room.")
OUTSIDER: Final = N_("Hidden because somebody from outside the company can read this room.")
UNMAPPED: Final = N_("Hidden because somebody here is not linked to an account yet.")
PUBLIC: Final = N_("Hidden because everybody in the company can read this room.")
ROLE: Final = N_("Hidden because somebody here has only the role {roles}.")
NO_ROLE: Final = N_("Hidden because somebody here has no role.")
ALONE: Final = N_("Your role may not see this.")
NOT_THROUGH_THIS: Final = N_("Hidden because this network or application may not have it.")
POSTED: Final = N_("Hidden because what is posted on this network cannot be changed any more.")

NOT_GRANTED: Final = "not-granted-to-the-application"
"""In place of a policy: the readers may see it, but not through this application."""

STAYS: Final = "what-is-posted-there-stays"
"""In place of a policy: the readers may see it, but what they are shown could never be taken back."""

MESSAGES: Final = (
    *(NEVER, NOBODY, INCOMPLETE, GUEST, OUTSIDER, UNMAPPED, PUBLIC, ROLE, NO_ROLE, ALONE, NOT_THROUGH_THIS),
    POSTED,
)


def reasons(withheld: Withheld, audience: Audience, *, public: bool = False) -> tuple[Reason, ...]:
    """The weightiest first, each once. `public`: the whole workspace can read the room."""
    if NEVER_IN_A_GROUP in withheld.policies:
        return (Reason(NEVER),)
    if NOT_GRANTED in withheld.policies:
        return (Reason(NOT_THROUGH_THIS),)
    if STAYS in withheld.policies:
        return (Reason(POSTED),)
    if audience.empty and audience.complete:
        return (Reason(NOBODY),)
    if audience.scene not in ("group", "external_group"):
        return (Reason(ALONE),)
    found = [_because(who, audience.complete, public) for who in withheld.because]
    ranked = sorted(found, key=lambda reason: (MESSAGES.index(reason.say), str(reason.facts)))
    return tuple(reason for index, reason in enumerate(ranked) if reason not in ranked[:index])


def _because(who: Attributes, complete: bool, public: bool) -> Reason:
    if who == BOTTOM:
        return Reason(GUEST if complete else INCOMPLETE)
    if who.external:
        return Reason(OUTSIDER)
    if not who.mapped:
        return Reason(PUBLIC if public else UNMAPPED)
    return Reason(ROLE, {"roles": who.roles}) if who.roles else Reason(NO_ROLE)


@dataclass(frozen=True, slots=True)
class Lines:
    """Where a policy stands, for an admin. `note`: the comment above it."""

    id: str
    file: str
    line: int
    text: str
    effect: str = ""
    note: str = ""

    @property
    def where(self) -> str:
        return f"{self.id} ({self.file}:{self.line})"


def where(policies: Iterable[str], access: AccessPolicy) -> tuple[Lines, ...]:
    """The policies that decided, with file and line; promises of the code, which are no policies, are left out."""
    found = (access.policies[id_] for id_ in policies if id_ in access.policies)
    return tuple(Lines(one.id, one.file, one.line, one.text, one.effect, one.note) for one in found)


PERMITTED: Final = N_("Allowed by {policies}.")
FORBIDDEN: Final = N_("Forbidden by {policies}.")
UNPERMITTED: Final = N_("No policy allows it.")
NEAREST: Final = N_("No policy allows it; others are allowed by {policies}.")
UNJUDGED: Final = N_("It could not be judged, and what cannot be judged is not shown: {why}.")
ENDED: Final = N_("What it may be seen until is over.")
DECIDED: Final = (PERMITTED, FORBIDDEN, UNPERMITTED, NEAREST, UNJUDGED, ENDED, NEVER)


@dataclass(frozen=True, slots=True)
class Decided:
    """One verdict in words, and the policies with their lines that it is due to."""

    allowed: bool
    reason: Reason
    lines: tuple[Lines, ...] = ()


def decided(verdict: Verdict, access: AccessPolicy, nearest: Iterable[str] = ()) -> Decided:
    """For an admin. `nearest`: the policies that allow it to somebody else, told where nothing decided."""
    lines = where(verdict.policies, access)
    if NEVER_IN_A_GROUP in verdict.policies:
        return Decided(False, Reason(NEVER))
    if VISIBLE_UNTIL in verdict.policies:
        return Decided(False, Reason(ENDED))
    if verdict.errors:
        return Decided(False, Reason(UNJUDGED, {"why": "; ".join(verdict.errors)}), lines)
    if lines:
        return Decided(verdict.allowed, Reason(PERMITTED if verdict.allowed else FORBIDDEN, _named(lines)), lines)
    near = where(nearest, access)
    return Decided(verdict.allowed, Reason(NEAREST, _named(near)) if near else Reason(UNPERMITTED), near)


def _named(lines: Iterable[Lines]) -> dict[str, object]:
    return {"policies": [one.where for one in lines]}


def nearest(
    access: AccessPolicy, action: Action, sensitivity: Sensitivity, scene: Scene, at: int, zone: str
) -> tuple[str, ...]:
    """The policies that allow this to anybody there could be: each role that a policy names, also as the owner."""
    found: dict[str, None] = {}
    for who in _anybody(access):
        for owner in (False, True):
            verdict = access.permit(
                who, action, sensitivity, scene, owner=owner, team=who.team, region=who.region, at=at, zone=zone
            )
            if verdict.allowed:
                found.update(dict.fromkeys(verdict.policies))
    return tuple(sorted(found))


def _anybody(access: AccessPolicy) -> Iterator[Attributes]:
    yield Attributes((), "-", "-", external=False, mapped=True)
    for role in roles_named(access.policies.values())[:_MOST_ROLES]:
        yield Attributes((role,), "-", "-", external=False, mapped=True)


def roles_named(policies: Iterable[Policy]) -> tuple[str, ...]:
    """Every text that a policy compares the roles of a reader with."""
    found: set[str] = set()
    for policy in policies:
        for condition in policy.est.get("conditions", ()):
            _roles(condition["body"], found)
    return tuple(sorted(found))


def _roles(node: Any, found: set[str]) -> None:
    if isinstance(node, list):
        for part in node:
            _roles(part, found)
    if not isinstance(node, dict):
        return
    for kind, operands in node.items():
        if kind.startswith("contains") and operands["left"] == _ROLES:
            found.update(_texts(operands["right"]))
        else:
            _roles(list(operands.values()) if isinstance(operands, dict) else operands, found)


def _texts(node: dict[str, Any]) -> Iterator[str]:
    for one in node.get("Set", (node,)):
        if isinstance(text := one.get("Value"), str):
            yield text


def expired(record: Record, now: int) -> tuple[str, ...]:
    """Fields whose own end has come. For those who may see the record; a room is not told that they exist."""
    return tuple(sorted(field for field, end in record.visible_until.items() if end <= now))
