"""Why a field is hidden, in words. Says what kind of reader is the reason; never names or counts a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cards.words import N_
from crm.model import Record
from identity.access import NEVER_IN_A_GROUP, AccessPolicy
from identity.model import BOTTOM, Attributes, Audience, Withheld


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

NOT_GRANTED: Final = "not-granted-to-the-application"
"""In place of a policy: the readers may see it, but not through this application."""

MESSAGES: Final = (NEVER, NOBODY, INCOMPLETE, GUEST, OUTSIDER, UNMAPPED, PUBLIC, ROLE, NO_ROLE, ALONE, NOT_THROUGH_THIS)


def reasons(withheld: Withheld, audience: Audience, *, public: bool = False) -> tuple[Reason, ...]:
    """The weightiest first, each once. `public`: the whole workspace can read the room."""
    if NEVER_IN_A_GROUP in withheld.policies:
        return (Reason(NEVER),)
    if NOT_GRANTED in withheld.policies:
        return (Reason(NOT_THROUGH_THIS),)
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
    """Where a policy stands, for an admin."""

    id: str
    file: str
    line: int
    text: str


def where(policies: Iterable[str], access: AccessPolicy) -> tuple[Lines, ...]:
    """The policies that decided, with file and line; promises of the code, which are no policies, are left out."""
    found = (access.policies[id_] for id_ in policies if id_ in access.policies)
    return tuple(Lines(policy.id, policy.file, policy.line, policy.text) for policy in found)


def expired(record: Record, now: int) -> tuple[str, ...]:
    """Fields whose own end has come. For those who may see the record; a room is not told that they exist."""
    return tuple(sorted(field for field, end in record.visible_until.items() if end <= now))
