"""What is told to be different between two sets is what is."""

from __future__ import annotations

from identity.policy_diff import Changed, diff

P = '@id("{0}")\npermit (principal, action, resource)\nwhen {{ {1} }};\n'
NAMELESS = "permit (principal, action, resource);\n"


def told(old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str, str, int]]:
    return [(each.kind, each.id, each.file, each.line) for each in diff(old, new)]


def test_each_kind_of_difference() -> None:
    old = {"a.cedar": P.format("same", "true") + P.format("one", "true") + P.format("gone", "true")}
    new = {
        "a.cedar": P.format("same", "true") + P.format("one", "false"),
        "b.cedar": "// new\n" + P.format("two", "true"),
    }
    assert told(old, new) == [
        ("changed", "one", "a.cedar", 4),
        ("removed", "gone", "a.cedar", 7),
        ("added", "two", "b.cedar", 2),
    ]
    changed = diff(old, new)[0]
    assert ("-", "when { true };") in changed.lines and ("+", "when { false };") in changed.lines
    assert diff(old, old) == ()


def test_what_only_moved_or_was_only_commented_is_told_as_that() -> None:
    old = {"a.cedar": P.format("one", "true"), "b.cedar": ""}
    assert told(old, {"a.cedar": "", "b.cedar": P.format("one", "true")}) == [("moved", "one", "b.cedar", 1)]
    (one,) = diff(old, {"a.cedar": "// why\n" + P.format("one", "true"), "b.cedar": ""})
    assert (one.kind, one.file) == ("comment", "a.cedar") and ("+", "// why") in one.lines


def test_one_without_an_id_is_known_by_its_text() -> None:
    old = {"a.cedar": NAMELESS}
    assert told(old, {"a.cedar": "\n\n" + NAMELESS}) == [("comment", "a.cedar", "a.cedar", 1)]
    both = told(old, {"a.cedar": P.format("first", "true") + NAMELESS})
    assert both == [("added", "first", "a.cedar", 1)]
    assert told({"a.cedar": NAMELESS + NAMELESS}, old) == [("removed", "a.cedar:2", "a.cedar", 2)]


def test_what_is_no_policy_is_told_all_the_same() -> None:
    found = diff({"a.cedar": "hello"}, {"a.cedar": '@id("x\ud800") \u202e (((;'})
    assert {each.kind for each in found} == {"added", "removed"}
    assert all(isinstance(each, Changed) for each in found)
