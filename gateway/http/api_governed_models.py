"""What the API takes and answers about stages of cards, and about what applications may read and did."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.http.api_answers import Millis, Told
from gateway.http.api_bodies import Asked, _Plain

StageName = Literal["minimal", "standard", "full"]
KindName = Annotated[
    str, Field(min_length=1, max_length=32, description="Scene and kind of room.", examples=["group/public"])
]
RunNumber = Annotated[
    int, Field(ge=0, le=1_000_000, description="The run you decide on, as the list tells it: refused if it is over.")
]


class StageBody(Asked):
    """An admin's word on one kind of room."""

    kind: KindName
    stage: Annotated[StageName, Field(description="How much its cards show from now on.")]
    run: RunNumber


class StageUndoBody(Asked):
    """The last decision taken back."""

    kind: KindName
    run: RunNumber


class EndTokenBody(Asked):
    """One token, for good."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$", description="Its `id` as the list tells it.")]


class StageView(Told):
    kind: str
    stage: StageName
    run: int
    since: Millis
    by: str
    rooms: int
    cards: int
    counts: dict[str, int]
    before: StageName | None
    counts_before: dict[str, int]
    propose: Literal["forward", "back", "stay", "wait"]
    to: StageName | None
    why: str


class StagesPage(Told):
    stages: list[StageView]


class TokenView(Told):
    id: str
    scopes: list[str]
    person: str
    reads: list[str] | None
    writes: list[str] | None
    made_at: Millis
    used_at: Millis | None
    expires_at: Millis | None
    ended_at: Millis | None


class ReadingView(Told):
    day: str
    field: str
    read: int
    written: int
    denied: int


class ApplicationView(Told):
    name: str
    channel: bool
    may_read: list[str]
    may_write: list[str]
    tokens: list[TokenView]
    readings: list[ReadingView]


class ApplicationsPage(Told):
    applications: list[ApplicationView]


class ApplicationsQuery(Asked):
    days: Annotated[int, Field(ge=1, le=400, description="Readings of so many days, today among them."), _Plain] = 30
