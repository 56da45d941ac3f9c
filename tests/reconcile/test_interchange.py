"""Cases as JSON lines: what is read, what is said of a bad line, and why in words."""

from __future__ import annotations

import json

import pytest

from reconcile.interchange import BadLine, answers, case_row, explain, parse, run
from tests.reconcile.make_vectors import cases
from tests.reconcile.small import spelt

GOOD = json.dumps(
    {
        "name": "n",
        "policy": {"mode": "review"},
        "edits": [
            {"id": "a", "source": "crm", "value": 1},
            {"id": "b", "source": "wecom", "value": True, "parents": ["a"]},
            {"id": "c", "source": "slack", "value": "1", "parents": ["a"]},
        ],
    }
)


def broken(**edit: object) -> str:
    return json.dumps({"edits": [{"id": "a", "source": "crm", **edit}]})


def test_an_answer_has_these_keys() -> None:
    (line,) = run([GOOD])
    assert json.loads(line) == {
        "name": "n",
        "reason": "review",
        "winner": "a",
        "value": 1,
        "heads": ["b", "c"],
        "losers": ["b", "c"],
        "conflict": True,
        "open_proposals": [],
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ("[]", "a case is an object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"edits": {}}', "edits must be a list"),
        ('{"edits": [1]}', "edit 1 is an object"),
        ('{"edits": [{"source": "crm"}]}', "edit 1: id is missing"),
        ('{"edits": [{"id": "a"}]}', "edit 1: source is missing"),
        ('{"edits": [{"id": "a", "source": "crm", "value": NaN}]}', "NaN is no JSON value"),
        (broken(kind="put"), "kind 'put' is none of set"),
        (broken(parents="b"), "parents must be a list"),
        (broken(parents=[1]), "parents must be a list of strings"),
        (broken(watermark=True), "watermark must be an integer"),
        (broken(time="noon"), "time must be an integer"),
        (broken(binding=1), "binding must be true or false"),
        ('{"policy": {"mode": "best"}}', "mode 'best' is none of authoritative"),
        ('{"policy": {"rank": "crm"}}', "rank must be a list"),
        ('{"policy": {"normaliser": "phones"}}', "no normaliser is called 'phones'"),
        ('{"policy": {"merge": "sum"}}', "merge 'sum' is none of set_union"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_goes_on(line: str, says: str) -> None:
    first, second, third = answers(["", GOOD, line, GOOD])
    assert first.error is None and third.error is None and (first.line, second.line, third.line) == (2, 3, 4)
    assert second.error is not None and second.error.startswith("line 3: ") and says in second.error
    assert json.loads(second.text) == {"error": second.error, "line": 3}


@pytest.mark.parametrize("other", [1.0, True, "1"])
def test_two_edits_under_one_id_are_refused(other: object) -> None:
    rows = [{"id": "a", "source": "crm", "value": 1}, {"id": "a", "source": "crm", "value": other}]
    with pytest.raises(BadLine, match="two different edits"):
        parse(json.dumps({"edits": rows}))
    assert len(parse(json.dumps({"edits": rows[:1] * 2})).edits) == 2


def test_a_case_written_out_reads_back() -> None:
    for row in cases(number=60):
        case = parse(json.dumps(row))
        assert parse(json.dumps(case_row(case.name, case.policy, case.edits))) == case


def test_what_utf8_cannot_write_is_escaped() -> None:
    (line,) = run([json.dumps({"name": "\ud800 甲", "edits": []})])
    assert json.loads(line.encode("utf-8"))["name"] == "\ud800 甲"


def test_why_in_words() -> None:
    said = explain(parse(GOOD))
    assert said.splitlines()[0] == "n"
    assert 'before: "a" set 1 by "crm"' in said
    assert 'lost: "b" set true by "wecom": waits for a person' in said


def test_every_vector_can_be_explained() -> None:
    lines = [json.dumps(row) for row in cases()]
    said = list(answers(lines, explain))
    assert len(said) == len(lines) and all(answer.error is None and "why: " in answer.text for answer in said)


def test_words_never_steer_a_terminal() -> None:
    row = {"id": "a\u202e", "source": "crm\x1b[31m", "value": "\x1b]0;x\x07\u2066"}
    said = explain(parse(json.dumps({"name": "\x1b[2J", "edits": [row]})))
    assert all(c.isprintable() or c == "\n" for c in said)


def test_what_was_written_is_said_back_alike() -> None:
    (line,) = run([broken(value={"b": 1.50, "a": ["甲", 1]})])
    assert spelt(json.loads(line)["value"]) == spelt({"b": 1.5, "a": ["甲", 1]})
