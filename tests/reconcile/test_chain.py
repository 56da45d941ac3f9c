"""P16: whatever is done to a chain is found, and where."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

import pytest

from reconcile.chain import (
    GENESIS,
    Fault,
    Root,
    daily_root,
    decision_hash,
    heads_of,
    inputs_digest,
    read_trace_code,
    seal,
    shard_of,
    trace_code,
    verify,
)
from reconcile.model import Decision, Resolution

LENGTH = 12
NOW = 64 * 2**34


def decided(i: int) -> Resolution:
    return Resolution("three_way", f"e{i}", f"138 {i}", (f"e{i}", "x"), ("x",), False, (), "b", {"x": "unchanged"})


def link(shard: int, seq: int, prev: str, **more: Any) -> Decision:
    given: dict[str, Any] = {
        "record": f"crm:account:{shard}",
        "field": "phone",
        "trigger": "edit",
        "trigger_edit": f"e{seq}",
        "policy": "default",
        "policy_hash": "p" * 64,
        "engine": "1",
        "inputs_digest": inputs_digest([f"e{seq}", "x"]),
        "resolution": decided(seq),
        "value_mac": "m" * 64,
        "standing": f"e{seq}",
        "at": 1000 + seq,
        "shard": shard,
        "seq": seq,
        "prev_hash": prev,
    }
    return seal(**(given | more))


def chain(shard: int = 0, length: int = LENGTH) -> list[Decision]:
    out: list[Decision] = []
    for seq in range(1, length + 1):
        out.append(link(shard, seq, out[-1].hash if out else GENESIS))
    return out


def other(value: Any) -> Any:
    match value:
        case int():
            return value + 1
        case Resolution():
            return replace(value, winner="x")
        case None:
            return "x"
    return str(value) + "0"


def test_a_whole_chain_has_no_fault() -> None:
    both = [*chain(0), *chain(3)]
    assert verify(both) is None and verify([]) is None
    assert verify(both, heads_of(both)) is None
    assert verify([row for pair in zip(chain(0), chain(3), strict=True) for row in pair]) is None


@pytest.mark.parametrize("at", range(LENGTH))
@pytest.mark.parametrize("column", [column.name for column in fields(Decision)])
def test_an_altered_column_is_found_at_its_row(at: int, column: str) -> None:
    rows = chain()
    rows[at] = replace(rows[at], **{column: other(getattr(rows[at], column))})
    found = verify(rows)
    assert found is not None
    # a row that gives itself another number or shard is found as the gap it leaves
    assert (found.seq == at + 1 or column in ("seq", "shard")) and found.what


@pytest.mark.parametrize("at", range(LENGTH))
def test_every_part_of_the_resolution_is_covered_but_the_value(at: int) -> None:
    rows = chain()
    for column in fields(Resolution):
        was = getattr(rows[at].resolution, column.name)
        now: Any = {"x": "other"} if column.name == "why" else ("y",) if isinstance(was, tuple) else not was
        changed = replace(rows[at].resolution, **{column.name: now})
        rows_ = [*rows[:at], replace(rows[at], resolution=changed), *rows[at + 1 :]]
        expected = None if column.name == "value" else Fault(0, at + 1, "altered")
        assert verify(rows_) == expected, column.name


@pytest.mark.parametrize("at", range(LENGTH - 1))
def test_a_missing_row_is_found(at: int) -> None:
    rows = chain()
    del rows[at]
    assert verify(rows) == Fault(0, at + 1, "missing")


@pytest.mark.parametrize("at", range(LENGTH - 1))
def test_two_rows_changed_about_are_found(at: int) -> None:
    rows = chain()
    rows[at], rows[at + 1] = rows[at + 1], rows[at]
    found = verify(rows)
    assert found is not None and found.seq == at + 1


@pytest.mark.parametrize("at", range(LENGTH))
def test_a_repeated_row_is_found(at: int) -> None:
    rows = chain()
    rows.insert(at, rows[at])
    assert verify(rows) == Fault(0, at + 1, "reordered or repeated")


@pytest.mark.parametrize("at", range(LENGTH - 1))
def test_a_row_sealed_anew_breaks_the_link_after_it(at: int) -> None:
    rows = chain()
    rows[at] = link(0, at + 1, rows[at].prev_hash, value_mac="0" * 64)
    assert verify(rows) == Fault(0, at + 2, "does not follow the row before it")


@pytest.mark.parametrize("keep", range(LENGTH))
def test_a_cut_tail_is_found_against_the_published_root(keep: int) -> None:
    rows = chain()
    assert verify(rows[:keep]) is None
    assert verify(rows[:keep], heads_of(rows)) == Fault(0, keep + 1, "missing: the published root covers it")


def test_a_chain_written_anew_is_found_against_the_published_root() -> None:
    root = heads_of(chain())
    anew: list[Decision] = []
    for seq in range(1, LENGTH + 5):
        anew.append(link(0, seq, anew[-1].hash if anew else GENESIS, value_mac="0" * 64))
    assert verify(anew) is None
    assert verify(anew, root) == Fault(0, LENGTH, "not the row the published root covers")


def test_a_lone_surrogate_slipped_in_is_a_fault_not_a_crash() -> None:
    rows = chain()
    rows[4] = replace(rows[4], field="\ud800")
    assert verify(rows) == Fault(0, 5, "altered")


def test_the_root_is_over_every_shard_in_any_order() -> None:
    heads = heads_of([*chain(0), *chain(1)])
    assert daily_root(heads) == daily_root(dict(reversed(heads.items())))
    for shard, (seq, hash_) in heads.items():
        assert daily_root({**heads, shard: (seq + 1, hash_)}) != daily_root(heads)
        assert daily_root({**heads, shard: (seq, "0" * 64)}) != daily_root(heads)
        assert daily_root({k: v for k, v in heads.items() if k != shard}) != daily_root(heads)


def test_a_published_root_reads_back_and_vouches_for_itself() -> None:
    root = Root(99, heads_of(chain()))
    assert Root.read(root.document()) == root
    for broken in (
        "",
        "{}",
        "[" * 9000,
        root.document().replace('"root": "', '"root": "0'),
        '{"at":1,"heads":[1],"root":""}',
    ):
        with pytest.raises(ValueError):
            Root.read(broken)


def test_the_value_is_not_in_the_hash_but_its_mac_is() -> None:
    one = chain()[0]
    assert decision_hash(replace(one, resolution=replace(one.resolution, value=None))) == one.hash
    assert decision_hash(replace(one, value_mac="0" * 64)) != one.hash


def test_trace_codes_are_short_stable_and_apart() -> None:
    codes = {row.id for shard in range(40) for row in chain(shard, 50)}
    assert len(codes) == 2000
    assert link(0, 1, GENESIS).id == link(0, 1, GENESIS).id and len(link(0, 1, GENESIS).id) == 19
    first: dict[str, Any] = {"shard": 0, "seq": 1, "prev": GENESIS}
    others: dict[str, Any] = {"shard": 1, "seq": 2, "prev": "x", "record": "x", "field": "x", "trigger": "policy"}
    others |= {"trigger_edit": None, "policy_hash": "x", "engine": "2", "inputs_digest": "x", "at": 9**12}
    assert len({link(**first).id, *(link(**first | {name: it}).id for name, it in others.items())}) == len(others) + 1


def test_trace_codes_of_one_moment_stand_together_and_those_of_a_day_anywhere() -> None:
    def code(at: int, n: int = 0) -> str:
        return trace_code(at, inputs_digest([str(n)]))

    def moment(at: int) -> int:
        return int(code(at).replace("-", "")[:5], 16)

    assert [moment(NOW + ms) - moment(NOW) for ms in (0, 63, 64, 640)] == [0, 0, 1, 10]
    assert {code(NOW, n)[:6] for n in range(100)} == {code(NOW)[:6]}
    assert len({code(NOW, n) for n in range(5000)}) == 5000
    day = sorted(moment(NOW + 86_400_000 * n // 1000) for n in range(1000))
    assert max(b - a for a, b in zip([0, *day], [*day, 2**20], strict=True)) < 2**20 // 500
    assert moment(NOW + 64 * 2**20) == moment(NOW), "they come round"


def test_a_typed_trace_code_is_understood() -> None:
    code = "7F3A-19C2-8D40-5B10"
    for typed in (code, code.lower(), " 7f3a19c28d405b10 ", "#7F3A-I9C2-8D4O-5BlO", "7F3A 19C2 8D40 5B10"):
        assert read_trace_code(typed) == code
    for typed in ("", "7F3A", code + "0", "7G3A-19C2-8D40-5B10", "７F3A-19C2-8D40-5B10"):
        assert read_trace_code(typed) is None


def test_records_spread_over_the_shards() -> None:
    dice = random.Random(5)
    counts = [0] * 8
    for _ in range(8000):
        counts[shard_of(f"crm:account:{dice.random()}", 8)] += 1
    assert min(counts) > 850
    assert shard_of("\ud800", 8) == shard_of("\ud800", 8)
