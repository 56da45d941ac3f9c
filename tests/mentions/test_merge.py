"""Names merged in another process while others put and remove; what is dead goes; nothing is lost when it fails."""

from __future__ import annotations

import threading

import pytest

from mentions import index as module
from mentions import merge
from mentions.index import NameIndex
from mentions.model import Name
from mentions.segment import Segment


def refs(index: NameIndex, text: str) -> list[str]:
    return [each.ref for one in index.find(text) for each in one.candidates]


def filled(index: NameIndex, first: int, last: int) -> NameIndex:
    for number in range(first, last):
        index.put(f"c{number}", [Name(f"customer {number}"), Name(f"客户{number}号", "alias")])
    return index


def test_what_another_process_merged_finds_as_a_fresh_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "HERE", 0)
    monkeypatch.setattr(merge, "FAN", 3)
    index = filled(NameIndex(), 0, 300)
    for number in range(0, 300, 7):
        index.remove(f"c{number}")
    filled(index, 14, 16)
    index.put("c15", [Name("Larkfinch")])
    index.settle()
    assert len(index.segments()) < 4, "one was made of them"
    fresh = filled(NameIndex(), 14, 15)
    kept = [number for number in range(300) if number % 7 and number != 15]
    for number in kept:
        filled(fresh, number, number + 1)
    fresh.put("c15", [Name("Larkfinch")])
    texts = [f"customer {n} 客户{n}号 Larkfinch" for n in (0, 7, 13, 14, 15, 16, 299)]
    assert [index.find(text) for text in texts] == [fresh.find(text) for text in texts]
    assert len(index) == len(fresh)


def test_who_changes_while_it_is_made_is_not_brought_back(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = merge.merged

    def held(group: list[Segment]) -> Segment:
        made = real(group)
        begun.set()
        assert go_on.wait(10)
        return made

    monkeypatch.setattr(module, "merged", held)
    monkeypatch.setattr(merge, "FAN", 2)
    index = filled(NameIndex(), 0, 200)
    assert begun.wait(10)
    for number in range(100):
        index.remove(f"c{number}")
    index.put("c100", [Name("Larkfinch")])
    go_on.set()
    index.settle()
    assert refs(index, "customer 5, customer 100, customer 101, Larkfinch") == ["c101", "c100"]
    assert len(index) == 100


def test_a_segment_that_is_mostly_dead_is_made_anew() -> None:
    index = NameIndex.build((f"c{n}", [Name(f"customer {n}")]) for n in range(2000))
    for number in range(1100):
        index.remove(f"c{number}")
    filled(index, 5000, 5100)  # a seal looks for what is to be merged
    index.settle()
    assert max(segment.rows for segment in index.segments()) < 1000
    assert refs(index, "customer 7, customer 1999, customer 5042") == ["c1999", "c5042"]


def test_what_becomes_one_is_never_larger_than_one_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MOST", 1000)
    monkeypatch.setattr(merge, "LARGE", 100)
    several = [Segment([(f"c{n}-{m}", [(f"ab{n} {m}", Name(f"ab{n} {m}"))]) for m in range(400)]) for n in range(8)]
    assert [one.rows for one in merge.crowd(several)] == [400, 400]
    assert merge.crowd(several[:1]) == []


def test_when_an_eighth_has_changed_all_of_it_becomes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "LARGE", 1000)
    index = NameIndex.build((f"c{n}", [Name(f"customer {n}")]) for n in range(4000))
    filled(index, 4000, 4500)
    index.settle()
    assert max(segment.rows for segment in index.segments()) > 4500
    assert refs(index, "customer 3 and customer 4321") == ["c3", "c4321"]


def test_a_merge_that_fails_loses_nothing_and_is_tried_again_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(merge, "HERE", 0)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    index = filled(NameIndex(), 0, 900)
    index.settle()
    assert len(caplog.records) == 1 and "could not be merged" in caplog.text
    assert refs(index, "customer 3 and customer 899") == ["c3", "c899"]
    monkeypatch.undo()
    filled(index, 900, 900 + merge.YOUNG * module.PATIENCE // 2)
    index.settle()
    assert len(index.segments()) < 20
    assert refs(index, "customer 3 and customer 899") == ["c3", "c899"]
