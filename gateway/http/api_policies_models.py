"""What the API takes and answers about changes of merge policies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.http.api_answers import Millis, Told, Trace
from gateway.http.api_bodies import Asked, Key

Kind = Literal["differ", "opens", "closes", "not_asked", "asked_more", "lost", "won"]
State = Literal["planning", "trying", "planned", "failed", "applying", "applied", "undoing", "undone", "cancelled"]
Mode = Literal["authoritative", "master_wins", "last_writer_wins", "review", "merge"]
Fallback = Literal["last_writer_wins", "review"]
Merge = Literal["set_union", "counter", "monotone"]
Systems = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=50)]


class PolicyBody(Asked):
    """A merge policy, as the configuration has it."""

    mode: Mode
    fallback: Fallback = "review"
    authority: Systems = Field(default_factory=list)
    master: Annotated[str | None, Field(max_length=64, description="Left out: as it is now.")] = None
    rank: Systems = Field(default_factory=list)
    propose_only: Systems = Field(default_factory=list)
    min_role: Annotated[str | None, Field(max_length=64)] = None
    merge: Merge | None = None
    order: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)] = Field(default_factory=list)


class PlanBody(Asked):
    """A policy to be tried on what happened."""

    fields: Annotated[list[Key], Field(min_length=1, max_length=100, description="The fields it is for.")]
    policy: Annotated[
        PolicyBody,
        Field(description="As the configuration has it: `mode`, `fallback`, `authority`, `merge` and so on."),
    ]
    days: Annotated[int | None, Field(ge=1, le=3650, description="Only what happened in so many days.")] = None
    customers: list[Key] = Field(
        default_factory=list, max_length=1000, description="Only these, by `ref`; empty: everybody."
    )


class ApplyBody(Asked):
    """An approval, by somebody else than the proposer."""

    reason: Annotated[str, Field(min_length=1, max_length=1000, description="Kept with every decision.")]
    keep_settled: Annotated[
        bool, Field(description="What nobody disputes stays as it is, by an edit of the approver.")
    ] = False


class UndoBody(Asked):
    """Cancels what is planned or being applied; undoes what is applied."""

    reason: Annotated[str, Field(max_length=1000, description="Needed for what is applied.")] = ""


class ExampleView(Told):
    """One difference, among the newest. What it is about is read at `explained`."""

    kind: Kind
    customer: Annotated[str, Field(description="Its `ref`.")]
    name: str
    field: str
    at: Millis
    edit: Annotated[str, Field(description="The edit it is about; empty for what only a merge made.")]
    instead: Annotated[str, Field(description="The edit whose value would stand; empty: none, or a merge.")]
    decision: Trace
    explained: Annotated[str, Field(description="Where the decision is told, with every edit it weighed.")]


class ReportView(Told):
    """`differ`, `opens`, `closes`: what applying it would do now; the rest: what would have been otherwise then."""

    customers: int
    fields: int
    edits: int
    judged: Annotated[int, Field(description="Edits held against the past.")]
    decided: Annotated[int, Field(description="Fields that applying it would decide again.")]
    counts: Annotated[dict[Kind, dict[str, int]], Field(description="By field.")]
    examples: Annotated[list[ExampleView], Field(description="Of customers the token's person may see.")]


class ChangeView(Told):
    """A change of policy."""

    id: str
    state: State
    fields: list[str]
    policy: Annotated[PolicyBody, Field(description="As proposed.")]
    since: Annotated[int | None, Field(description="Fields decided before are left as they are; null: none is.")]
    customers: list[str]
    proposed_by: str
    proposed_at: Millis
    approved_by: str
    approved_at: int
    reason: str
    keep_settled: bool
    ended_by: str
    ended_at: int
    ended_why: str
    done: Annotated[int, Field(description="Of `total` fields, of what is being done now.")]
    total: int
    report: Annotated[ReportView | None, Field(description="Null until it is planned, and in a list.")]


class ChangesPage(Told):
    changes: Annotated[list[ChangeView], Field(description="Newest first, at most 50.")]
