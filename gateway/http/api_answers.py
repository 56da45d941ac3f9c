"""What the API answers. Every value leaves with its source, its watermark, its time and its decision."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Millis = Annotated[int, Field(description="Milliseconds since the epoch, UTC.")]
Trace = Annotated[str, Field(description="A decision's trace code.", examples=["7F3A-19C2-0B4D-88E1"])]


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemBody(Told):
    """One shape for every refusal, as `application/problem+json`."""

    status: int
    error: Annotated[str, Field(description="A word for programs.", examples=["missing_scope"])]
    say: Annotated[str, Field(description="A sentence for people: what happened and what to do.")]
    at: Annotated[str, Field(description="The member or parameter that has to change, where it is one.")] = ""


class Sourced(Told):
    """A value with where it comes from."""

    value: JsonValue
    source: Annotated[str, Field(description="The system, as policies name it.", examples=["local"])]
    watermark: Annotated[str, Field(description="The source as people read it.", examples=["[CRM]"])]
    as_of: Millis
    decision: Annotated[str | None, Field(description="Trace code; null for what the CRM alone decides.")]
    undecided: Annotated[bool, Field(description="A conflict is open; `value` is the one from before it.")]


class FieldValue(Sourced):
    actor: Annotated[str, Field(description="Name of the person who set it, where known.")]
    write: Literal["", "saved_here", "in_crm", "refused", "in_doubt", "disputed"]
    editable: Annotated[bool, Field(description="Whether the token's person may edit it.")]
    parents: Annotated[
        str | None, Field(description="With the scope `edit`: send it back with an edit. It is valid for a day.")
    ]


class RelatedItem(Told):
    id: str
    text: str
    who: str
    due: Annotated[int | None, Field(description="Milliseconds since the epoch, UTC.")]
    done: bool
    level: Literal["low", "medium", "high"] | None
    detail: dict[str, str]
    source: str
    watermark: str
    as_of: Millis


class CustomerRow(Told):
    ref: Annotated[str, Field(examples=["local:account:hx-medical"])]
    name: str
    url: str


class CustomerPage(Told):
    customers: list[CustomerRow]
    after: Annotated[str | None, Field(description="For the next page; null when this was the last.")]


class Customer(CustomerRow):
    valid_until: Annotated[int | None, Field(description="When what may be shown can change by itself.")]
    fields: dict[str, FieldValue]
    related: Annotated[dict[str, list[RelatedItem]], Field(description="By kind: note, open_item, risk, contact.")]
    withheld: Annotated[
        list[str], Field(description="Fields and lists the token's person may not see, whether or not they are filled.")
    ]


class Standing(Sourced):
    edit: str | None


class EditAnswer(Told):
    """What became of an edit. The same `once` is answered the same for ever."""

    edit: Annotated[str | None, Field(description="Its id; null while it is held.")]
    decision: Annotated[str | None, Field(description="The trace code of its decision; null while it is held.")]
    reason: str
    outcome: Annotated[
        Literal["stands", "undecided", "proposed", "kept", "held"],
        Field(
            description=(
                "stands: it is the value now; undecided: a conflict waits for a person; proposed: it binds nobody "
                "until accepted; kept: another value stands, this one is in the history; held: it is stored and "
                "waits for the numbers before it, at most for the source's `hold`; sent again, it is answered what "
                "became of it."
            )
        ),
    ]
    conflict: Annotated[str | None, Field(description="The conflict's id while one is open.")]
    parents: Annotated[
        Literal["ok", "missing", "bad", "foreign"], Field(description="What the parents token proved; ok counts alone.")
    ]
    standing: Annotated[Standing | None, Field(description="What stands as of the decision; null while it is held.")]


class PastEdit(Told):
    edit: str
    kind: str
    value: JsonValue
    source: str
    watermark: str
    as_of: Millis
    person: Annotated[str, Field(description="Id of the person or account that made it.")]
    actor: Annotated[str, Field(description="That person's name, where known.")]
    why: Annotated[str, Field(description="Why it lost, where it did.")]
    erased_at: int | None


class HistoryRow(PastEdit):
    n: int
    decision: Trace
    decided_at: Millis
    reason: str
    winner: str | None
    conflict: bool
    policy: str
    turn: str
    quarantined: bool
    skewed: bool
    parents: list[str]


class HistoryPage(Told):
    record: str
    field: str
    edits: list[HistoryRow]
    before: Annotated[int | None, Field(description="For the next page; null when this was the last.")]


class Chain(Told):
    """Where the decision stands in the tamper-evident chain."""

    shard: int
    seq: int
    prev_hash: str
    hash: str
    inputs_digest: str
    value_mac: str


class UsedPolicy(Told):
    name: str
    hash: str
    document: Annotated[JsonValue, Field(description="The policy as it was then.")]


class Replaced(Told):
    edit: str | None
    value: JsonValue
    erased: bool


class PolicyWhy(Told):
    """The change of policy a decision was made by, or under."""

    change: str
    undoes: Annotated[bool, Field(description="It was made by taking the change back.")]
    proposed_by: str
    approved_by: str
    reason: str
    before: Annotated[str, Field(description="The decision it replaced; empty for one that an edit brought.")]


class DecisionAnswer(Told):
    decision: Trace
    record: str
    customer: str
    field: str
    at: Millis
    trigger: Literal["edit", "policy", "operator"]
    trigger_edit: str | None
    reason: str
    value: JsonValue
    winner: str | None
    heads: list[str]
    open_proposals: list[str]
    conflict: bool
    losers: Annotated[dict[str, str], Field(description="Each losing edit, and why it lost.")]
    standing: str | None
    replaced: Annotated[Replaced | None, Field(description="What stood before; null for a field's first edit.")]
    edits: dict[str, PastEdit]
    policy: UsedPolicy
    change: Annotated[PolicyWhy | None, Field(description="Where a change of policy brought it, or rules it.")]
    engine: str
    chain: Chain
    erased_at: int | None


class TrailStep(Told):
    id: int
    step: str
    at: Millis
    room: str
    facts: Annotated[dict[str, JsonValue], Field(description="Ids, counts and field names; never a value or a text.")]


class TrailAnswer(Told):
    turn: str
    steps: list[TrailStep]


class LinkView(Told):
    id: str
    person: str
    kind: Literal["im", "crm", "device", "oidc", "contact"]
    key: str
    step: Annotated[str, Field(description="What made it: link, email, crm_field, code, admin, import.")]
    evidence: str
    made_by: str
    at: Millis
    verified_at: Millis


class PersonView(Told):
    id: str
    name: str
    roles: list[str]
    team: str
    region: str
    external: bool
    active: bool
    locale: str
    emails: list[str]
    links: list[LinkView]


class IdentitiesPage(Told):
    persons: list[PersonView]
    after: Annotated[str | None, Field(description="For the next page; null when this was the last.")]


class SuggestionView(Told):
    person: str
    name: str
    score: float
    evidence: list[str]


class RoomView(Told):
    key: str
    title: str


class UnmappedView(Told):
    key: str
    name: str
    kind: str
    rooms: list[RoomView]
    seen_at: Annotated[int, Field(description="0 when it was only seen in a member list.")]
    suggestions: Annotated[list[SuggestionView], Field(description="Never applied by itself: a person confirms.")]


class UnmappedPage(Told):
    accounts: list[UnmappedView]
    total: int


class ParkedJob(Told):
    id: Annotated[str, Field(description="Digits; on Redis more of them than a double can hold.")]
    topic: str
    lane: Annotated[str, Field(description="A digest: jobs of one room have the same.")]
    tries: int
    why: Annotated[str, Field(description="The kind of failure; what it said is in the log alone.")]
    at: Annotated[int, Field(description="When it was parked.")]


class ParkedPage(Told):
    jobs: list[ParkedJob]
    after: Annotated[str | None, Field(description="Ask for the next page with it; null at the end.")]
    total: Annotated[int, Field(description="How many are set aside altogether.")]


class Replayed(Told):
    replayed: Annotated[int, Field(description="How many are taken up again.")]


class Erased(Told):
    """What went, in numbers."""

    values: int
    edits: int
    cards: int
    conflicts: int
    waiting: int
    names: int
    alerts: int


class SourceState(Told):
    name: Annotated[str, Field(examples=["erp"])]
    stream: Annotated[str, Field(description="Of a source that numbers its edits; empty for a CRM.")]
    epoch: Annotated[int, Field(description="How often its numbers began anew, from 1.")]
    low: Annotated[int, Field(description="Up to here every number was taken or given up; -1 before the first.")]
    high: Annotated[int, Field(description="The highest number that came; -1 before the first.")]
    held: Annotated[int, Field(description="Edits that wait for the numbers before them.")]
    at: Annotated[int, Field(description="When the last of it was taken, in ms since the epoch; 0: never.")]
    lag: Annotated[int | None, Field(description="How long that took from there to here, in ms, where known.")]
    state: Annotated[
        Literal["ok", "gap", "rewound"],
        Field(description="gap: numbers are missing; rewound: it was set back, and what it says is set aside."),
    ]
    set_back: Annotated[int, Field(description="Of a CRM: records that were set back there.")]


class SourcePage(Told):
    sources: list[SourceState]


class Epoch(Told):
    """What begins anew."""

    streams: Annotated[list[str], Field(description="Whose numbers begin anew.")]
    records: Annotated[int, Field(description="Of a CRM: records that are read anew.")]


class TargetState(Told):
    kind: Annotated[Literal["channel", "crm", "sign-in", "traces"], Field(description="What is called.")]
    name: Annotated[str, Field(description="Its name in the configuration; empty where there is one alone.")]
    part: Annotated[
        Literal["calls", "feed", "users"],
        Field(description="calls: what we send or look up; feed: what a CRM tells by itself; users: its user list."),
    ]
    state: Annotated[
        Literal["closed", "half-open", "open"],
        Field(description="closed: it is called; open: it does not answer; half-open: it is due to be asked again."),
    ]
    failures: Annotated[int, Field(description="One after another; 0 while it answers.")]
    after: Annotated[float, Field(description="Seconds until it is asked again; 0 while calls go through.")]


class TargetPage(Told):
    targets: list[TargetState]
