"""The table of rules names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

TABLE = Path("docs/access.md")


def test_every_rule_has_tests_and_every_test_named_exists() -> None:
    rows = re.findall(r"^\| (A[1-8]) \|.*\| ([^|]*) \|$", TABLE.read_text("utf-8"), re.M)
    assert [rule for rule, _ in rows] == [f"A{n}" for n in range(1, 9)]
    there = "\n".join(path.read_text("utf-8") for path in Path("tests").rglob("test_*.py"))
    found = set(re.findall(r"^(?:async )?def (test_\w+)", there, re.M))
    for rule, tests in rows:
        named = re.findall(r"`(test_\w+)`", tests)
        assert named and set(named) <= found, (rule, set(named) - found)


def test_every_test_named_for_a_rule_is_in_the_table() -> None:
    told = TABLE.read_text("utf-8")
    ours = Path("tests/disclosure/test_rules.py").read_text("utf-8")
    assert all(f"`{name}`" in told for name in re.findall(r"def (test_a[1-8]_\w+)", ours))
