"""Whatever a person is refused with can be said in their language: a literal, or a constant marked with `N_`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("reconcile", "crm", "mentions", "cards", "channels", "identity", "gateway")

Trees = dict[str, ast.Module]


def modules() -> Trees:
    """By dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
    }


def plain(tree: ast.Module) -> set[str]:
    """The names of unmarked texts at the top of a module."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def borrowed(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Name here → (module, name there)."""
    return {
        each.asname or each.name: (node.module or "", each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }


def refused(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused" and node.args:
            said = node.args[0]
            if isinstance(said, ast.Name):
                yield said.id, node.lineno


def strays(trees: Trees) -> list[str]:
    unmarked = {module: plain(tree) for module, tree in trees.items()}
    return [
        f"{module}:{line} {name}"
        for module, tree in trees.items()
        for name, line in refused(tree)
        for home, there in [borrowed(tree).get(name, (module, name))]
        if there in unmarked.get(home, ())
    ]


def test_every_refusal_can_be_translated() -> None:
    assert strays(modules()) == [], "mark these texts with N_"


def test_one_that_cannot_is_found_where_it_is_and_where_it_is_borrowed() -> None:
    own = ast.parse('LATE = "Too late."\nSOON = N_("Too soon.")\n\ndef f():\n    raise Refused(LATE)\n')
    other = ast.parse("from own import LATE as L, SOON\n\ndef f():\n    raise Refused(L)\n    raise Refused(SOON)\n")
    assert strays({"own": own, "other": other}) == ["own:5 LATE", "other:4 L"]
