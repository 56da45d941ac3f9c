"""People as they are addressed."""

from __future__ import annotations

import pytest

from mentions.people import Contact, addressed, family_name

ROOM = [
    Contact("p1", "王小明", "总经理"),
    Contact("p2", "李强", "工程师"),
    Contact("p3", "欧阳锋"),
    Contact("p4", "Anna Chen"),
    Contact("p5", "李娜", "经理"),
    Contact("p6", "Prince"),
    Contact("p7", "(", ""),
]


@pytest.mark.parametrize(
    ("text", "stretch", "refs"),
    [
        ("王总说可以", "王总", ["p1"]),
        ("问下李工", "李工", ["p2"]),
        ("李经理在吗", "李经理", ["p5"]),
        ("李总来了", "李总", ["p2", "p5"]),
        ("欧阳老师好", "欧阳老师", ["p3"]),
        ("ask Ms. Chen please", "Ms. Chen", ["p4"]),
        ("ASK MS CHEN", "MS CHEN", ["p4"]),
    ],
)
def test_who_is_addressed(text: str, stretch: str, refs: list[str]) -> None:
    (mention,) = addressed(text, ROOM)
    assert text[mention.start : mention.end] == stretch
    assert [one.ref for one in mention.candidates] == refs


@pytest.mark.parametrize("text", ["他老王总是迟到", "张总来了", "Dr Chenoweth", "`王总`", "Ms. Prince", "李子熟了", ""])
def test_who_is_not(text: str) -> None:
    assert addressed(text, ROOM) == []


def test_nobody_in_the_room_and_quotes() -> None:
    assert addressed("王总", []) == []
    assert addressed("王总", ROOM, quoted=[(0, 2)]) == []


def test_family_names() -> None:
    assert [family_name(name) for name in ("王小明", "欧阳锋", "Anna Chen", "Prince", " ")] == [
        "王",
        "欧阳",
        "Chen",
        "",
        "",
    ]
