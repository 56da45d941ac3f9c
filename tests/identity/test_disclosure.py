"""A room sees what everybody in it may see: nothing by inference, nothing after its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crm.model import Item
from identity.access import NEVER_IN_A_GROUP, AccessPolicy
from identity.audience import UNMAPPED, attributes_of, direct
from identity.disclosure import VISIBLE_UNTIL, Classes, disclose, highest, may
from identity.model import BOTTOM, Attributes, Audience, Disclosed
from tests.identity.rooms import ADMIN, CLASSES, EMPLOYEE, MANAGER, MINUTE, NOW, OTHER_REP, OURS, REP, person, record

EVERYTHING = AccessPolicy.of({"a.cedar": '@id("all") permit (principal, action, resource);'})
SALES = Audience("group", {REP: 2, MANAGER: 1}, {"li": REP, "wang": REP, "boss": MANAGER})


def show(
    audience: Audience = SALES, access: AccessPolicy = OURS, now: int = NOW, owners: str = "", **more: object
) -> Disclosed:
    return disclose(
        record(**more), audience, now, access, CLASSES, owners=frozenset(owners.split()), zone="Asia/Shanghai"
    )


def test_nothing_is_shown_to_nobody() -> None:
    shown = show(Audience("group", {}), EVERYTHING)
    assert not shown.name
    assert (shown.record.title, shown.record.fields, shown.record.related) == ("", {}, {})
    assert show(Audience("group", {REP: 0}), EVERYTHING).name is False
    assert show(Audience("group", {}, complete=False)).record.fields == {}


def test_the_record_handed_on_holds_no_more_than_is_shown() -> None:
    shown = show(access=EVERYTHING).record
    assert (shown.owners, shown.team, shown.region, shown.names, shown.visible_until) == ((), "", "", (), {})
    assert (shown.version, shown.modified, shown.modified_by) == (0, 0, "")
    assert shown.ref == record().ref


def test_a_field_nobody_classed_is_restricted_and_not_even_named() -> None:
    shown = show(access=EVERYTHING)
    assert "surprise" not in shown.record.fields
    assert "surprise" not in shown.withheld
    alone = show(direct(person("boss", "manager")))
    assert "surprise" in alone.record.fields
    lenient = replace(CLASSES, default="internal")
    assert "surprise" in disclose(record(), SALES, NOW, OURS, lenient, owners=frozenset(), zone="").record.fields


def test_restricted_is_only_shown_alone_whatever_the_policies_say() -> None:
    assert "margin" not in show(access=EVERYTHING).record.fields
    assert show(access=EVERYTHING).withheld["margin"].policies == (NEVER_IN_A_GROUP,)
    assert "margin" in show(direct(person("boss", "manager"))).record.fields
    assert "margin" not in show(direct(person("li", "rep"))).record.fields
    assert "margin" in show(direct(person("li", "rep")), owners="li").record.fields


def test_every_list_that_may_be_shown_is_there_empty_or_not() -> None:
    assert show(related={}).record.related == {"note": (), "open_item": (), "risk": (), "contact": ()}
    assert "note" not in show(Audience("group", {REP: 1, UNMAPPED: 1})).record.related


def test_an_item_of_a_higher_class_is_absent_and_not_counted() -> None:
    assert [item.id for item in show().record.related["risk"]] == ["r2"]
    assert [item.id for item in show(direct(person("boss", "manager"))).record.related["risk"]] == ["r1", "r2"]


@pytest.mark.parametrize("claimed", ["public", "internal"])
def test_an_item_cannot_lower_the_class_of_its_list(claimed: str) -> None:
    note = Item("n1", "note", "x", sensitivity=claimed)
    assert "note" not in show(Audience("group", {UNMAPPED: 1}), related={"note": (note,)}).record.related


def test_an_item_of_a_class_nobody_knows_is_restricted() -> None:
    note = Item("n1", "note", "x", sensitivity="top secret")
    assert show(related={"note": (note,)}).record.related["note"] == ()


def test_the_name_is_a_field_too() -> None:
    raised = replace(CLASSES, name="confidential")
    hidden = disclose(
        record(), Audience("group", {REP: 1, UNMAPPED: 1}), NOW, OURS, raised, owners=frozenset(), zone=""
    )
    assert not hidden.name
    assert (hidden.record.title, hidden.record.url, hidden.record.fields, hidden.record.related) == ("", "", {}, {})
    assert hidden.withheld["name"].because == (UNMAPPED,)
    assert hidden.withheld["stage"].because == (UNMAPPED,)  # for the name's sake
    assert hidden.editable == frozenset()
    assert disclose(record(), SALES, NOW, OURS, raised, owners=frozenset(), zone="").name


def test_without_the_name_no_list_and_no_field_is_handed_on_even_where_permitted() -> None:
    odd = AccessPolicy.of(
        {
            "a.cedar": '@id("odd") permit (principal, action, resource) '
            'when { resource.sensitivity != Sensitivity::"public" };'
        }
    )
    assert show(access=odd).record.fields == {}
    assert set(show(access=odd).withheld) == set(CLASSES.named())


def test_withheld_names_the_blocking_attributes_and_the_class() -> None:
    shown = show(Audience("group", {REP: 5, UNMAPPED: 2, BOTTOM: 1}))
    assert shown.withheld["stage"].because == (BOTTOM,)
    assert shown.withheld["note"].because == tuple(sorted({UNMAPPED, BOTTOM}))
    assert shown.withheld["note"].sensitivity == "confidential"
    assert "name" not in shown.withheld


def test_withheld_does_not_tell_whether_the_record_has_the_field() -> None:
    guests = Audience("group", {BOTTOM: 1})
    assert show(guests).withheld == show(guests, fields={}, related={}).withheld


def test_who_owns_the_record_is_judged_by_id() -> None:
    owners_only = AccessPolicy.of({"a.cedar": '@id("o") permit (principal, action, resource) when {context.owner};'})
    assert not show(access=owners_only, owners="li").name  # wang reads along
    room = Audience("group", {REP: 2}, {"li": REP, "wang": REP})
    assert show(room, owners_only, owners="li wang").name
    assert not show(room, owners_only, owners="li someone-else").name
    stranger = Audience("group", {REP: 3}, {"li": REP, "wang": REP})
    assert not show(stranger, owners_only, owners="li wang").name


def test_editable_is_what_somebody_here_could_edit_if_it_were_theirs() -> None:
    assert show().editable == {"industry", "stage", "receivables"}
    assert show(Audience("group", {EMPLOYEE: 3})).editable == frozenset()
    assert show(Audience("group", {REP: 1, BOTTOM: 1})).editable == frozenset()
    far = show(Audience("group", {OTHER_REP: 1}))
    assert far.editable == show(Audience("group", {OTHER_REP: 1}), owners="far", team="west").editable


def test_alone_editable_is_what_this_one_may_edit() -> None:
    li, far, boss = person("li", "rep"), person("far", "rep", team="west"), person("boss", "manager")
    assert show(direct(li)).editable == {"industry", "stage", "receivables"}
    assert show(direct(far)).editable == frozenset()
    assert show(direct(far), owners="far").editable == {"industry", "stage", "receivables", "margin", "surprise"}
    assert show(direct(boss)).editable == {"industry", "stage", "receivables", "margin", "surprise"}
    for who, owners in ((li, ""), (far, ""), (far, "far"), (boss, "")):
        shown = show(direct(who), owners=owners)
        for field in record().fields:
            real = judge(attributes_of(who), "edit", field, owner=who.id == owners)
            assert (field in shown.editable) is real, (who.id, field)


# the ends of things


def test_a_fields_own_end_hides_it_and_bounds_the_answer() -> None:
    end = {"stage": NOW + MINUTE, "margin": NOW + 5, "industry": NOW}
    shown = show(visible_until=end)
    assert set(shown.record.fields) == {"stage", "receivables"}
    assert shown.valid_until == NOW + MINUTE  # the hidden field's own end tells nothing
    later = show(now=NOW + MINUTE, visible_until=end)
    assert set(later.record.fields) == {"receivables"}
    assert later.valid_until is None
    assert "stage" not in later.withheld


def test_an_end_of_the_name_or_a_list_or_an_item() -> None:
    assert show(visible_until={"name": NOW + 7}).valid_until == NOW + 7
    assert not show(visible_until={"name": NOW}).name
    assert "note" not in show(visible_until={"note": NOW}).record.related
    assert show(visible_until={"note": NOW + 9}).valid_until == NOW + 9
    items = (Item("a", "note", "x", visible_until=NOW), Item("b", "note", "y", visible_until=NOW + 3))
    shown = show(related={"note": items})
    assert [item.id for item in shown.record.related["note"]] == ["b"]
    assert shown.valid_until == NOW + 3
    guests = Audience("group", {BOTTOM: 1})
    assert show(guests, related={"note": items}).valid_until is None


OFFICE = AccessPolicy.of(
    {
        "a.cedar": '@id("always") permit (principal, action == Action::"view", resource) '
        'when { resource.sensitivity == Sensitivity::"public" };',
        "b.cedar": '@id("office") permit (principal, action, resource) when '
        "{ context.minute >= 9 * 60 && context.minute < 18 * 60 && [1, 2, 3, 4, 5].contains(context.weekday) };",
    }
)
HOUR = 60 * MINUTE
MONDAY = 1_794_758_400_000  # 2026-11-16T00:00:00 in Shanghai


@pytest.mark.parametrize(
    ("now", "open_", "until"),
    [
        (MONDAY, False, MONDAY + 9 * HOUR),
        (MONDAY + 9 * HOUR - 1, False, MONDAY + 9 * HOUR),
        (MONDAY + 9 * HOUR, True, MONDAY + 18 * HOUR),
        (MONDAY + 18 * HOUR - 1, True, MONDAY + 18 * HOUR),
        (MONDAY + 18 * HOUR, False, MONDAY + 33 * HOUR),
        (MONDAY + 4 * 24 * HOUR + 18 * HOUR, False, MONDAY + 7 * 24 * HOUR + 9 * HOUR),  # over the weekend
    ],
)
def test_a_time_window_opens_and_shuts_at_its_edge(now: int, open_: bool, until: int) -> None:
    shown = show(access=OFFICE, now=now)
    assert ("stage" in shown.record.fields) is open_
    assert shown.valid_until == until
    assert ("stage" in show(access=OFFICE, now=until).record.fields) is not open_
    assert ("stage" in show(access=OFFICE, now=until - 1).record.fields) is open_


def test_a_window_that_does_not_concern_this_room_says_when_to_look_again_at_the_latest() -> None:
    nightly = '@id("n") permit (principal, action, resource) when { principal.team == "mars" && context.minute < 60 };'
    shown = show(access=AccessPolicy.of({"a.cedar": nightly}))
    assert shown.valid_until is not None
    assert shown.valid_until > NOW + 7 * 24 * HOUR


def test_an_instant_in_a_policy_is_an_end() -> None:
    until = AccessPolicy.of(
        {"a.cedar": '@id("d") permit (principal, action, resource) when { context.now < datetime("2026-12-01") };'}
    )
    december = 1_796_083_200_000
    assert show(access=until).valid_until == december
    assert show(access=until, now=december - 1).name
    assert not show(access=until, now=december).name
    assert show(access=until, now=december + 1).valid_until is None


# one person, one press


def judge(who: Attributes, action: str, field: str, **more: object) -> bool:
    asked = {"scene": "direct", "at": NOW, "access": OURS, "classes": CLASSES, "owner": False, "zone": ""} | more
    made = record(**asked.pop("record", {}))  # type: ignore[arg-type]
    return may(who, action, made, field, **asked).allowed  # type: ignore[arg-type]


def test_the_press_is_judged_for_the_one_who_presses() -> None:
    assert judge(REP, "edit", "stage")
    assert not judge(OTHER_REP, "edit", "stage")
    assert judge(OTHER_REP, "view", "stage")
    assert judge(OTHER_REP, "edit", "stage", owner=True)
    assert judge(ADMIN, "act", "risk")
    assert not judge(BOTTOM, "view", "stage")
    assert not judge(BOTTOM, "edit", "name")


def test_what_one_may_not_view_one_may_not_edit() -> None:
    assert not judge(REP, "view", "margin")
    assert not judge(REP, "edit", "margin")  # the policy for edits alone would permit it
    assert judge(REP, "edit", "margin", owner=True)
    assert not judge(MANAGER, "edit", "margin", scene="group")


def test_after_its_end_nothing_can_be_viewed_or_edited() -> None:
    for action in ("view", "edit", "act"):
        assert not judge(ADMIN, action, "stage", record={"visible_until": {"stage": NOW}})
    item = Item("n", "note", "x", visible_until=NOW)
    verdict = may(ADMIN, "view", record(), "note", "direct", at=NOW, access=OURS, classes=CLASSES, owner=False,
                  zone="", item=item)  # fmt: skip
    assert verdict.policies == (VISIBLE_UNTIL,)
    assert judge(REP, "view", "note", item=Item("n", "note", "x"))
    assert not judge(REP, "view", "note", item=Item("n", "note", "x", sensitivity="restricted"))


def test_what_is_derived_has_the_highest_class_of_its_inputs() -> None:
    assert highest("public", "confidential", "internal") == "confidential"
    assert highest("public") == "public"
    assert highest("public", "nonsense") == "restricted"
    assert highest() == "restricted"


def test_lists_have_a_class_where_the_configuration_gives_none() -> None:
    bare = Classes({}, {})
    assert [bare.of(kind) for kind in ("note", "open_item", "risk", "contact")] == [
        "confidential", "internal", "confidential", "confidential",
    ]  # fmt: skip
    assert bare.of("name") == "public"
    assert bare.of("url") == "internal"
    assert bare.of("anything") == "restricted"
