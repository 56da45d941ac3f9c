"""Versions of a CRM whose times are whole seconds, counted by several processes: they come to the same."""

from __future__ import annotations

from crm.model import Change, Record, RecordRef
from crm.once import Desk, Versions

REF = RecordRef("odoo", "account", "7")
T = 1_800_000_000
BEGAN, SETTLED = T * 1000, T * 1000 + Versions.LATER


def told(versions: Versions, content: str, *, over: bool, second: int = T) -> Record:
    return Record(REF, "Acme", "", versions.of(REF.key, second, content, over=over), {}, {})


def test_whoever_read_within_the_second_comes_to_the_same_as_who_reads_later() -> None:
    early, late = Versions(), Versions()
    assert told(early, "a", over=False).version == BEGAN
    assert told(late, "a", over=True).version == told(early, "a", over=True).version == SETTLED
    assert told(early, "a", over=True).version == told(late, "a", over=True).version == SETTLED, "and stays so"


def test_what_changed_within_the_second_unseen_comes_to_the_same_too() -> None:
    early, late = Versions(), Versions()
    for content in "abc":
        told(early, content, over=False)
    assert told(late, "d", over=True).version == told(early, "d", over=True).version == SETTLED


def test_changes_of_one_second_are_told_apart_while_it_lasts_and_after_it() -> None:
    versions = Versions()
    seen = [told(versions, content, over=over).version for content, over in [("a", False), ("b", False), ("b", True)]]
    seen += [told(versions, content, over=True).version for content in "cd"]
    assert seen == sorted(set(seen))


def test_what_it_told_itself_before_the_second_was_over_still_stands_after_it() -> None:
    ours, theirs = Versions(), Versions()
    told(ours, "a", over=False)
    second = told(ours, "b", over=False).version
    settled, far = told(ours, "b", over=True), told(theirs, "b", over=True)
    assert ours.stands(settled, second) and ours.stands(settled, settled.version)
    assert not ours.stands(settled, BEGAN), "it held something else then"
    assert not theirs.stands(far, second), "another told that, of what is not known here"
    assert not ours.stands(told(ours, "c", over=True), second) and not ours.stands(settled, second)
    assert not ours.stands(told(ours, "b", over=False, second=T + 5), second)


def test_a_change_without_a_version_is_never_late() -> None:
    desk = Desk()
    current = told(desk.versions, "a", over=True)
    assert not desk.moved(current, Change(REF, "phone", "1", None))
    assert desk.moved(current, Change(REF, "phone", "1", BEGAN))
