"""What the API takes and answers about access policies: versions, differences, and what a simulation found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.http.api_answers import Millis, Told
from gateway.http.api_bodies import Asked, Key

State = Literal["proposed", "applied", "replaced", "withdrawn"]
Scene = Literal["group", "external_group", "direct", "console", "document", "device", "approval"]
Action = Literal["view", "edit", "act"]
Sensitivity = Literal["public", "internal", "confidential", "restricted"]
Name = Annotated[str, Field(min_length=1, max_length=70)]
Text = Annotated[str, Field(max_length=200_000)]
Which = Annotated[
    str,
    Field(
        min_length=1, max_length=16, description="A version's number, `force`, `files` or `ours`.", examples=["force"]
    ),
]
When = Annotated[
    str,
    Field(max_length=40, description="`22:00`, or `2026-11-21 22:00`; empty: now.", examples=["22:00"]),
]
Zone = Annotated[str, Field(max_length=64, description="An IANA zone; empty: the configured one.")]
Files = Annotated[
    dict[Name, Text | None],
    Field(min_length=1, max_length=100, description="Laid over what is in force, by name; null takes a file away."),
]
Reason = Annotated[str, Field(min_length=1, max_length=1000, description="Kept with the version.")]


class DiffQuery(Asked):
    old: Which = "force"
    new: Which = "files"


class CheckBody(Asked):
    """Policy files to be tried."""

    files: Files


class ProposeBody(Asked):
    """A new version, that changes nothing by itself."""

    files: Files
    reason: Reason


class ApproveBody(Asked):
    """An approval, by another admin than the proposer."""

    reason: Reason
    over: Annotated[int | None, Field(description="The version you saw in force: refused if it is another by now.")] = (
        None
    )


class RollbackBody(Asked):
    """The way back; one admin alone may go it."""

    reason: Reason
    to: Annotated[int | None, Field(ge=1, description="An earlier version; null: the one before.")] = None


class SimulateBody(Asked):
    """Who in this room would see a field at that time."""

    room: Annotated[Key, Field(description="Its key, or a part of its title.")]
    field: Annotated[str, Field(min_length=1, max_length=128, description="Its name, or its label.")]
    at: When = ""
    zone: Zone = ""
    customer: Annotated[str, Field(max_length=512, description="Its `ref`; empty: one that is nobody's.")] = ""
    policies: Which = "force"
    names: Annotated[bool, Field(description="Name the people, not only their kinds.")] = False


class CompareBody(Asked):
    """What would change between two sets, for the people, rooms and cards there are."""

    old: Which = "force"
    new: Which = "files"
    at: When = ""
    zone: Zone = ""


class FaultView(Told):
    file: str
    at: Annotated[str, Field(description="The policy and its line, where there is one.")]
    say: str


class ChangedPolicy(Told):
    """One policy that is different. `lines` begin with `+`, `-` or a blank."""

    kind: Literal["added", "removed", "changed", "moved", "comment"]
    id: str
    file: str
    line: int
    lines: list[str]


class DiffView(Told):
    changes: list[ChangedPolicy]


class CheckedView(Told):
    faults: Annotated[list[FaultView], Field(description="Empty: it can come in force.")]
    changes: Annotated[list[ChangedPolicy], Field(description="Against what is in force.")]


class VersionView(Told):
    """A version of the access policies."""

    n: int
    state: State
    hash: str
    proposed_by: Annotated[str, Field(description="A person's id, or `configuration`.")]
    proposed_at: Millis
    reason: str
    base: Annotated[int, Field(description="In force when it was proposed.")]
    applied_by: str
    applied_at: int
    applied_why: str
    alone: Annotated[bool, Field(description="Approved by its proposer, who was the only admin.")]
    back_to: Annotated[int, Field(description="The version whose files it took up again; 0: none.")]


class VersionsPage(Told):
    versions: Annotated[list[VersionView], Field(description="Newest first, at most 50.")]


class WholeVersion(VersionView):
    files: Annotated[dict[str, str], Field(description="Every file by its name, ours included.")]
    changes: Annotated[list[ChangedPolicy], Field(description="Against the version in force when it was proposed.")]


class PolicyLine(Told):
    """A policy that decided, and where it stands."""

    id: str
    file: str
    line: int
    effect: Literal["permit", "forbid", ""]
    note: Annotated[str, Field(description="The comment above it.")]
    text: str


class DecidedView(Told):
    allowed: bool
    say: str
    policies: list[PolicyLine]


class KindView(Told):
    """Readers whom the policies cannot tell apart."""

    kind: Annotated[str, Field(description="In words.")]
    roles: list[str]
    team: str
    region: str
    external: bool
    mapped: bool
    owner: Annotated[bool, Field(description="Owners of this customer.")]
    people: int
    here: Annotated[DecidedView, Field(description="In this room's scene: no reason to hide it, or one.")]
    alone: Annotated[DecidedView, Field(description="By `show me`.")]
    names: list[str]


class SimulatedView(Told):
    room: str
    customer: str
    field: str
    sensitivity: Sensitivity
    scene: Scene
    at: Millis
    when: Annotated[str, Field(description="That moment with its zone.")]
    complete: Annotated[bool, Field(description="Whether the list of members is.")]
    shown: Annotated[bool, Field(description="On the card, to everybody.")]
    seeing: Annotated[int, Field(description="How many would see it, on the card or alone.")]
    not_seeing: int
    kinds: list[KindView]


class RightView(Told):
    """What people of some roles gain or lose."""

    say: str
    roles: list[str]
    external: bool
    mapped: bool
    relations: list[Literal["another", "team", "own"]]
    scene: Scene
    action: Action
    sensitivity: Sensitivity
    gained: bool
    people: int


class CardView(Told):
    room: str
    customer: str
    more: list[str]
    less: list[str]
    whole: Annotated[bool, Field(description="The whole card comes or goes.")]


class ComparedView(Told):
    at: Millis
    when: str
    people: int
    rooms: Annotated[int, Field(description="Looked at, at most 500.")]
    cards: int
    left_out: Annotated[int, Field(description="Rooms that were not looked at.")]
    rights: list[RightView]
    changed_rooms: int
    changed_cards: int
    more: Annotated[dict[str, int], Field(description="Cards that would show a field besides, by field.")]
    less: Annotated[dict[str, int], Field(description="Cards that would show a field no more, by field.")]
    cards_changed: Annotated[list[CardView], Field(description="Some of them.")]
