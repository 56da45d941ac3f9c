"""How far a value came, in words: saved here, in the CRM since when, refused there and why."""

from __future__ import annotations

import pytest

from cards.facts import FactView
from cards.filters import _written
from cards.words import Reader

NOW = 1_795_222_800_000  # 2026-11-21 01:00 UTC


def fact(**more: object) -> FactView:
    return FactView("phone", "Phone", "1", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("locale", "more", "says"),
    [
        ("en", {"write_state": "saved_here"}, "saved here, not yet in the CRM"),
        ("en", {"write_state": "in_crm"}, "in the CRM"),
        ("en", {"write_state": "in_crm", "write_at": NOW - 60_000}, "in the CRM at 00:59"),
        ("zh-CN", {"write_state": "in_crm", "write_at": NOW - 60_000}, "00:59 已写入 CRM"),
        ("en", {"write_state": "refused"}, "the CRM refused it"),
        (
            "en",
            {"write_state": "refused", "write_why": "Phone is locked.\n Ask the owner."},
            "the CRM refused it: Phone is locked. Ask the owner.",
        ),
        (
            "en",
            {"write_state": "disputed", "write_why": "workflow 7"},
            "something in the CRM keeps writing over it: workflow 7",
        ),
    ],
)
def test_the_words(locale: str, more: dict[str, object], says: str) -> None:
    assert _written(Reader(locale, "UTC", NOW), fact(**more)) == says


def test_a_long_reason_is_told_by_its_beginning() -> None:
    told = _written(Reader("en", "UTC", NOW), fact(write_state="refused", write_why="x" * 5_000))
    assert len(told) < 200 and told.endswith("…")
