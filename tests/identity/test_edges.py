"""Windows of time at their edges, in zones and over changes of the clocks; and rights that hang on the record."""

from __future__ import annotations

from datetime import datetime

import pytest

from identity.access import AccessPolicy
from identity.disclosure import may
from identity.model import Action, Attributes
from tests.identity.rooms import CLASSES, NOW, record

REP = Attributes(("rep",), "east", "sh", external=False, mapped=True)
NIGHT = AccessPolicy.of(
    {
        "night.cedar": '@id("day") permit (principal, action, resource) '
        "when { context.minute >= 9 * 60 && context.minute < 22 * 60 };"
    }
)
EARLY = AccessPolicy.of(
    {
        "early.cedar": '@id("early") permit (principal, action, resource) '
        "when { context.minute >= 2 * 60 + 30 && context.minute < 3 * 60 + 30 };"
    }
)
WEEKEND = AccessPolicy.of(
    {"w.cedar": '@id("w") permit (principal, action, resource) when { [6, 7].contains(context.weekday) };'}
)


def sees(access: AccessPolicy, moment: str, zone: str, more: int = 0) -> bool:
    """`moment` with its offset, and so many milliseconds."""
    at = round(datetime.fromisoformat(moment).timestamp() * 1000) + more
    return access.permit(REP, "view", "internal", "direct", owner=False, team="", region="", at=at, zone=zone).allowed


@pytest.mark.parametrize(
    ("moment", "zone", "before", "after"),
    [
        ("2026-11-21T22:00+08:00", "Asia/Shanghai", True, False),
        ("2026-11-21T09:00+08:00", "Asia/Shanghai", False, True),
        ("2026-11-21T22:00+08:00", "Europe/Berlin", True, True),  # 15:00 there
        ("2026-11-21T22:00+01:00", "Europe/Berlin", True, False),
        ("2026-07-01T22:00+02:00", "Europe/Berlin", True, False),
        ("2026-11-21T22:00+05:45", "Asia/Kathmandu", True, False),
        ("2026-11-21T22:00+14:00", "Pacific/Kiritimati", True, False),
        ("2026-11-21T22:00-11:00", "Pacific/Pago_Pago", True, False),
        ("2026-11-21T22:00+00:00", "", True, False),
    ],
)
def test_a_window_shuts_to_the_millisecond_by_the_rooms_own_clock(
    moment: str, zone: str, before: bool, after: bool
) -> None:
    assert (sees(NIGHT, moment, zone, -1), sees(NIGHT, moment, zone)) == (before, after)
    at = round(datetime.fromisoformat(moment).timestamp() * 1000)
    if before is not after:
        assert next(NIGHT.boundaries(at - 1, zone)) == at, "the card is looked at again at that very moment"


def test_two_readers_of_one_moment_are_judged_by_the_rooms_clock_and_not_each_by_their_own() -> None:
    moment = "2026-11-21T21:59:59.999+08:00"
    assert sees(NIGHT, moment, "Asia/Shanghai") and not sees(NIGHT, moment, "Asia/Shanghai", 1)
    assert not sees(NIGHT, moment, "Asia/Tokyo"), "an hour further on it is eleven at night"


def test_a_window_inside_the_hour_that_is_skipped_opens_as_the_clocks_jump() -> None:
    berlin = "Europe/Berlin"  # 2027-03-28: 02:00 becomes 03:00
    assert not sees(EARLY, "2027-03-28T01:59:59.999+01:00", berlin)
    assert sees(EARLY, "2027-03-28T03:00+02:00", berlin)
    assert not sees(EARLY, "2027-03-28T03:30+02:00", berlin)
    start = round(datetime.fromisoformat("2027-03-28T01:00+01:00").timestamp() * 1000)
    jump = round(datetime.fromisoformat("2027-03-28T03:00+02:00").timestamp() * 1000)
    assert jump in list(EARLY.boundaries(start, berlin))


def test_a_window_over_the_hour_that_happens_twice_is_open_both_times() -> None:
    berlin = "Europe/Berlin"  # 2026-10-25: 03:00 becomes 02:00
    first, again = "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"
    assert sees(EARLY, first, berlin) and sees(EARLY, again, berlin)
    assert not sees(EARLY, first, berlin, -1) and not sees(EARLY, again, berlin, -1), "shut in between"
    assert not sees(EARLY, "2026-10-25T03:30+01:00", berlin)


def test_a_weekday_is_the_rooms_own_also_where_a_day_was_skipped() -> None:
    assert sees(WEEKEND, "2026-11-21T00:00+08:00", "Asia/Shanghai") and not sees(
        WEEKEND, "2026-11-21T00:00+08:00", "Asia/Shanghai", -1
    )
    assert not sees(WEEKEND, "2026-11-21T00:00+08:00", "America/New_York"), "still Friday there"
    apia = "Pacific/Apia"  # Friday 2011-12-30 never was
    assert not sees(WEEKEND, "2011-12-29T23:59:59.999-10:00", apia)
    assert sees(WEEKEND, "2011-12-31T00:00+14:00", apia)


# relations --------------------------------------------------------------------------------------------------------

RELATED = AccessPolicy.of(
    {
        "a.cedar": """
@id("all-view") permit (principal, action == Action::"view", resource);
@id("owner-edits") permit (principal, action == Action::"edit", resource) when { context.owner };
@id("team-acts") permit (principal, action == Action::"act", resource) when { context.same_team };
@id("region-hides") forbid (principal, action, resource)
when { resource.sensitivity == Sensitivity::"confidential" && !context.same_region };
@id("named-region") forbid (principal, action == Action::"act", resource) when { resource.region == "closed" };
"""
    }
)


@pytest.mark.parametrize(
    ("action", "field", "owner", "team", "region", "expected"),
    [
        ("view", "industry", False, "west", "cd", True),
        ("edit", "industry", False, "east", "sh", False),
        ("edit", "industry", True, "west", "cd", True),
        ("act", "industry", True, "west", "sh", False),
        ("act", "industry", False, "east", "sh", True),
        ("act", "industry", False, "", "sh", False),
        ("act", "industry", False, "east", "closed", False),
        ("view", "receivables", True, "east", "cd", False),
        ("view", "receivables", False, "west", "sh", True),
        ("edit", "receivables", True, "east", "cd", False),  # what one may not view one may not edit
        ("edit", "receivables", True, "west", "sh", True),
    ],
)
def test_owner_team_and_region_of_the_record_decide_view_act_and_edit(
    action: Action, field: str, owner: bool, team: str, region: str, expected: bool
) -> None:
    one = record(team=team, region=region)
    verdict = may(
        REP, action, one, field, "direct", at=NOW, access=RELATED, classes=CLASSES, owner=owner, zone="Asia/Shanghai"
    )
    assert verdict.allowed is expected and not verdict.errors


@pytest.mark.parametrize("action", ["view", "edit", "act"])
def test_an_error_while_judging_any_action_is_a_no_to_it(action: Action) -> None:
    failing = AccessPolicy.of(
        {
            "a.cedar": '@id("a") permit (principal, action, resource);\n'
            '@id("b") permit (principal, action, resource) when { 9223372036854775807 + 1 > 0 };'
        }
    )
    verdict = may(
        REP, action, record(), "industry", "direct", at=NOW, access=failing, classes=CLASSES, owner=True, zone=""
    )
    assert not verdict.allowed and verdict.errors
