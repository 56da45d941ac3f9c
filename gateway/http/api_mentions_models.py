"""What the API takes and answers about mentions. These models validate, and the OpenAPI document is made from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.http.api_answers import Told
from gateway.http.api_bodies import Asked, Key

Room = Annotated[str, Field(min_length=3, max_length=512, description="The room's key.", examples=["web/r_east"])]


class TryBody(Asked):
    """A message as somebody might say it. Nothing of it is kept, and nothing is shown anywhere."""

    text: Annotated[str, Field(max_length=20_000, description="The message.", examples=["明天去华星医疗谈续约"])]
    room: Annotated[
        Room | None, Field(description="As if said in that room, by the token's person; left out: nowhere.")
    ] = None


class NameBody(Asked):
    """An admin's word on a name that use spoke against."""

    name: Annotated[Key, Field(description="As the list has it.", examples=["顺利"])]
    word: Annotated[
        Literal["accept", "refuse", "forget", "undo"],
        Field(
            description=(
                "`accept`: it is a common word, and needs evidence; `refuse`: it is none, do not ask again; `forget`: "
                "take that word back; `undo`: take back everything use taught about the name."
            ),
            examples=["accept"],
        ),
    ]


class RoomBody(Asked):
    """What a room is about, and how many cards it may have. What is left out stays."""

    room: Room
    customer: Annotated[
        str | None,
        Field(max_length=512, description="The `ref` of the customer the room is about; empty: none in particular."),
    ] = None
    budget: Annotated[
        int | None, Field(ge=-1, le=1000, description="Cards an hour; -1: as configured.", examples=[6])
    ] = None


class CandidateView(Told):
    ref: str
    name: str
    score: Annotated[float, Field(description="Of the words alone, before what the room knows.")]


class HeardView(Told):
    start: Annotated[int, Field(description="In code points of the text as it was sent.")]
    end: int
    decision: Literal["show", "ask", "silent", "taught"]
    refs: Annotated[list[str], Field(description="The customer shown, or those asked about, best first.")]
    score: Annotated[float, Field(description="How sure, 0 to 1, with what the room knows.")]
    learned: Annotated[float, Field(description="What use taught about the name and in the room, a logit.")]
    reasons: Annotated[list[str], Field(description="In words, in the language of `Accept-Language`.")]
    contact: Annotated[bool, Field(description="Heard by a contact's name, not the customer's own.")]
    candidates: Annotated[list[CandidateView], Field(description="Those the token's person may know, best first.")]


class TryAnswer(Told):
    threshold: Annotated[float, Field(description="Below this score it is silent.")]
    mentions: list[HeardView]


class LearnedView(Told):
    name: str
    weight: Annotated[float, Field(description="A logit, within 3 either way.")]
    counts: Annotated[
        dict[str, int], Field(description="Lessons of the last half year, by kind; of cards shown no more than 100.")
    ]
    common: Literal["", "accepted", "refused"]
    proposed: Annotated[bool, Field(description="Wrong so often that it may be a common word: say which.")]


class LearnedPage(Told):
    names: list[LearnedView]


class RoomSetting(Told):
    room: str
    customer: str
    budget: Annotated[int, Field(description="Cards an hour.")]
