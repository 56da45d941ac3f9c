from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from crm.mapping import FieldMap, FieldMapping, Mapped
from crm.model import FieldInfo, FieldValue
from crm.values import heard, spelled
from gateway.errors import Refused


class Config(Mapped):
    usual: ClassVar = {"phone": FieldMap(theirs="phone1", type="phone")}
    fixed: ClassVar = frozenset({"id"})


def mapping(**fields: Any) -> FieldMapping:
    return Config.model_validate({"fields": fields}).mapping


def fault(fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"fields": fields})
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in caught.value.errors(include_url=False)
    )


STAGE = {"theirs": "state", "type": "choice", "options": {"open": "draft", "won": "done"}}


def test_a_bare_text_is_their_name() -> None:
    assert mapping(phone="tel").by_ours["phone"] == FieldMap(theirs="tel")


def test_without_a_mapping_the_connectors_usual_one_holds() -> None:
    assert Config().mapping.asked == ("phone1",)
    assert mapping(city="town").asked == ("town",)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"phone": {"theirs": ""}}, "fields.phone.theirs"),
        ({"phone": {"their": "x"}}, "fields.phone.their"),
        ({"phone": {"theirs": "x", "direction": "up"}}, "fields.phone.direction"),
        ({"phone": {"theirs": "x", "type": "money"}}, "fields.phone.type"),
        ({"phone": {"theirs": "x", "sensitivity": "secret"}}, "fields.phone.sensitivity"),
        ({"phone": {"theirs": "x", "authority": "king"}}, "fields.phone.authority"),
        ({"phone": {"theirs": "x", "options": {"a": "b"}}}, 'options belong to type = "choice"'),
        ({"stage": {**STAGE, "options": {"a": "x", "b": "x"}}}, "two of our values are both 'x' there"),
        ({"Phone": "x"}, "our names are small letters"),
        ({"a": "x", "b": "x"}, "two of our fields are written to 'x'"),
        ({"a": "id"}, "a: 'id' cannot be written there"),
    ],
)
def test_what_cannot_work_is_named_by_its_key(fields: Any, says: str) -> None:
    assert says in fault(fields)


def test_one_of_theirs_may_be_read_as_two_of_ours() -> None:
    found = mapping(a="x", b={"theirs": "x", "direction": "read"})
    assert found.asked == ("x",)
    assert {name: each.value for name, each in found.hear({"x": "1"}).fields.items()} == {"a": "1", "b": "1"}


def test_what_is_empty_there_is_said_to_be_empty() -> None:
    found = mapping(a="x", b="y", c="z").hear({"x": None, "y": "  ", "z": "v"}, as_of=7)
    assert found.fields == {name: FieldValue(v, "[CRM]", 7) for name, v in (("a", None), ("b", None), ("c", "v"))}


def test_a_vanished_field_is_never_taken_for_an_empty_one() -> None:
    with pytest.raises(Refused, match="no longer has the field") as caught:
        mapping(a="x", b="gone").hear({"x": "1"})
    assert caught.value.facts == {"field": "gone"}
    assert mapping(a="x", b="gone").hear({"x": "1"}, sparse=True).fields["b"].value is None


def test_only_what_is_read_is_asked_for_and_heard() -> None:
    found = mapping(a={"theirs": "x", "direction": "write"}, b="y")
    assert found.asked == ("y",)
    assert set(found.hear({"y": "1"}).fields) == {"b"}


def test_choices_are_ours_here_and_theirs_there() -> None:
    found = mapping(stage=STAGE)
    assert found.hear({"state": "done"}).fields["stage"].value == "won"
    assert found.spell("stage", "Won")[1] == "done"
    assert found.spell("stage", None)[1] is None
    with pytest.raises(Refused, match="is not one of"):
        found.spell("stage", "lost")


def test_a_choice_nobody_knows_stays_as_it_is_and_is_told() -> None:
    found = mapping(stage=STAGE).hear({"state": "escalated"})
    assert found.fields["stage"].value == "escalated"
    assert found.odd == {"stage": "unknown_choice"}


def test_what_is_only_read_is_not_written() -> None:
    found = mapping(a={"theirs": "x", "direction": "read"})
    with pytest.raises(Refused, match="only read"):
        found.spell("a", "1")
    with pytest.raises(Refused, match="has no field called"):
        found.spell("b", "1")


@pytest.mark.parametrize(
    ("type_", "raw", "value", "odd"),
    [
        ("text", 7, "7", ""),
        ("text", 7.0, "7", ""),
        ("text", True, "true", ""),
        ("text", {"b": 1, "a": [None]}, '{"a":[null],"b":1}', "not_a_text"),
        ("text", b"\x00", "b'\\x00'", "not_a_text"),
        ("text", "a\x00\ud800b", "a��b", ""),
        ("phone", 8613800000000, "8613800000000", ""),
        ("decimal", "480,000.50", "480000.50", ""),
        ("decimal", "１２", "12", ""),
        ("decimal", 1e21, "1000000000000000000000", ""),
        ("decimal", Decimal("4.50"), "4.50", ""),
        ("decimal", 4.5, "4.5", ""),
        ("decimal", 4, "4", ""),
        ("decimal", "4e2", "400", ""),
        ("decimal", "about 4", "about 4", "not_a_number"),
        ("decimal", float("nan"), "nan", "not_a_number"),
        ("decimal", True, "true", "not_a_number"),
        ("decimal", [1], "[1]", "not_a_text"),
        ("date", "2026-12-01", "2026-12-01", ""),
        ("date", "2026-12-01T10:00:00Z", "2026-12-01", ""),
        ("date", datetime(2026, 12, 1, 10, tzinfo=UTC), "2026-12-01", ""),
        ("date", date(2026, 12, 1), "2026-12-01", ""),
        ("date", "2026-13-01", "2026-13-01", "not_a_date"),
        ("date", 5, "5", "not_a_date"),
        ("choice", "x", "x", ""),
        ("choice", 3, "3", ""),
        ("text", "", None, ""),
    ],
)
def test_what_a_crm_says(type_: Any, raw: object, value: object, odd: str) -> None:
    assert heard(type_, raw) == (value, odd)


def test_whatever_a_crm_says_something_is_made_of_it() -> None:
    dice = random.Random(20261121)
    pieces: list[Any] = [
        "",
        "\x00",
        "\ud800",
        "1",
        "-",
        "e9",
        ".",
        ",",
        "2026-02-30",
        "<b>",
        "😀",
        " ",
        None,
        0,
        True,
        [],
        {"a": 1},
    ]
    for _ in range(3_000):
        picked = dice.choices(pieces, k=dice.randint(1, 5))
        raw = picked[0] if dice.random() < 0.5 else "".join(map(str, picked))
        for type_ in ("text", "phone", "email", "decimal", "date", "choice"):
            value, _ = heard(type_, raw, {"x": "y"})
            assert value is None or isinstance(value, str)
            if isinstance(value, str):
                value.encode()


@pytest.mark.parametrize("value", ["480000.50", "-1", "0"])
def test_a_number_comes_back_as_it_went(value: str) -> None:
    assert heard("decimal", spelled("Amount", "decimal", value, limit=99)) == (value, "")


OFFERED = (
    FieldInfo("phone", "Phone", "phone", native="char"),
    FieldInfo("state", "State", "choice", ("draft", "done"), native="selection"),
    FieldInfo("total", "Total", "decimal", writable=False, native="numeric"),
    FieldInfo("lines", "Lines", "other", native="one2many"),
)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"phone": {"theirs": "phone", "type": "phone"}, "stage": STAGE}, []),
        ({"a": "Phone"}, [("fields.a.theirs", "the CRM has no field 'Phone'; it has 'phone'")]),
        ({"a": "fax"}, [("fields.a.theirs", "the CRM has no field 'fax'")]),
        ({"a": "total"}, [("fields.a.direction", "'total' cannot be written there; give it direction = \"read\"")]),
        (
            {"a": {"theirs": "lines", "type": "date", "direction": "read"}},
            [("fields.a.type", "'lines' is one2many there, which holds no date")],
        ),
        (
            {"stage": {**STAGE, "options": {"won": "finished"}}},
            [("fields.stage.options", "'state' takes no 'finished'; it takes draft, done")],
        ),
    ],
)
def test_a_mapping_that_cannot_work_on_what_the_crm_has(fields: Any, faults: list[tuple[str, str]]) -> None:
    assert mapping(**fields).unfit(OFFERED) == faults
