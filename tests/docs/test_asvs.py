"""The checklist of security names where each item is met and what holds it: none of these names is of something that is
gone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "asvs.md"
_NAME = re.compile(r"`((?:tests|gateway|crm|channels|identity|scripts|docs)/[\w/.]+?)(?:::(\w+))?`")
CHAPTERS = 17


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| V")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def missing(text: str) -> list[str]:
    gone = []
    for path, name in _NAME.findall(text):
        file = ROOT / path
        if not file.exists():
            gone.append(path)
        elif name and name not in _defined(file):
            gone.append(f"{path}::{name}")
    return gone


def _defined(file: Path) -> set[str]:
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    return {each.name for each in tree if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


def test_every_file_and_test_it_names_is_there() -> None:
    assert missing(PAGE.read_text("utf-8")) == []
    assert missing((ROOT / "docs" / "security.md").read_text("utf-8")) == []


def test_every_chapter_is_gone_through_and_what_applies_is_tested() -> None:
    assert {int(re.match(r"V(\d+)", row[0])[1]) for row in rows()} == set(range(1, CHAPTERS + 1))  # type: ignore[index]
    untested = [row[0] for row in rows() if row[1].startswith(("yes", "part")) and not _NAME.search(row[3])]
    assert untested == []
    named = [name for row in rows() for _, name in _NAME.findall(row[3]) if name]
    assert len(named) > 40, "tests by their names, not files alone"


@pytest.mark.parametrize("wrong", ["`tests/gone.py`", "`tests/docs/test_asvs.py::test_gone`"])
def test_a_name_of_what_is_gone_is_found(wrong: str) -> None:
    assert missing(wrong)
