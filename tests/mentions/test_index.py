"""The index against a fresh build and against the plain way."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentions import index as module
from mentions import merge
from mentions.index import NameIndex
from mentions.model import Mention, Name
from tests.mentions.naive import Found, naive_find

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
EXAMPLES = 3000 if SOAK else 300

LETTERS = "ab华星 1.華Ａ㍿é\u0301`@"
NAMES = st.text(alphabet=LETTERS, max_size=5)
KINDS = st.sampled_from(["title", "title", "alias", "derived", "never"])
NAME = st.builds(Name, NAMES, KINDS, st.sampled_from([1.0, 0.5, 0.3]))
REFS = st.sampled_from("12345678")
TEXT = st.text(alphabet=LETTERS + "\n>/", max_size=40)
PUT = st.tuples(REFS, st.lists(NAME, max_size=3))
STEPS = st.lists(PUT | st.tuples(REFS, st.none()), max_size=25)


def found(mentions: list[Mention]) -> list[Found]:
    return [(one.start, one.end, tuple(sorted(each.ref for each in one.candidates))) for one in mentions]


@given(STEPS, st.lists(TEXT, min_size=1, max_size=3), st.integers(1, 6))
@settings(max_examples=EXAMPLES, deadline=None)
def test_find_equals_a_fresh_build_after_any_puts_and_removes(
    steps: list[tuple[str, list[Name] | None]], texts: list[str], young: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "YOUNG", young)
        patch.setattr(merge, "YOUNG", young)
        patch.setattr(merge, "FAN", 2)
        patch.setattr(merge, "LARGE", 4)
        index = NameIndex()
        customers: dict[str, list[Name]] = {}
        for ref, names in steps:
            if names is None:
                index.remove(ref)
                customers.pop(ref, None)
            else:
                index.put(ref, names)
                customers[ref] = names
            fresh = NameIndex.build(customers.items())
            for text in texts:
                assert index.find(text) == fresh.find(text)
                assert found(index.find(text)) == naive_find(customers, text)
            assert len(index) == len(fresh) == len(customers)
        index.settle()
        assert index.find(texts[0]) == fresh.find(texts[0]) if steps else index.find(texts[0]) == []


@given(st.lists(PUT, max_size=8), TEXT)
@settings(max_examples=EXAMPLES, deadline=None)
def test_mentions_are_ordered_apart_and_read_as_a_name(puts: list[tuple[str, list[Name]]], text: str) -> None:
    index = NameIndex.build(puts)
    last = 0
    for one in index.find(text):
        assert last <= one.start < one.end <= len(text)
        assert one.candidates
        last = one.end


def test_a_removed_long_name_uncovers_a_live_shorter_one() -> None:
    index = NameIndex.build([("long", [Name("华星医疗器械")]), ("short", [Name("医疗器械")]), ("head", [Name("华星")])])
    assert [each.ref for one in index.find("问华星医疗器械") for each in one.candidates] == ["long"]
    index.remove("long")
    assert [each.ref for one in index.find("问华星医疗器械") for each in one.candidates] == ["head", "short"]


def test_a_new_long_name_covers_an_old_shorter_one() -> None:
    index = NameIndex.build([("york", [Name("York")]), ("times", [Name("Times Square")])])
    index.put("paper", [Name("New York Times")])
    assert found(index.find("New York Times Square")) == [(0, 14, ("paper",))]


def test_a_rename_is_seen_at_once_and_the_old_name_is_gone() -> None:
    index = NameIndex.build([("1", [Name("Northwind")])])
    index.put("1", [Name("Southwind")])
    assert found(index.find("Northwind became Southwind")) == [(17, 26, ("1",))]
    assert len(index) == 1


def test_several_customers_under_one_name_are_several_candidates_surest_first() -> None:
    index = NameIndex()
    index.put("derived", [Name("华星", "derived", 0.5)])
    index.put("own", [Name("華星", "alias")])
    (mention,) = index.find("约华星")
    own, derived = mention.candidates
    assert (own.ref, own.why[0], derived.ref, derived.why[0]) == ("own", "alias", "derived", "derived")
    assert 1 >= own.score > 0.8 > derived.score >= 0
    assert "against: a derived name, far from the whole" in derived.why


def test_never_beats_all_for_its_customer_and_takes_what_it_covers() -> None:
    index = NameIndex.build(
        [
            ("apple", [Name("苹果"), Name("苹果手机", "never")]),
            ("box", [Name("Box"), Name("BOX", "never")]),
            ("b2", [Name("Box")]),
        ]
    )
    assert found(index.find("苹果手机和苹果, Box")) == [(5, 7, ("apple",)), (9, 12, ("b2",))]


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("明天去华星医疗谈续约", ["华星医疗"]),
        ("明天去華星醫療談續約", ["華星醫療"]),
        ("跟ＡＢＢ开会", ["ＡＢＢ"]),
        ("ask Target, target's team and TARGET", ["Target", "target", "TARGET"]),
        ("Targeted targets xTarget Target_x Target2", []),
        ("@Target ＠target.x https://target.com/Target www.target.com joe@target.com target.com/x", []),
        ("@华星医疗小王 //@华星医疗: 转发", ["华星医疗", "华星医疗"]),
        ("看 https://crm.example/华星医疗 这里，https://crm.example/客户/华星医疗?a=华星医疗", []),
        ("https://t.example/x1华星医疗要续约", ["华星医疗"]),
        ("see `Target` and\n```\nTarget\n```\nbut Target", ["Target"]),
        ("> Target said so\nTarget", ["Target"]),
        ("13M 3M 3.5M 3M5", ["3M"]),
        ("360度 360% 1.360 360.5 360", ["360", "360"]),
        ("Tar\u00adget \u202eTarget\u202c", ["Tar\u00adget", "Target"]),
    ],
)
def test_what_is_heard_and_what_is_not(text: str, stretches: list[str]) -> None:
    index = NameIndex.build((name, [Name(name)]) for name in ("华星医疗", "ABB", "Target", "3M", "360"))
    assert [text[one.start : one.end] for one in index.find(text)] == stretches


def test_nothing_is_heard_in_what_is_quoted() -> None:
    index = NameIndex.build([("1", [Name("Target")])])
    assert found(index.find("Target or Target", quoted=[(0, 6)])) == [(10, 16, ("1",))]
    assert index.find("Target", quoted=[(3, 4)]) == []


def test_who_is_named_aside_is_told_apart_from_who_is_not_named() -> None:
    index = NameIndex.build([("a", [Name("华星医疗")]), ("n", [Name("云栖", "never"), Name("云栖纺织")])])
    text = "> 华星医疗 说\n好的"
    assert index.find(text) == []
    assert [(one.start, one.end) for one in index.aside(text)] == [(2, 6)]
    assert index.aside("华星医疗", [(0, 4)]) != []
    assert index.aside("华星医疗") == [] and index.aside("> 云栖") == [] and index.aside("> 你好") == []


def test_finding_goes_on_while_others_put() -> None:
    index = NameIndex.build([("fixed", [Name("华星医疗")])])
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            if not any(one.candidates[0].ref == "fixed" for one in index.find("去华星医疗")):
                wrong.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(5000):
        index.put(f"c{number % 900}", [Name(f"客户{number}号公司"), Name(f"customer {number}")])
    stop.set()
    reader.join()
    index.settle()
    assert not wrong
    assert len(index) == 901
    assert found(index.find("customer 4999 and customer 4099")) == [(0, 13, (f"c{4999 % 900}",))]
