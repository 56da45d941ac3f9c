"""Whatever is put in or asked, an answer comes, in time linear in the text (the suite's time limit is the judge)."""

from __future__ import annotations

import pytest

from mentions.derive import derive
from mentions.index import MAX_CANDIDATES, MAX_MENTIONS, NameIndex
from mentions.model import Name
from mentions.names import unusable

HOSTILE = [
    "",
    " ",
    "a",
    "华",
    "\u200b\u200d",
    "\ud800",
    "a\ud800b",
    "\x00\x01",
    "a\x00b",
    "\u202eevil\u202c",
    "<!channel>",
    "<script>alert(1)</script>",
    "*bold*",
    "😀" * 10_000,
    "👨\u200d👩\u200d👧",
    "x" * 500,
    "x" * 5000,
    "\u0301" * 300,
    "ﷺ" * 100,
    "{name}",
    "%s",
    "(((((",
    "[a-z]*+",
]

UNITS = [
    "a",
    "啊",
    "a ",
    "@",
    "|",
    "`",
    "a.",
    "http://",
    ">",
    "a@",
    "-",
    "www.",
    "\u0301",
    "  ",
    "aa\n>",
    "aa.aa/",
    "😀",
    "\ud800",
    "\u202e",
    "ß",
    "ab",
    "``` ",
    "a_",
    "\x00",
    "1.",
    "@a",
    "/a?",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_harms_nobody(name: str) -> None:
    index = NameIndex.build([("x", derive(name, [name])), ("good", [Name("华星医疗")])])
    index.put("y", [Name(name)])
    assert index.find(f"华星医疗 {name} 。")[0].candidates[0].ref == "good"
    index.remove("x")
    assert len(index) == 2


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_ref_is_a_ref(text: str) -> None:
    index = NameIndex()
    index.put(text, [Name("华星医疗")])
    assert index.find("华星医疗")[0].candidates[0].ref == text
    index.remove(text)
    assert index.find("华星医疗") == []


def test_what_cannot_be_looked_for_is_said() -> None:
    assert unusable("") == unusable(" \u200b") == "empty"
    assert unusable("华") == unusable("X") == "a single character"
    assert unusable("x" * 1001) == "too long"
    assert unusable("!?") == "no letter or digit"
    assert unusable("ABB") is unusable("华星") is unusable("x" * 500) is None


def test_a_name_of_500_characters_is_found() -> None:
    name = "华星" * 250
    (mention,) = NameIndex.build([("1", [Name(name)])]).find("去" + name + "谈")
    assert (mention.start, mention.end) == (1, 501)


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_a_message_of_100_kb_takes_linear_time(unit: str) -> None:
    nested = [(str(size), [Name("a" * size), Name("啊" * size), Name("ab" * (size // 2))]) for size in range(1, 501)]
    index = NameIndex.build([*nested, ("t", [Name("Target")])])
    for size in range(250, 501):
        index.remove(str(size))
    text = unit * (100_000 // len(unit))
    mentions = index.find(f"{text}\n Target ")
    assert len(mentions) <= MAX_MENTIONS
    assert index.find(f"`{text}` Target")[-1:] or unit in ("`", "``` ", ">", "aa\n>")


def test_of_very_many_customers_of_one_name_the_dead_are_passed_over_once() -> None:
    index = NameIndex.build((f"c{number:05}", [Name("华星医疗")]) for number in range(20_000))
    for number in range(9_000):
        index.remove(f"c{number:05}")
    for _ in range(2_000):  # were all the dead passed over each time, this would take minutes
        (mention,) = index.find("去华星医疗")
    assert [one.ref for one in mention.candidates] == [f"c{number:05}" for number in range(9_000, 9_020)]
    for number in range(9_000, 20_000):
        index.remove(f"c{number:05}")
    assert index.find("去华星医疗") == []


def test_very_many_customers_of_one_name_stay_a_short_list() -> None:
    index = NameIndex.build((f"{number:06}", [Name("华星")]) for number in range(20_000))
    assert [one.ref for one in index.find("华星")[0].candidates] == [f"{number:06}" for number in range(MAX_CANDIDATES)]
    for number in range(500):
        index.remove(f"{number:06}")
    assert index.find("华星")[0].candidates[0].ref == "000500"
