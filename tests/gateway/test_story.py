"""Every step that is noted anywhere can be told, and in both languages."""

from __future__ import annotations

import ast
from pathlib import Path

from cards.words import say
from gateway.story import _STEPS

ROOT = Path(__file__).resolve().parents[2]


def noted() -> set[str]:
    """The first argument of every `….note(…)` in the gateway."""
    found: set[str] = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "note":
                found |= _words(node.args[0]) - {"resolve"} if not _of_admins(node.func.value) else set()
    return found


def _of_admins(whose: ast.expr) -> bool:
    """The record of what admins do is another one."""
    return isinstance(whose, ast.Attribute) and whose.attr == "_audit"


def _words(node: ast.AST) -> set[str]:
    constants = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def test_every_noted_step_can_be_told() -> None:
    assert noted() - set(_STEPS) == set()


def test_nothing_is_told_that_is_never_noted() -> None:
    assert set(_STEPS) - noted() == set()


def test_the_labels_are_translated() -> None:
    assert say("zh-CN", "Matched") != "Matched"
