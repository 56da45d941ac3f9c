"""What the API takes and answers about customers that are in several CRMs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.http.api_answers import Told
from gateway.http.api_bodies import Asked

_Key = Annotated[str, Field(min_length=1, max_length=200, examples=["erp:customer:C-1024"])]


class JoinBody(Asked):
    """Two records that are one customer."""

    record: Annotated[_Key, Field(description="What the customer is called here from now on.")]
    ref: Annotated[_Key, Field(description="Its record in another CRM.")]


class PartBody(Asked):
    """A record that is a customer of its own again."""

    ref: Annotated[_Key, Field(description="As the list tells it.")]


class JoinView(Told):
    record: str
    ref: str


class JoinsPage(Told):
    joins: list[JoinView]


class JoinLook(Told):
    record: str
    ref: str
    differs: list[str]
    """Fields that the two CRMs hold otherwise."""
