"""What the API takes and answers about persons who are merged and split, about keys, contacts and devices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.http.api_answers import Millis, Told
from gateway.http.api_bodies import Asked, Key

PersonId = Annotated[str, Field(min_length=1, max_length=64, description="A person's id.", examples=["p_liting"])]
DeviceScope = Literal["read", "edit"]
_READ: tuple[DeviceScope, ...] = ("read",)


class MergeBody(Asked):
    """Two persons who are one."""

    kept: PersonId
    gone: Annotated[str, Field(min_length=1, max_length=64, description="Who goes into them.", examples=["p_ltwin"])]
    dry_run: Annotated[bool, Field(description="Only tell what it would move and end.")] = False


class SplitBody(Asked):
    """One person who is two."""

    person: PersonId
    links: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]],
        Field(
            min_length=1, max_length=100, description="The links that are the other's.", examples=[["0f2a9c61b8d4e377"]]
        ),
    ]
    name: Annotated[
        str, Field(min_length=1, max_length=200, description="What the other is called.", examples=["Li Na"])
    ]
    emails: list[Annotated[str, Field(max_length=254)]] = Field(
        default_factory=list, max_length=50, description="Addresses that are the other's."
    )


class PersonChangeView(Told):
    id: str
    kind: Literal["merge", "split"]
    person: Annotated[str, Field(description="Who stayed.")]
    other: Annotated[str, Field(description="Who went into them, or came out of them.")]
    links: Annotated[int, Field(description="How many accounts moved.")]
    by: str
    at: Millis
    undone_at: Millis | None
    undone_by: str


class MergeView(Told):
    change: Annotated[PersonChangeView | None, Field(description="Null after a dry run.")]
    links: Annotated[int, Field(description="Accounts that move.")]
    entries: Annotated[int, Field(description="Entries of directories that move.")]
    tokens: Annotated[int, Field(description="Tokens that read as who goes, and stop.")]
    sessions: Annotated[int, Field(description="Sessions of the console that end.")]
    rooms: Annotated[int, Field(description="Rooms whose cards are drawn again.")]


class PersonChangesPage(Told):
    changes: list[PersonChangeView]


class ContactBody(Asked):
    """Somebody of the customer's, in a room."""

    account: Annotated[
        Key, Field(description="The account, as `channel/scope/kind/id`.", examples=["web/demo/user/u_x"])
    ]
    record: Annotated[Key, Field(description="The customer's `ref`.", examples=["local:account:hx-medical"])]
    contact: Annotated[str, Field(min_length=1, max_length=256, description="The contact's id.", examples=["c1"])]


class RekeyBody(Asked):
    """Accounts that their network gave other ids."""

    kind: Annotated[Literal["im", "crm", "oidc"], Field(description="Of which kind of account the keys are.")] = "im"
    keys: Annotated[
        dict[Key, Key],
        Field(min_length=1, max_length=10_000, description="New by old.", examples=[{"web/a/user/1": "web/b/user/1"}]),
    ]
    dry_run: Annotated[bool, Field(description="Only tell what it would do.")] = False


class RekeyedView(Told):
    moved: int
    unknown: Annotated[list[str], Field(description="Old keys that nobody has.")]
    taken: Annotated[list[str], Field(description="Old keys whose new one is somebody's already.")]


class DevicesQuery(Asked):
    person: Annotated[str, Field(max_length=64, description="Only this person's.")] = ""
    after: Annotated[str, Field(max_length=32, description="The `after` of the page before.")] = ""


class DeviceBody(Asked):
    """A device that is somebody's."""

    person: PersonId
    name: Annotated[str, Field(min_length=1, max_length=100, description="What people call it.", examples=["Till 3"])]
    scopes: list[DeviceScope] = Field(
        default_factory=lambda: list(_READ), min_length=1, max_length=2, description="What it may do, as its person."
    )


class DeviceKeyBody(Asked):
    """A key that is the device's; one of the three."""

    certificate: Annotated[str, Field(max_length=32_768, description="Its certificate, as PEM.")] = ""
    fingerprint: Annotated[
        str, Field(pattern=r"^([0-9a-f]{64})?$", description="The SHA-256 of its public key (SPKI) in hex.")
    ] = ""
    subject: Annotated[
        str,
        Field(max_length=500, description="Its name as RFC 4514 writes it, where `devices.subject` is on."),
    ] = ""


class DeviceKeyView(Told):
    key: str
    at: Millis
    ends_at: Annotated[Millis | None, Field(description="When it is good no more, since another took its place.")]
    ended_at: Millis | None


class DeviceView(Told):
    id: str
    person: str
    name: str
    scopes: list[str]
    by: str
    at: Millis
    ended_at: Millis | None
    keys: list[DeviceKeyView]


class NewDeviceView(Told):
    device: DeviceView
    code: Annotated[str, Field(description="One-time: the device sends it to `/devices/enrol` with its certificate.")]
    expires_at: Millis


class DevicesPage(Told):
    devices: list[DeviceView]
    after: Annotated[str | None, Field(description="For the next page; null when this was the last.")]
