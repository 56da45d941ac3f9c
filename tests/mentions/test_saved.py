"""An index in a file, and swapped in."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentions import index as module
from mentions.cli import build_index
from mentions.index import NameIndex
from mentions.model import Name
from mentions.saved import BadIndexFile, load, save
from tests.mentions.test_index import PUT, TEXT

DICTIONARY = '{"id": "c1", "name": "上海华星医疗器械股份有限公司"}\n{"id": "c2", "name": "Oakline"}\n'


@given(st.lists(PUT, max_size=8), st.lists(TEXT, max_size=3))
@settings(max_examples=60, deadline=None)
def test_what_is_loaded_finds_the_same(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, list[Name]]], texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("saved") / "names"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "YOUNG", 3)
        index = NameIndex()
        for ref, names in puts:
            index.put(ref, names)
        save(index, path)
        loaded = load(path)
        assert len(loaded) == len(index)
        assert [loaded.find(text) for text in texts] == [index.find(text) for text in texts]
        loaded.put("new", [Name("ab星")])
        index.put("new", [Name("ab星")])
        assert [loaded.find(text + " ab星") for text in texts] == [index.find(text + " ab星") for text in texts]
        index.settle()
        loaded.settle()


def saved(tmp_path: Path) -> Path:
    path = tmp_path / "names"
    save(NameIndex.build([("c1", [Name("Oakline")])]), path)
    return path


def test_a_file_cut_short_or_changed_is_told_from_a_good_one(tmp_path: Path) -> None:
    path = saved(tmp_path)
    good = path.read_bytes()
    for size in range(0, len(good), len(good) // 40):
        path.write_bytes(good[:size])
        with pytest.raises(BadIndexFile):
            load(path)
    for at in range(0, len(good), len(good) // 40):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(BadIndexFile):
            load(path)
    path.write_bytes(good)
    assert len(load(path)) == 1


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = saved(tmp_path)
    (tmp_path / "names.new").mkdir()
    with pytest.raises(OSError, match="new"):
        save(NameIndex(), path)
    assert len(load(path)) == 1


def test_an_index_is_built_in_another_process_and_swapped_in(tmp_path: Path) -> None:
    dictionary, out = tmp_path / "d.jsonl", tmp_path / "names"
    dictionary.write_text(DICTIONARY, encoding="utf-8")
    index = NameIndex.build([("old", [Name("Northwind")]), ("c2", [Name("Oakline")])])
    index.mark()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        building = pool.submit(build_index, dictionary, out)
        index.put("c3", [Name("Larkfinch")])
        index.remove("c2")
        assert building.result().customers == 2
    assert index.find("Northwind signed")
    index.swap(load(out))
    assert len(index) == 2
    assert [one.candidates[0].ref for one in index.find("去华星医疗器械, Larkfinch, Oakline, Northwind")] == [
        "c1",
        "c3",
    ]


def test_a_merge_under_way_does_not_bring_back_what_was_swapped_out() -> None:
    index = NameIndex()
    for number in range(6000):
        index.put(f"c{number}", [Name(f"customer {number}")])
    index.swap(NameIndex.build([("only", [Name("Oakline")])]))
    index.settle()
    assert len(index) == 1
    assert index.find("customer 12") == []
