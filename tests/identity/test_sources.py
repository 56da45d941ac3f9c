"""A directory held against whom we know: what becomes of each row, and why not."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from identity.model import Person
from identity.sources import (
    AMBIGUOUS,
    HELD,
    NAMELESS,
    SHARED,
    STRANGER,
    TORN,
    TWICE,
    Account,
    Entry,
    Known,
    Verdict,
    given,
    judge,
    standing,
    tally,
)

LI = Person("p_li", "Li Ting", frozenset({"rep", "employee"}), "east", emails=("li@acme.com",))
WANG = Person("p_wang", "Wang Min", frozenset({"manager"}), emails=("wang@acme.com",))
OFF = Person("p_off", "Off", active=False, emails=("off@acme.com",))


def judged(*entries: Entry, make: bool = True, persons: tuple[Person, ...] = (LI, WANG, OFF)) -> list[Verdict]:
    owners: dict[Account, str] = {("im", "web/a/u/li"): "p_li", ("im", "web/a/u/wang"): "p_wang"}
    known = Known(persons, {"e-li": "p_li"}, owners, {"acme.cn": "acme.com"})
    ids = count()
    return judge(entries, known, lambda: f"p_{next(ids)}", make=make)


def of(**more: object) -> Entry:
    return Entry(**{"id": "e1", "name": "Somebody", **more})  # type: ignore[arg-type]


def test_somebody_is_found_by_the_rows_id_by_an_account_and_by_an_address() -> None:
    by_id, by_account, by_address = judged(
        of(id="e-li", name="Li Ting"),
        of(id="x", name="Wang Min", accounts=(("im", "web/a/u/wang"), ("crm", "local:wang"))),
        of(id="y", name="Off", emails=("OFF@acme.cn",)),
    )
    assert (by_id.person, by_id.outcome) == (LI, "same")
    assert by_account.person == WANG and by_account.outcome == "linked"
    assert by_address.person == OFF and by_address.reason == HELD, "and stays deactivated"


def test_a_row_about_nobody_we_know_is_a_new_person_with_what_it_says() -> None:
    (one,) = judged(of(emails=("New@ACME.cn",), roles=frozenset({"rep"}), team="west", locale="zh-CN"))
    assert one.outcome == "new" and one.person is not None
    assert one.person == Person("p_0", "Somebody", frozenset({"rep"}), "west", locale="zh-CN", emails=("new@acme.com",))
    (plain,) = judged(of())
    assert plain.person is not None and plain.person.roles == {"employee"}


@pytest.mark.parametrize(
    ("entries", "make", "reason"),
    [
        ([of(name=" ")], True, NAMELESS),
        ([of(id="")], True, NAMELESS),
        ([of(), of(name="Other")], True, TWICE),
        ([of(id="a", emails=("x@acme.com",)), of(id="b", emails=("X@acme.cn",))], True, SHARED),
        ([of(accounts=(("im", "web/a/u/li"), ("im", "web/a/u/wang")))], True, TORN),
        ([of()], False, STRANGER),
        ([of(active=False)], True, STRANGER),
        ([of(id="e-li"), of(id="z", emails=("li@acme.com",))], True, TWICE),
    ],
)
def test_what_is_not_taken_says_why(entries: list[Entry], make: bool, reason: str) -> None:
    last = judged(*entries, make=make)[-1]
    assert (last.outcome, last.reason, last.person) == ("failed", reason, None)


def test_two_persons_of_one_address_are_not_found_by_it() -> None:
    (one,) = judged(of(emails=("li@acme.com",)), persons=(LI, replace(WANG, emails=LI.emails)))
    assert one.reason == AMBIGUOUS


def test_what_the_directory_says_nothing_about_stays() -> None:
    (one,) = judged(of(id="e-li", name="Li Ting", emails=("lt@acme.com",)))
    assert one.outcome == "changed" and one.person is not None
    assert (one.person.roles, one.person.team) == (LI.roles, "east")
    assert one.person.emails == ("li@acme.com", "lt@acme.com")


def test_who_left_is_told_as_such() -> None:
    verdicts = judged(of(id="e-li", active=False), of(id="n"))
    assert tally(verdicts) == {"new": 1, "linked": 0, "changed": 0, "ended": 1, "same": 0, "failed": 0}


@pytest.mark.parametrize(
    ("active", "ended", "said", "others", "becomes"),
    [
        (True, False, True, False, (True, False)),
        (True, False, False, False, (False, True)),
        (False, True, True, False, (True, False)),
        (False, True, True, True, (False, True)),
        (False, False, True, False, (False, False)),  # an admin's word stands
        (False, False, False, False, (False, False)),
        (False, False, False, True, (False, True)),
    ],
)
def test_deactivated_anywhere_is_deactivated(
    active: bool, ended: bool, said: bool, others: bool, becomes: tuple[bool, bool]
) -> None:
    assert standing(active, ended, said, others) == becomes


def test_groups_give_and_take_the_roles_they_are_declared_for() -> None:
    mapping = {"Reps": "rep", "Bosses": "manager"}
    assert given(frozenset({"rep", "employee"}), frozenset({"Bosses", "Else"}), mapping) == {"employee", "manager"}
