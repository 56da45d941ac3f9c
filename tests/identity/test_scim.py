"""SCIM resources and patches as pure values. The shapes of Entra ID and Okta are composed from their documentation:
learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups and
developer.okta.com/docs/reference/scim/scim-20."""

from __future__ import annotations

from typing import Any

import pytest

from identity.scim import ENTERPRISE, GROUP, PATCH, USER, Wrong, operations, patched, patched_group, shown_name, user
from identity.scim import group as group_of
from identity.scim import wanted as wanted_of

LI: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE],
    "userName": "li.ting@acme.com",
    "externalId": "0a21f0f2",
    "name": {"givenName": "Ting", "familyName": "Li"},
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "li.ting@acme.com"}],
    "phoneNumbers": [{"type": "mobile", "value": "+86 1"}],
    ENTERPRISE: {"department": "East", "manager": {"value": "x"}},
    "meta": {"resourceType": "User"},
}


def patch(*changes: dict[str, Any], of: dict[str, Any] | None = None) -> dict[str, Any]:
    return patched(of or user(LI), operations({"schemas": [PATCH], "Operations": list(changes)}))


def test_what_we_keep_of_a_user_and_what_we_pass_over() -> None:
    found = user(LI)
    assert found["name"] == {"familyName": "Li", "givenName": "Ting"} and shown_name(found) == "Ting Li"
    assert found[ENTERPRISE] == {"department": "East"} and "phoneNumbers" not in found and "meta" not in found


@pytest.mark.parametrize(
    ("half", "says"),
    [
        ({"userName": None}, "userName"),
        ({"userName": " "}, "userName"),
        ({"userName": 7}, "userName"),
        ({"schemas": None}, "schemas"),
        ({"schemas": [GROUP]}, "schemas"),
        ({"name": "Li"}, "name"),
        ({"name": {"givenName": ["x"]}}, "name.givenName"),
        ({"emails": "li@acme.com"}, "emails"),
        ({"emails": [{"type": "work"}]}, "emails"),
        ({"emails": [{"value": "no address"}]}, "emails"),
        ({"active": "yes"}, "active"),
        ({"displayName": "x" * 257}, "displayName"),
        ({"displayName": "a\0b"}, "displayName"),
        ({"displayName": "a\ud800"}, "displayName"),
        ({ENTERPRISE: ["East"]}, ENTERPRISE),
    ],
)
def test_half_a_user_is_refused_and_told_what_is_missing(half: dict[str, Any], says: str) -> None:
    with pytest.raises(Wrong) as wrong:
        user({**LI, **half})
    assert says in wrong.value.say and wrong.value.status == 400 and wrong.value.kind == "invalidValue"


@pytest.mark.parametrize("sent", [None, [], "x", 7])
def test_what_is_no_object_is_no_user(sent: Any) -> None:
    with pytest.raises(Wrong):
        user(sent)


@pytest.mark.parametrize(
    "change",
    [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "value": {"active": False}},
        {"op": "Add", "path": "active", "value": False},
        {"op": "replace", "path": f"{USER}:active", "value": "false"},
        {"op": "replace", "value": {"Active": "FALSE"}},
    ],
)
def test_every_way_of_sending_somebody_away_is_understood(change: dict[str, Any]) -> None:
    assert patch(change)["active"] is False


def test_patches_as_entra_sends_them() -> None:
    found = patch(
        {"op": "Replace", "path": "displayName", "value": "Li T."},
        {"op": "Replace", "path": "name.givenName", "value": "Tingting"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "lt@acme.com"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+86 2"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "South"},
        {"op": "Remove", "path": "externalId"},
    )
    assert found["displayName"] == "Li T." and found["name"] == {"familyName": "Li", "givenName": "Tingting"}
    assert [each["value"] for each in found["emails"]] == ["lt@acme.com"]
    assert found[ENTERPRISE] == {"department": "South"} and "externalId" not in found


def test_patches_without_a_path_with_dotted_names() -> None:
    found = patch(
        {"op": "Add", "value": {"name.familyName": "Lee", f"{ENTERPRISE}:department": "West", "title": "Rep"}}
    )
    assert (found["name"]["familyName"], found[ENTERPRISE], found["title"]) == ("Lee", {"department": "West"}, "Rep")


def test_an_extension_of_their_own_changes_nothing_that_bears_the_same_name() -> None:
    other = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
    found = patch(
        {"op": "Replace", "path": f"{other}:active", "value": "False"},
        {"op": "Replace", "path": f"{other}:userName", "value": "x@acme.com"},
        {"op": "Add", "value": {f"{other}:emails": "no list", f"{other}:title": 7}},
    )
    assert found == user(LI)
    assert patch({"op": "Replace", "path": f"{USER}:active", "value": "False"})["active"] is False
    before = {"displayName": "Reps", "members": ["a", "b"]}
    theirs = [("remove", "urn:acme:2.0:Group:members", None), ("replace", "urn:acme:2.0:Group:displayName", "X")]
    assert patched_group(before, theirs) == before
    ours = patched_group(before, [("replace", f"{GROUP}:displayName", "Sales"), ("remove", f"{GROUP}:members", None)])
    assert ours == {"displayName": "Sales", "members": []}


def test_an_address_that_is_not_there_yet_is_added_by_its_type() -> None:
    without = user({**LI, "emails": []})
    found = patch({"op": "add", "path": 'emails[type eq "work"].value', "value": "lt@acme.com"}, of=without)
    assert found["emails"] == [{"value": "lt@acme.com", "primary": False, "type": "work"}]
    assert patch({"op": "remove", "path": 'emails[type eq "work"]'}).get("emails", []) == []
    assert patch({"op": "remove", "path": "emails"}).get("emails", []) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"op": "replace", "path": "userName"}, "invalidValue"),
        ({"op": "remove", "path": "userName"}, "invalidValue"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "move", "path": "active"}, "invalidSyntax"),
        ({"op": "replace", "path": "emails[type", "value": "x"}, "invalidPath"),
        ({"op": "replace", "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ("x", "invalidSyntax"),
    ],
)
def test_a_patch_that_makes_no_user_is_refused(change: Any, kind: str) -> None:
    with pytest.raises(Wrong) as wrong:
        patch(change)
    assert wrong.value.kind == kind


def test_members_come_and_go_as_entra_and_okta_send_them() -> None:
    def changed(*changes: dict[str, Any]) -> list[str]:
        before = {"displayName": "Reps", "members": ["a", "b"]}
        found: list[str] = patched_group(before, operations({"schemas": [PATCH], "Operations": list(changes)}))[
            "members"
        ]
        return found

    assert changed({"op": "Add", "path": "members", "value": [{"value": "c"}, {"value": "a"}]}) == ["a", "b", "c"]
    assert changed({"op": "Remove", "path": "members", "value": [{"value": "a"}]}) == ["b"]
    assert changed({"op": "remove", "path": 'members[value eq "b"]'}) == ["a"]
    assert changed({"op": "Remove", "path": "members"}) == []
    assert changed({"op": "replace", "value": {"members": [{"value": "z"}]}}) == ["z"]
    assert changed({"op": "replace", "value": {"displayName": "Sales"}}) == ["a", "b"]
    with pytest.raises(Wrong):
        changed({"op": "remove", "path": "displayName"})


def test_a_group_needs_a_name_and_members_with_ids() -> None:
    assert group_of({"schemas": [GROUP], "displayName": "Reps"})["members"] == []
    for wrong in ({"displayName": ""}, {"displayName": "x", "members": [{"display": "x"}]}):
        with pytest.raises(Wrong):
            group_of({"schemas": [GROUP], **wrong})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('userName eq "Li@acme.com"', ("username", "Li@acme.com")),
        ('externalId Eq "a\\"b"', ("externalid", 'a"b')),
        (f'{USER}:userName eq "x"', ("username", "x")),
        ("", None),
    ],
)
def test_filters(text: str, meant: tuple[str, str] | None) -> None:
    assert wanted_of(text) == meant


@pytest.mark.parametrize(
    "text", ['userName sw "x"', 'userName eq "a" and active eq true', "userName eq", '"', "x" * 2000]
)
def test_filters_that_are_not_understood_say_so(text: str) -> None:
    with pytest.raises(Wrong) as wrong:
        wanted_of(text)
    assert wrong.value.kind == "invalidFilter"
