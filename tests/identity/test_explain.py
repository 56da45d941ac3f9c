"""Why something is hidden, in words that name nobody."""

from __future__ import annotations

import re

from crm.model import FieldValue, Record
from identity import explain
from identity.access import NEVER_IN_A_GROUP
from identity.audience import UNMAPPED
from identity.explain import Reason, expired, reasons, where
from identity.model import BOTTOM, Attributes, Audience, Withheld
from tests.identity.rooms import CONTACT, EMPLOYEE, NOW, OURS, REP, record

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
    assert constants == set(explain.MESSAGES)
    assert [re.findall(r"\{(\w+)\}", message) for message in explain.MESSAGES if "{" in message] == [["roles"]]


def test_an_admin_reads_the_policy_with_file_and_line() -> None:
    (line,) = where(["sales-reads-confidential", NEVER_IN_A_GROUP, "gone"], OURS)
    assert (line.file, line.line) == ("sales.cedar", 1)
    assert "containsAny" in line.text


def test_what_has_ended_is_told_apart() -> None:
    one: Record = record(fields={"a": FieldValue(1)}, visible_until={"b": NOW, "a": NOW - 1, "c": NOW + 1})
    assert expired(one, NOW) == ("a", "b")
