"""One spelling per value, and what a field may hold."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from reconcile.canonical import as_decimal, canonical, decimal_text, equal, known_normaliser, normalise, sound, valid
from reconcile.model import Json, MergePolicy
from reconcile.policy import Policies, policy_hash


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (7.0, "7"),
        (-0.0, "0"),
        (1.5, '"1.5"'),
        (1e-7, '"0.0000001"'),
        (1e21, "1" + "0" * 21),
        ("7", '"7"'),
        ("e\u0301", '"é"'),
        ({"b": 1, "a": [1, "甲"]}, '{"a":[1,"甲"],"b":1}'),
        ("\0\n", '"\\u0000\\n"'),
    ],
)
def test_the_canonical_spelling(value: Json, text: str) -> None:
    assert canonical(value) == text.encode()


WRONG: list[Any] = [
    float("nan"),
    float("inf"),
    "\ud800",
    {"\udfff": 1},
    {"é": 1, "e\u0301": 2},
    {1: 2},
    nested(99_999),
    b"x",
]


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_what_has_no_canonical_spelling(value: Any) -> None:
    assert not sound(value)
    with pytest.raises(ValueError):
        canonical(value)


def test_a_text_by_itself_is_spelt_as_in_a_list() -> None:
    for text in ("", 'a"b\\c', "".join(map(chr, range(0x2100))), "e\u0301", "\U0001f600"):
        assert canonical([text]) == b"[" + canonical(text) + b"]"
        assert json.loads(canonical(text)) == unicodedata.normalize("NFC", text)


def test_depth_has_a_limit() -> None:
    assert sound(nested(64)) and not sound(nested(65))


def test_seven_true_and_one_differ() -> None:
    values: list[Json] = [7, "7", True, 1, "true", None, "", [], {}]
    assert len({canonical(value) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("normaliser", "a", "b", "same"),
    [
        ("phone:CN", "138 0013 8000", "+86 13800138000", True),
        ("phone:CN", "(010) 6552 9988", "+861065529988", True),
        ("phone:CN", "+1 415 555 2671", "415-555-2671", False),
        ("phone", "138 0013 8000", "+86 13800138000", False),
        ("phone", "+86 138-0013-8000", "+8613800138000", True),
        ("phone:CN", "010 65529988 ext 3", "010 65529988 ext 4", False),
        ("phone:CN", "ask Li", "ask  Li", False),
        ("phone:CN", None, "", False),
        ("decimal", "1.50", 1.5, True),
        ("decimal", "０１.5", "1.5", True),
        ("decimal", "1,500", "1500", False),
        ("decimal", True, 1, False),
        ("decimal", "-0", 0, True),
        ("email", " Li@Example.COM", "li@example.com", True),
        ("email", "Li", "li", False),
        ("trimmed", " e\u0301 ", "é", True),
        ("trimmed", "a  b", "a b", False),
        ("identity", "a ", "a", False),
        ("identity", {"b": 1, "a": 2}, {"a": 2, "b": 1}, True),
    ],
)
def test_values_are_compared_by_their_images(normaliser: str, a: Json, b: Json, same: bool) -> None:
    assert equal(normaliser, a, b) is same and equal(normaliser, b, a) is same


@pytest.mark.parametrize("normaliser", ["identity", "trimmed", "email", "decimal", "phone:CN", "phone"])
@pytest.mark.parametrize(
    "value", [None, True, 3, 1.5, [], {"a": 1}, "", "x" * 9000, "9" * 9000, "<!channel>", "\u202e1"]
)
def test_every_normaliser_takes_anything_and_settles(normaliser: str, value: Json) -> None:
    once = normalise(normaliser, value)
    assert equal(normaliser, once, value) and normalise(normaliser, once) == once


def test_an_unknown_normaliser_is_named() -> None:
    assert known_normaliser("phone:CN") and known_normaliser("email")
    for name in ("phones", "phone:XX", "email:CN", ""):
        assert not known_normaliser(name)
    with pytest.raises(ValueError, match="phones"):
        normalise("phones", "1")


def test_decimals_are_exact() -> None:
    number = as_decimal("123456789012345678901234567890.10")
    assert number is not None and decimal_text(number) == "123456789012345678901234567890.1"
    wrongs: list[Json] = ["1e9", "", ".", "NaN", "1 000", "--1", None, [], float("inf")]
    for wrong in wrongs:
        assert as_decimal(wrong) is None


RIGHT: list[tuple[str, Json]] = [
    ("text", "two\nlines\tof 甲 🙂"),
    ("text", "x" * 3000),
    ("phone", "+86 138-0013-8000"),
    ("phone", "010-65529988 转 3"),
    ("email", "li@例子.中国"),
    ("decimal", "-1.50"),
    ("decimal", 3),
    ("date", "2028-02-29"),
    ("choice", "gold"),
    ("email", None),
]


@pytest.mark.parametrize(("type_", "value"), RIGHT)
def test_a_right_value_is_taken(type_: str, value: Json) -> None:
    assert valid(type_, value, ("gold", "silver") if type_ == "choice" else ()) is None


@pytest.mark.parametrize(
    ("type_", "value", "says"),
    [
        ("text", 7, "text"),
        ("text", True, "text"),
        ("text", ["x"], "text"),
        ("text", "x" * 3001, "3000"),
        ("text", "x" * 100_000, "3000"),
        ("text", "a\0b", "stored"),
        ("text", "\ud800", "stored"),
        ("phone", "ask Li", "phone"),
        ("phone", "12", "phone"),
        ("phone", "1" * 40, "phone"),
        ("email", "li@", "e-mail"),
        ("email", "a b@c.de", "e-mail"),
        ("email", "<!channel>@c.de", "e-mail"),
        ("decimal", "1,5", "number"),
        ("decimal", True, "text"),
        ("decimal", "1e5", "number"),
        ("date", "2027-02-29", "date"),
        ("date", "1.2.2027", "date"),
        ("choice", "bronze", "choices"),
    ],
)
def test_a_wrong_value_is_told(type_: str, value: Json, says: str) -> None:
    said = valid(type_, value, ("gold", "silver") if type_ == "choice" else ())
    assert said is not None and says in said


def test_an_unknown_type_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="colour"):
        valid("colour", "red")


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "review"},
        {"fallback": "last_writer_wins"},
        {"authority": ("crm",)},
        {"master": "crm"},
        {"rank": ("crm",)},
        {"propose_only": ("crm",)},
        {"min_role": "manager"},
        {"normaliser": "trimmed"},
        {"merge": "counter"},
        {"order": ("a",)},
        {"name": "x"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_policy_hash_covers_every_column(change: dict[str, Any]) -> None:
    assert set(MergePolicy.__dataclass_fields__) == set(MergePolicy.__slots__)
    assert policy_hash(MergePolicy(**change)) != policy_hash(MergePolicy()) == policy_hash(MergePolicy())


def test_the_policy_hash_covers_the_version_of_the_normaliser(monkeypatch: pytest.MonkeyPatch) -> None:
    was = policy_hash(MergePolicy(normaliser="email"))
    monkeypatch.setattr("reconcile.policy.NORMALISER_VERSION", "next")
    assert policy_hash(MergePolicy(normaliser="email")) != was


def test_a_policy_is_looked_up_by_field_then_kind_then_default() -> None:
    default, kind, plain, narrow = (MergePolicy(name=name) for name in ("default", "kind", "field", "narrow"))
    found = Policies(default, {"contact": kind}, {"phone": plain, "contact.phone": narrow})
    asked = [("account", "title"), ("contact", "title"), ("account", "phone"), ("contact", "phone")]
    assert [found.of(*one).name for one in asked] == ["default", "kind", "field", "narrow"]
