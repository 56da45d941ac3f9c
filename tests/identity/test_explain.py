"""Why something is hidden, in words that name nobody."""

from __future__ import annotations

import re

import pytest

from crm.model import FieldValue, Record
from identity import explain
from identity.access import NEVER_IN_A_GROUP, AccessPolicy, Verdict
from identity.audience import UNMAPPED
from identity.disclosure import VISIBLE_UNTIL
from identity.explain import Reason, decided, expired, nearest, reasons, roles_named, where
from identity.model import BOTTOM, Action, Attributes, Audience, Scene, Sensitivity, Withheld
from identity.policy_files import OURS as OURS_FOLDER
from tests.identity.rooms import CONTACT, EMPLOYEE, MARKETING, NOW, OURS, REP, record

ROOM = Audience("group", {REP: 1, BOTTOM: 1})


def said(
    *because: Attributes, room: Audience = ROOM, public: bool = False, policies: tuple[str, ...] = ()
) -> list[str]:
    found = reasons(Withheld("confidential", because, policies), room, public=public)
    return [reason.say for reason in found]


def test_each_kind_of_reader_has_its_sentence() -> None:
    assert said(BOTTOM) == [explain.GUEST]
    assert said(BOTTOM, room=Audience("group", {BOTTOM: 1}, complete=False)) == [explain.INCOMPLETE]
    assert said(CONTACT) == [explain.OUTSIDER]
    assert said(UNMAPPED) == [explain.UNMAPPED]
    assert said(UNMAPPED, public=True) == [explain.PUBLIC]
    assert said(Attributes((), external=False, mapped=True)) == [explain.NO_ROLE]
    assert said(room=Audience("group", {})) == [explain.NOBODY]
    assert said(REP, room=Audience("direct", {REP: 1})) == [explain.ALONE]
    assert said(REP, BOTTOM, policies=(NEVER_IN_A_GROUP,)) == [explain.NEVER]


def test_the_weightiest_comes_first_and_each_once() -> None:
    far = Attributes(("employee",), "far", "", external=False, mapped=True)
    found = reasons(Withheld("internal", (far, EMPLOYEE, UNMAPPED, BOTTOM)), ROOM)
    assert found == (Reason(explain.GUEST), Reason(explain.UNMAPPED), Reason(explain.ROLE, {"roles": ("employee",)}))


def test_nobody_is_named_and_no_team_told() -> None:
    who = Attributes(("rep",), "secret-team", "secret-region", external=False, mapped=True)
    assert "secret" not in repr(reasons(Withheld("internal", (who,)), ROOM))


def test_every_sentence_is_listed_for_the_catalogues_and_has_the_facts_it_names() -> None:
    constants = {value for name, value in vars(explain).items() if name.isupper() and str(value).endswith(".")}
    assert constants == {*explain.MESSAGES, *explain.DECIDED}
    assert [re.findall(r"\{(\w+)\}", message) for message in explain.MESSAGES if "{" in message] == [["roles"]]
    facts = [re.findall(r"\{(\w+)\}", message) for message in explain.DECIDED if "{" in message]
    assert facts == [["policies"], ["policies"], ["policies"], ["why"]]


def test_an_admin_reads_the_policy_with_file_and_line() -> None:
    (line,) = where(["sales-reads-confidential", NEVER_IN_A_GROUP, "gone"], OURS)
    assert (line.file, line.line) == ("sales.cedar", 1)
    assert "containsAny" in line.text


def verdict(who: Attributes, action: Action, sensitivity: Sensitivity, scene: Scene, access: AccessPolicy) -> Verdict:
    return access.permit(who, action, sensitivity, scene, owner=False, team="east", region="sh", at=NOW, zone="")


@pytest.mark.parametrize(
    ("who", "action", "sensitivity", "scene", "say", "policies"),
    [
        (REP, "view", "confidential", "direct", explain.PERMITTED, ["sales-reads-confidential (sales.cedar:1)"]),
        (
            MARKETING,
            "view",
            "confidential",
            "document",
            explain.FORBIDDEN,
            ["marketing-documents-hold-nothing-confidential (marketing.cedar:5)"],
        ),
        (EMPLOYEE, "view", "restricted", "group", explain.NEVER, None),
        (
            EMPLOYEE,
            "view",
            "restricted",
            "direct",
            explain.NEAREST,
            ["owners-read-restricted-alone (sales.cedar:12)"],
        ),
        (EMPLOYEE, "edit", "internal", "device", explain.UNPERMITTED, None),
    ],
)
def test_a_decision_in_words_names_the_policy_and_its_line(
    who: Attributes, action: Action, sensitivity: Sensitivity, scene: Scene, say: str, policies: list[str] | None
) -> None:
    near = nearest(OURS, action, sensitivity, scene, NOW, "")
    told = decided(verdict(who, action, sensitivity, scene, OURS), OURS, near)
    assert (told.reason.say, told.reason.facts.get("policies")) == (say, policies)
    assert told.allowed == (say == explain.PERMITTED)
    for line in told.lines:
        file = (OURS_FOLDER / line.file).read_text("utf-8").split("\n")
        assert f'@id("{line.id}")' in file[line.line - 1], "the line is where the policy begins"


def test_what_could_not_be_judged_says_so_and_is_a_no() -> None:
    told = decided(Verdict(False, (), ("the time zone is unknown",)), OURS, ["sales-reads-confidential"])
    assert (told.allowed, told.reason) == (False, Reason(explain.UNJUDGED, {"why": "the time zone is unknown"}))
    assert decided(Verdict(False, (VISIBLE_UNTIL,)), OURS).reason == Reason(explain.ENDED)


def test_the_comment_above_a_policy_goes_with_it() -> None:
    (line,) = where(["marketing-approvals-hide-contact-data"], OURS)
    assert line.note.startswith("Contact data (the list of contacts") and line.effect == "forbid"
    text = '// one\n\n// two\n   //three\n@id("x") permit (principal, action, resource);'
    (line,) = where(["x"], AccessPolicy.of({"a.cedar": text}))
    assert (line.note, line.line) == ("two three", 5)


def test_the_roles_that_policies_speak_of() -> None:
    assert roles_named(OURS.policies.values()) == ("admin", "auditor", "employee", "manager", "marketing", "rep")


def test_what_has_ended_is_told_apart() -> None:
    one: Record = record(fields={"a": FieldValue(1)}, visible_until={"b": NOW, "a": NOW - 1, "c": NOW + 1})
    assert expired(one, NOW) == ("a", "b")
