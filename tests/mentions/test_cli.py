"""The command's work: files in, predictions out, a tally of what was left aside."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from mentions import building
from mentions.cli import Tally, build_index, run
from mentions.model import Name
from mentions.saved import load, save

CUSTOMERS = [
    {"id": "c1", "name": "上海华星医疗器械股份有限公司", "aliases": ["华星医疗"], "locale": "zh"},
    {"id": "c2", "name": "Brightwater Logistics Ltd.", "aliases": []},
    {"id": "c3", "name": "Oakline", "aliases": []},
    {"id": "c4", "name": "Oakline"},
]


def predict(folder: Path, dictionary: list[Any], messages: list[Any]) -> tuple[list[dict[str, Any]], Tally]:
    for name, lines in (("d", dictionary), ("m", messages)):
        text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    out = io.StringIO()
    tally = run(folder / "d", folder / "m", out)
    return [json.loads(line) for line in out.getvalue().splitlines()], tally


def test_predictions_in_the_documented_form(tmp_path: Path) -> None:
    messages = [
        {"id": "m1", "text": "明天去华星医疗谈续约", "mentions": "not looked at"},
        {"id": "m2", "text": "Oakline signed today"},
        {"id": "m3", "text": "午饭吃什么"},
        {"id": "m4", "text": "call Brightwater Logistics about the invoice"},
    ]
    lines, tally = predict(tmp_path, CUSTOMERS, messages)
    assert lines == [
        {"id": "m1", "mentions": [{"start": 3, "end": 7, "customer_id": "c1"}]},
        {"id": "m2", "mentions": [{"start": 0, "end": 7, "candidates": ["c3", "c4"]}]},
        {"id": "m3", "mentions": []},
        {"id": "m4", "mentions": [{"start": 5, "end": 26, "customer_id": "c2"}]},
    ]
    assert (tally.customers, tally.messages, tally.cards, tally.asks) == (4, 4, 2, 1)


def test_broken_lines_are_told_by_number(tmp_path: Path) -> None:
    dictionary = [
        "{",
        "[1]",
        {"id": 5, "name": "x"},
        {"id": "a", "name": "Oakline", "aliases": "x"},
        "",
        *CUSTOMERS[:1],
        CUSTOMERS[0],
    ]
    messages = ['{"id": "m1"}', '{"id": "m2", "text": "\\ud800"}', {"id": "m3", "text": "华星医疗"}, "\x00"]
    lines, tally = predict(tmp_path, dictionary, messages)
    assert [line["id"] for line in lines] == ["m3"]
    assert [number for number, _ in tally.dictionary_ignored] == [1, 2, 3, 4, 7]
    assert [number for number, _ in tally.messages_ignored] == [1, 2, 4]
    assert "dictionary line 1: not JSON" in list(tally.lines())


def test_names_not_looked_for_are_told(tmp_path: Path) -> None:
    given = [
        {"id": "1", "name": "X", "aliases": ["", "Xylo"]},
        {"id": "2", "name": " "},
        {"id": "3", "name": "x" * 1001},
    ]
    _, tally = predict(tmp_path, given, [])
    assert tally.dictionary_ignored == [
        (1, "name not looked for: a single character"),
        (2, "name not looked for: empty"),
        (3, "name not looked for: too long"),
    ]
    assert build_index(tmp_path / "d", tmp_path / "out").dictionary_ignored == tally.dictionary_ignored


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(tmp_path / "none", tmp_path / "none", io.StringIO())


def test_an_index_of_very_many_is_built_in_parts_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [{"id": f"c{n}", "name": f"Zorvex{n} Labs"} for n in range(9)] + [{"id": "c1", "name": "Oakline"}, "{"]
    (tmp_path / "d").write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
    whole = build_index(tmp_path / "d", tmp_path / "whole")
    monkeypatch.setattr(building, "PART", 4)
    parts = build_index(tmp_path / "d", tmp_path / "parts")
    assert whole == parts and parts.customers == 9
    assert [number for number, _ in parts.dictionary_ignored] == [2, 11]
    one, many = load(tmp_path / "whole"), load(tmp_path / "parts")
    assert (len(one.segments()), len(many.segments()), len(many)) == (1, 5, 9)
    for text in ("Zorvex1 Labs", "Zorvex8 Labs and Zorvex0 Labs", "Oakline"):
        assert many.find(text) == one.find(text)
    many.put("c8", [Name("Quilth")])
    assert many.find("Zorvex8 Labs") == [] and many.find("Quilth")[0].candidates[0].ref == "c8"
    save(many, tmp_path / "again")
    assert len(load(tmp_path / "again").segments()) == 1


def test_an_empty_list_makes_an_empty_index(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("")
    build_index(tmp_path / "d", tmp_path / "out")
    assert len(load(tmp_path / "out")) == 0
