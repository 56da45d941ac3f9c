"""What of a run counts as taken, by itself."""

from __future__ import annotations

from crm.given import Given


def run() -> Given[str]:
    """One that began at `0` and gave three changes at three cursors."""
    begun = Given[str]().then("0", 0)
    for at, key in enumerate("abc", 1):
        begun.give(str(at), (key, at))
    return begun


def taken(begun: Given[str]) -> str:
    return "".join(key for at, key in enumerate("abc", 1) if begun.was_taken(key, at))


def test_only_what_the_next_cursor_proves_was_taken() -> None:
    assert [taken(run().then(cursor, 0)) for cursor in "0123"] == ["", "a", "ab", "abc"]
    assert taken(run()) == "", "nothing by having been given"


def test_a_run_that_was_thrown_away_takes_nothing_with_it_and_forgets_nothing() -> None:
    begun = run().then("2", 0)
    begun.give("9", ("c", 3), ("d", 4))
    assert taken(begun.then("2", 0)) == "ab"
    assert taken(begun.then("2", 0).then("9", 0)) == "", "of that run nobody knows any more"


def test_behind_a_cursor_nobody_gave_nothing_is_known() -> None:
    """Another process has led meanwhile, or the store was put back."""
    assert taken(run().then("3", 0).then("0", 0)) == ""


def test_what_is_no_news_counts_with_the_cursor_it_began_with() -> None:
    begun = Given[str]().then("0", 0)
    begun.give("0", ("a", 1))
    begun.give("1", ("b", 2))
    begun.give("1", ("c", 3))
    assert (taken(begun.then("0", 0)), taken(begun.then("1", 0))) == ("a", "abc")


def test_of_a_row_that_changed_again_the_last_time_counts() -> None:
    begun = Given[str]().then("0", 0)
    begun.give("1", ("a", 5))
    begun = begun.then("1", 0)
    begun.give("2", ("a", 1))
    begun = begun.then("2", 0)
    assert begun.was_taken("a", 1) and not begun.was_taken("a", 5)


def test_it_holds_no_more_than_is_looked_back_on() -> None:
    begun = Given[int]().then("0", 0)
    for at in range(1, 1000):
        begun.give(str(at), (at, at))
        begun.forget(at - 10)
        assert len(begun._given) <= 11
    begun = begun.then("999", 995)
    assert [at for at in range(1000) if begun.was_taken(at, at)] == [995, 996, 997, 998, 999]
