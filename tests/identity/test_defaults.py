"""What our own policies come to: the table of docs/access.md, and the examples people ask for first."""

from __future__ import annotations

import pytest

from identity.audience import UNMAPPED
from identity.disclosure import disclose, may
from identity.model import BOTTOM, Action, Attributes, Audience, Disclosed, Scene, Sensitivity
from tests.identity.rooms import (
    ADMIN,
    CLASSES,
    CONTACT,
    EMPLOYEE,
    MANAGER,
    MARKETING,
    NOW,
    OTHER_REP,
    OURS,
    REP,
    record,
)

ORDER: dict[str, Sensitivity] = {"p": "public", "i": "internal", "c": "confidential", "r": "restricted"}
SCENES: tuple[Scene, ...] = ("group", "external_group", "direct", "console", "document", "approval", "device")
AUDITOR = Attributes(("auditor",), external=False, mapped=True)
DEVICE = Attributes(("device",), external=False, mapped=True)
REP_MARKETING = Attributes(("marketing", "rep"), "east", "sh", external=False, mapped=True)

#               group   shared  direct  console document approval device
VIEW = [
    (BOTTOM,        False, "p",   "p",   "",     "",     "",    "",    ""),
    (CONTACT,       False, "p",   "p",   "",     "",     "",    "",    "p"),
    (UNMAPPED,      False, "pi",  "pi",  "pi",   "",     "",    "",    ""),
    (EMPLOYEE,      False, "pic", "pi",  "pi",   "pi",   "pi",  "pi",  "p"),
    (MARKETING,     False, "pic", "pi",  "pi",   "pi",   "pi",  "pi",  "p"),
    (REP,           False, "pic", "pic", "pic",  "pic",  "pic", "pic", "p"),
    (REP,           True,  "pic", "pic", "picr", "picr", "pic", "pic", "p"),
    (OTHER_REP,     False, "pic", "pic", "pic",  "pic",  "pic", "pic", "p"),
    (MANAGER,       False, "pic", "pic", "picr", "picr", "pic", "pic", "p"),
    (ADMIN,         False, "pic", "pic", "picr", "picr", "pic", "pic", "p"),
    (REP_MARKETING, False, "pic", "pic", "pic",  "pic",  "pi",  "pi",  "p"),
    (AUDITOR,       False, "pi",  "pi",  "pi",   "pi",   "pi",  "pi",  "p"),
    (DEVICE,        False, "pi",  "pi",  "pi",   "pi",   "pi",  "pi",  "p"),
    (BOTTOM,        True,  "p",   "p",   "",     "",     "",    "",    ""),
    (CONTACT,       True,  "p",   "p",   "",     "",     "",    "",    "p"),
]  # fmt: skip


def allowed(who: Attributes, action: Action, scene: Scene, owner: bool, team: str = "east") -> str:
    verdicts = {
        letter: OURS.permit(who, action, one, scene, owner=owner, team=team, region="sh", at=NOW, zone="")
        for letter, one in ORDER.items()
    }
    assert not any(verdict.errors for verdict in verdicts.values())
    return "".join(letter for letter, verdict in verdicts.items() if verdict.allowed)


@pytest.mark.parametrize("row", VIEW, ids=lambda row: f"{'+'.join(row[0].roles) or row[0]}{' owner' * row[1]}")
def test_who_views_what_where(row: tuple[Attributes, bool, str, str, str, str, str, str, str]) -> None:
    who, owner, *expected = row
    assert [allowed(who, "view", scene, owner) for scene in SCENES] == expected


@pytest.mark.parametrize("action", ["edit", "act"])
@pytest.mark.parametrize("scene", ["group", "external_group", "direct", "console"])
def test_reps_change_their_own_and_their_teams_managers_everything(action: Action, scene: Scene) -> None:
    for who, owner, team, expected in (
        (REP, True, "west", True), (REP, False, "east", True), (REP, False, "west", False), (REP, False, "", False),
        (MANAGER, False, "west", True), (ADMIN, False, "west", True), (EMPLOYEE, True, "", False),
        (MARKETING, True, "", False), (UNMAPPED, True, "", False), (BOTTOM, True, "", False),
        (CONTACT, True, "", False),
    ):  # fmt: skip
        assert bool(allowed(who, action, scene, owner, team)) is expected, (who, owner, team)


@pytest.mark.parametrize("action", ["edit", "act"])
@pytest.mark.parametrize("scene", ["document", "device"])
def test_nothing_is_changed_from_a_document_or_a_device(action: Action, scene: Scene) -> None:
    assert all(not allowed(who, action, scene, True) for who in (REP, MANAGER, ADMIN))


def seen(*who: Attributes, scene: Scene = "group") -> Disclosed:
    counts = dict.fromkeys(who, 1)
    return disclose(record(), Audience(scene, counts), NOW, OURS, CLASSES, owners=frozenset(), zone="")


def test_a_private_sales_room_shows_everything_its_people_may_see() -> None:
    shown = seen(REP, OTHER_REP, MANAGER, EMPLOYEE)
    assert set(shown.record.fields) == {"industry", "stage", "receivables"}
    assert [item.id for item in shown.record.related["note"]] == ["n1"]
    assert set(shown.withheld) == {"margin"}


@pytest.mark.parametrize("reader", [UNMAPPED])
def test_a_public_channel_shows_facts_but_no_notes(reader: Attributes) -> None:
    shown = seen(REP, MANAGER, reader)
    assert set(shown.record.fields) == {"industry", "stage"}
    assert set(shown.record.related) == {"open_item", "risk"}


def test_a_room_with_a_guest_shows_a_name() -> None:
    shown = seen(REP, MANAGER, BOTTOM)
    assert shown.name
    assert shown.record.title == "华星医疗"
    assert (shown.record.url, shown.record.fields, shown.record.related) == ("", {}, {})
    assert set(shown.withheld) == {"industry", "stage", "receivables", "margin", "note", "open_item", "risk", "contact"}


def test_marketing_reads_the_industry_tag_while_writing_a_post() -> None:
    assert "industry" in seen(MARKETING, scene="document").record.fields
    assert "industry" in seen(MARKETING, scene="direct").record.fields
    verdict = may(MARKETING, "view", record(), "industry", "document", at=NOW, access=OURS, classes=CLASSES,
                  owner=False, zone="")  # fmt: skip
    assert verdict.policies == ("known-colleagues-read-internal-everywhere",)


@pytest.mark.parametrize("who", [MARKETING, REP_MARKETING])
def test_contact_data_is_hidden_from_marketing_in_the_approval_flow(who: Attributes) -> None:
    shown = seen(who, scene="approval")
    assert "industry" in shown.record.fields
    assert "contact" not in shown.record.related
    assert shown.withheld["contact"].policies == ("marketing-approvals-hide-contact-data",)
    assert "contact" in seen(REP, scene="approval").record.related


@pytest.mark.parametrize("who", [MARKETING, REP_MARKETING])
@pytest.mark.parametrize("owner", [False, True])
def test_a_document_for_marketing_never_receives_receivables_in_whatever_template(who: Attributes, owner: bool) -> None:
    """Whatever the template asks for, the record it is handed does not hold them."""
    audience = Audience("document", {who: 1}, {"p1": who})
    owners = frozenset({"p1"} if owner else ())
    shown = disclose(record(), audience, NOW, OURS, CLASSES, owners=owners, zone="")
    assert "receivables" not in shown.record.fields
    assert "120000" not in repr(shown.record)
    assert shown.withheld["receivables"].policies == ("marketing-documents-hold-nothing-confidential",)
    assert "receivables" in seen(REP, scene="document").record.fields
