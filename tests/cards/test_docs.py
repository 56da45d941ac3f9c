from __future__ import annotations

import re
from pathlib import Path

from cards.filters import FILTERS
from cards.grammar import TAGS
from tests.cards.standard import STANDARD

PAGE = Path("docs/cards.md").read_text("utf-8")


def test_every_tag_has_a_line_with_its_attributes() -> None:
    lines = dict(re.findall(r"^\| `([a-z-]+)` \|([^|]*)\|[^|]*\|$", PAGE, re.MULTILINE))
    for name, tag in TAGS.items():
        words = [word.strip() for word in lines[name].split(",") if word.strip()]
        assert {word.strip("*") for word in words} == tag.known, name
        assert {word.strip("*") for word in words if word.startswith("**")} == tag.required, name


def test_every_template_and_filter_is_named() -> None:
    for name in STANDARD:
        assert f"| `{name}` |" in PAGE
    for name in FILTERS:
        assert re.search(rf"`[^`]*\b{name}`", PAGE), name
