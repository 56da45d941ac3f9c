"""Customers by a part of a name, for an admin who searches."""

from __future__ import annotations

from mentions.index import NameIndex
from mentions.model import Name


def names(*texts: str) -> list[Name]:
    return [Name(text, "title", 1.0) for text in texts]


def test_a_part_of_any_name_is_found_at_once_and_in_the_order_of_refs() -> None:
    index = NameIndex.build([("c", names("华星医疗")), ("a", names("Northlake Instruments")), ("b", names("华兴医疗"))])
    index.put("d", names("NORTHWIND", "北风"))
    assert index.within("医疗", 10) == ["b", "c"]
    assert index.within("nOrTh", 10) == ["a", "d"]
    assert index.within("医疗", 1) in (["b"], ["c"])
    assert index.within("", 10) == [] and index.within("\udc00", 10) == [] and index.within("(", 10) == []


def test_what_is_removed_or_never_meant_is_not_found() -> None:
    index = NameIndex.build([("a", names("baab")), ("b", [Name("baa", "never", 1.0)])])
    assert index.within("aa", 10) == ["a"]
    index.remove("a")
    assert index.within("aa", 10) == []


def test_a_part_is_not_put_together_from_two_names() -> None:
    index = NameIndex.build([("a", names("xxba")), ("b", names("aabxx"))])
    assert index.within("baaa", 10) == []
    assert index.within("aab", 10) == ["b"]
