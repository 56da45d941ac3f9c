"""Published vectors: ours in docs/reconcile, and 1,200 made elsewhere."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reconcile import make_vectors, second
from tests.reconcile.small import Row, first_answer, spelt

DATA = os.environ.get("FLOATCARD_DATA")
REASONS = {"empty", "causal", "agree", "three_way", "authority", "master", "last_writer", "merged", "review"}


def rows(file: Path) -> Iterator[tuple[Row, Row]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        expect = case.pop("expect")
        yield case, {"name": case["name"], **expect}


def ours() -> list[tuple[Row, Row]]:
    return list(rows(make_vectors.FILE))


def test_both_resolvers_say_what_our_vectors_expect() -> None:
    for case, expect in ours():
        assert spelt(first_answer(case)) == spelt(expect), case["name"]
        assert spelt(second.answer(case)) == spelt(expect), case["name"]


def test_the_file_is_what_its_script_writes() -> None:
    written = "".join(make_vectors.line(case) + "\n" for case in make_vectors.cases())
    assert make_vectors.FILE.read_text(encoding="utf-8") == written


def test_our_vectors_cover_every_reason_and_every_column() -> None:
    cases = ours()
    reasons = Counter(expect["reason"] for _, expect in cases)
    assert len(cases) >= 300 and len({case["name"] for case, _ in cases}) == len(cases)
    assert set(reasons) == REASONS and min(reasons.values()) >= 6, reasons
    edits = [edit for case, _ in cases for edit in case["edits"]]
    assert {edit["kind"] for edit in edits} == {"set", "clear", "resolve", "revert", "snapshot", "proposal"}
    assert sum(edit.get("quarantined", False) for edit in edits) >= 20
    assert sum(not edit["binding"] for edit in edits) >= 50
    assert sum("not-delivered" in edit["parents"] for edit in edits) >= 20
    assert sum(bool(expect["open_proposals"]) for _, expect in cases) >= 50
    policies = [case["policy"] for case, _ in cases]
    assert sum(bool(policy.get("propose_only")) for policy in policies) >= 20
    assert {policy.get("normaliser") for policy in policies} >= {"email", "trimmed"}


def test_our_vectors_hold_cycles_and_positions_shared() -> None:
    cycles = shared = 0
    for case, _ in ours():
        by_id = {edit["id"]: edit for edit in case["edits"]}
        past = second.closure(by_id)
        cycles += any(one in past[one] for one in by_id)
        positions = [(edit["stream"], edit["watermark"]) for edit in by_id.values() if edit["stream"]]
        shared += len(set(positions)) < len(positions)
    assert cycles >= 10 and shared >= 5, (cycles, shared)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="FLOATCARD_DATA names no directory")
def test_both_resolvers_reproduce_the_vectors_made_elsewhere() -> None:
    cases = list(rows(Path(str(DATA)) / "reconcile" / "vectors.jsonl"))
    assert len(cases) == 1200
    for case, expect in cases:
        assert spelt(first_answer(case)) == spelt(expect), case["name"]
        assert spelt(second.answer(case)) == spelt(expect), case["name"]
