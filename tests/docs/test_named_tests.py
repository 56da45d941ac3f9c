"""The pages that name the test of each promise name one there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["docs/crm/mapping.md", "docs/failures.md", "docs/reconcile/promises.md"])
def test_every_test_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = set(re.findall(r"`(tests/[\w/.]+)`", text))
    assert paths and [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    written += "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("contract.py"))
    known = set(re.findall(r"def (test_\w+)", written))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert [name for name in sorted(named) if name not in known] == []
