"""A suggester in a file: the same suggestions, made elsewhere; a file of no use is told from a good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentions import slips
from mentions.filed import BadIndexFile
from mentions.index import NameIndex
from mentions.model import Name
from mentions.saved import save
from mentions.suggest import Changing, Suggester, suggest
from tests.mentions.test_suggest import SUGGESTER

TEXTS = ("花星医疗的合同", "hxyl那边怎么样", "Kesler is late", "ask oakline furnitures", "nobody")


def test_what_is_loaded_suggests_the_same(tmp_path: Path) -> None:
    slips.save(SUGGESTER, tmp_path / "slips")
    loaded = slips.load(tmp_path / "slips")
    assert [loaded.suggest(text) for text in TEXTS] == [SUGGESTER.suggest(text) for text in TEXTS]
    slips.save(Suggester(), tmp_path / "none")
    assert slips.load(tmp_path / "none").suggest("Kesler") == []


def test_it_is_made_from_an_index_in_another_process(tmp_path: Path) -> None:
    save(NameIndex.build([("ol", [Name("Oakline Furniture"), Name("Oakline")])]), tmp_path / "names")
    slips.build(tmp_path / "names", tmp_path / "slips")
    (found,) = slips.load(tmp_path / "slips").suggest("call Oaklnie")
    assert (found.refs, found.name) == (("ol",), "Oakline")
    with pytest.raises(OSError, match="ended"):
        slips.build(tmp_path / "nothing", tmp_path / "slips")


def test_a_file_cut_short_or_changed_is_told_from_a_good_one(tmp_path: Path) -> None:
    path = tmp_path / "slips"
    slips.save(SUGGESTER, path)
    good = path.read_bytes()
    for at in range(0, len(good), len(good) // 40):
        for bad in (good[:at], good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]):
            path.write_bytes(bad)
            with pytest.raises(BadIndexFile):
                slips.load(path)


@pytest.mark.parametrize("name", ["Zorvex", "Zorvexlabs", "Zorvex Labs", "Zorvex Lab Co", "Zorvex Laboratories"])
def test_a_slip_anywhere_in_a_name_of_any_length_is_found(name: str) -> None:
    known = Suggester([("z", [Name(name)]), ("o", [Name("Oakline")])])
    folded = name.casefold()
    for at in range(len(folded)):
        for slip in (
            folded[:at] + folded[at + 1 :],
            folded[:at] + "q" + folded[at:],
            folded[:at] + "q" + folded[at + 1 :],
        ):
            if " " in slip.strip() or " " not in folded:
                found = [one.refs for one in known.suggest(f"so {slip.strip()} it is")]
                assert found == [("z",)], slip


def test_a_name_that_changed_is_known_by_its_new_spelling_alone() -> None:
    changing = Changing()
    changing.put("z", [Name("Zorvex Labs"), Name("Shared Name")])
    changing.put("y", [Name("Shared Name")])
    changing.put("z", [Name("Quilth Foods")])
    assert suggest([changing], "ask Zorvx Labs") == []
    assert [one.refs for one in suggest([changing], "ask Quilh Foods or Sharedx Name")] == [("z",), ("y",)]
    changing.put("z", [])
    changing.put("y", [])
    assert not changing._by, "nothing is left behind"
