"""What the API takes. These models validate every request, and the OpenAPI document is made from them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from reconcile.canonical import MAX_LENGTH

_DIGITS = re.compile(r"-?[0-9]{1,18}")
MILLIS = 2**53 - 1


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _digits(text: Any) -> Any:
    """A query's number: plain digits, where pydantic alone would also read `1_000` and ` 7 `."""
    return int(text) if isinstance(text, str) and _DIGITS.fullmatch(text) else text


_Plain = BeforeValidator(_digits)
Key = Annotated[str, Field(min_length=1, max_length=512)]


class NoQuery(Asked):
    pass


class CustomersQuery(Asked):
    query: Annotated[
        str, Field(max_length=200, description="Part of a name a customer goes by.", examples=["华星"])
    ] = ""
    after: Annotated[str, Field(max_length=512, description="`after` of the page before; empty: the first.")] = ""
    limit: Annotated[int, Field(ge=1, le=200, description="At most so many customers.", examples=[20]), _Plain] = 50


class HistoryQuery(Asked):
    before: Annotated[
        int, Field(ge=1, le=MILLIS, description="`before` of the page before; left out: the newest."), _Plain
    ] = MILLIS
    limit: Annotated[int, Field(ge=1, le=200, description="At most so many edits."), _Plain] = 50


class TrailQuery(Asked):
    turn: Annotated[str, Field(max_length=64, description="One turn, by the id a log or a card names.")] = ""
    room: Annotated[
        str,
        Field(max_length=512, description="The last turn of this room that can be explained.", examples=["web/r_east"]),
    ] = ""


class IdentitiesQuery(Asked):
    after: Annotated[str, Field(max_length=64, description="`after` of the page before; empty: the first.")] = ""
    limit: Annotated[int, Field(ge=1, le=500, description="At most so many persons."), _Plain] = 100


class UnmappedQuery(Asked):
    room: Annotated[str, Field(max_length=512, description="Only the accounts of this room.")] = ""
    limit: Annotated[int, Field(ge=1, le=500, description="At most so many accounts."), _Plain] = 100


class ParkedQuery(Asked):
    after: Annotated[
        str, Field(max_length=32, pattern=r"^[0-9]*$", description="`after` of the page before; empty: the first.")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=500, description="At most so many jobs."), _Plain] = 100


class EditBody(Asked):
    """One edit of one field. Where it comes from, the token says: no member here can."""

    record: Annotated[Key, Field(description="The customer's `ref`.", examples=["local:account:hx-medical"])]
    field: Annotated[str, Field(min_length=1, max_length=128, description="The field's name.", examples=["phone"])]
    value: Annotated[
        Annotated[str, Field(max_length=MAX_LENGTH)] | int | Annotated[float, Field(allow_inf_nan=False)] | None,
        Field(
            description="Text; for a `decimal` also a number; null or an empty text clears the field.",
            examples=["+86 512 6288 0099"],
        ),
    ]
    once: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="Your own name for this edit: sent again, it is answered as the first time.",
            examples=["ticket-4711-phone"],
        ),
    ]
    version: Annotated[
        str,
        Field(
            pattern=r"^[0-9A-Za-z._+-]{0,32}$",
            description="The plugin's version, shown in the watermark.",
            examples=["v2.3"],
        ),
    ] = ""
    instance: Annotated[
        str,
        Field(
            pattern=r"^[0-9A-Za-z._:@+-]{0,64}$",
            description="Which installation of the plugin it was.",
            examples=["shop-7"],
        ),
    ] = ""
    actor: Annotated[
        str,
        Field(max_length=64, description="The person who made it: one of the token's actors; left out: the token's."),
    ] = ""
    parents: Annotated[
        str | None,
        Field(
            max_length=65_536,
            description=(
                "The field's `parents` as its reader got it: proves what the editor had seen. Left out where the "
                "surface cannot carry one: then this person's own last edit from there counts as seen."
            ),
        ),
    ] = None
    source_time: Annotated[
        int | None,
        Field(ge=0, le=MILLIS, description="Only for an edit made offline: when, in ms since the epoch."),
    ] = None
    stream: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z][a-z0-9_-]{0,31}$",
            description="Only for a source under `[sources]`: which of its streams; left out: its first.",
            examples=["main"],
        ),
    ] = None
    watermark: Annotated[
        int | None,
        Field(ge=0, le=MILLIS, description="Only for a source under `[sources]`: the edit's number in the stream."),
    ] = None


class LinkBody(Asked):
    """An account that belongs to a person."""

    person: Annotated[str, Field(min_length=1, max_length=64, description="The person's id.", examples=["p_liting"])]
    kind: Annotated[
        Literal["im", "crm", "device", "oidc"], Field(description="What kind of account it is.", examples=["im"])
    ]
    key: Annotated[
        Key,
        Field(
            description=(
                "`channel/scope/kind/id` of a chat account, `crm:user` of a CRM account, the hex SHA-256 fingerprint "
                "of a device's certificate, `issuer#sub` of an account that signs in to the console."
            ),
            examples=["web/demo/user/u_sunjia"],
        ),
    ]
    evidence: Annotated[
        str, Field(max_length=500, description="Why you are sure; kept with the link.", examples=["asked her"])
    ] = ""
    second: Annotated[
        bool, Field(description="It is theirs although they have another account on that network already.")
    ] = False


class EraseBody(Asked):
    """That whoever bears the token is there in person."""

    proof: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="The secret of a one-time link of the token's person: what stands behind `link=`.",
            examples=["Zk3v…"],
        ),
    ]


class ReplayBody(Asked):
    """Which parked jobs to take up again."""

    ids: Annotated[
        Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]], Field(min_length=1, max_length=1000)] | None,
        Field(description="Their ids as the list tells them; left out or null: all of them.", examples=[["17"]]),
    ] = None
