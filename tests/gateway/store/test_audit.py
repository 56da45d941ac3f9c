from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.store.ledger import Root
from gateway.store.tables_ledger import decision, edit
from reconcile.model import MergePolicy
from tests.gateway.store.world import ACME, NOBODY, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Twelve decisions in one shard, some of them conflicts, a proposal among them."""
    opened = World.open(tmp_path, MergePolicy(mode="review"), NOBODY)
    heads: tuple[str, ...] = ()
    for n in range(12):
        kind = {4: "proposal", 7: "clear"}.get(n, "set")
        seen = () if n == 9 else heads
        done = await opened.ledger.ingest(opened.edit(f"v{n}", seen=seen, kind=kind, who=f"p{n}"))  # type: ignore[arg-type]
        heads = done.heads
    yield opened
    await opened.store.close()


def tamper(folder: Path, statement: str, *parameters: Any) -> int:
    with sqlite3.connect(folder / "floatcard.db") as other:
        changed = other.execute(statement, parameters).rowcount
    other.close()
    return changed


def other(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, int):
        return 1 - value if value in (0, 1) else value + 1
    if value is None:
        return "planted"
    return f"{value}x" if not value.startswith(("[", "{")) else '["planted"]' if value.startswith("[") else '{"a":"b"}'


async def test_an_untouched_ledger_verifies_and_says_how_far(world: World) -> None:
    assert await world.ledger.verify() is None
    assert [seq for seq, _ in (await world.ledger.vouched()).heads.values()] == [12]


@pytest.mark.parametrize("column", [column.name for column in decision.columns])
async def test_every_altered_column_of_a_decision_is_found(world: World, tmp_path: Path, column: str) -> None:
    for seq in (6, 10):
        kept = tmp_path / "floatcard.db"
        with sqlite3.connect(kept) as look:
            before = look.execute(f"SELECT {column} FROM decision WHERE seq = ?", (seq,)).fetchone()[0]
        look.close()
        new = 99 if column in ("seq", "shard") else other(before)
        assert tamper(tmp_path, f"UPDATE decision SET {column} = ? WHERE seq = ?", new, seq) == 1
        fault = await world.ledger.verify()
        assert fault is not None, column
        assert fault.seq == seq, fault
        tamper(tmp_path, f"UPDATE decision SET {column} = ? WHERE seq = ?", before, new if column == "seq" else seq)
        assert await world.ledger.verify() is None


@pytest.mark.parametrize("column", [column.name for column in edit.columns])
async def test_every_altered_column_of_an_edit_is_found_at_its_place(world: World, tmp_path: Path, column: str) -> None:
    with sqlite3.connect(tmp_path / "floatcard.db") as look:
        before = look.execute(f"SELECT {column} FROM edit WHERE n = 6").fetchone()[0]
    look.close()
    new = 99 if column == "n" else other(before)
    assert tamper(tmp_path, f"UPDATE edit SET {column} = ? WHERE n = 6", new) == 1
    fault = await world.ledger.verify()
    assert fault is not None
    assert (fault.shard, fault.seq) in {(fault.shard, 6), (fault.shard, 7 if column == "n" else 6)} or column in (
        "record",
        "field",
        "decision",
    ), fault


async def test_a_missing_edit_decision_or_value_is_found(world: World, tmp_path: Path) -> None:
    statements = {
        "DELETE FROM value WHERE id = (SELECT id FROM edit WHERE n = 3)": 3,
        "DELETE FROM edit WHERE n = 3": 3,
        "DELETE FROM decision WHERE seq = 5": 5,
    }
    for statement, seq in statements.items():
        assert tamper(tmp_path, statement) == 1
        fault = await world.ledger.verify()
        assert fault is not None
        assert fault.seq == seq, (statement, fault)


async def test_reordered_decisions_are_found(world: World, tmp_path: Path) -> None:
    for statement in ("= -1 WHERE seq = 4", "= 4 WHERE seq = 5", "= 5 WHERE seq = -1"):
        tamper(tmp_path, f"UPDATE decision SET seq {statement}")
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 4


@pytest.mark.parametrize("garbage", ["x", "[1", "{}", b"\xff\xfe", 7, 1.5, None])
@pytest.mark.parametrize("column", ["why", "heads", "proposals", "conflict", "winner"])
async def test_garbage_in_a_decision_is_a_fault_and_no_crash(
    world: World, tmp_path: Path, column: str, garbage: Any
) -> None:
    garbage = "" if garbage is None else garbage
    tamper(tmp_path, f"UPDATE decision SET {column} = ? WHERE seq = 10", garbage)
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 10


async def test_a_value_that_is_no_ciphertext_is_a_fault_and_no_crash(world: World, tmp_path: Path) -> None:
    tamper(
        tmp_path, "UPDATE value SET ciphertext = cast(x'ff00ff' AS TEXT) WHERE id = (SELECT id FROM edit WHERE n = 2)"
    )
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 2


async def test_an_altered_value_is_found(world: World, tmp_path: Path) -> None:
    change = "UPDATE value SET ciphertext = zeroblob(40) WHERE id = (SELECT id FROM edit WHERE n = 2)"
    assert tamper(tmp_path, change) == 1
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 2


async def test_a_tail_cut_together_with_its_head_is_found_against_the_published_root(
    world: World, tmp_path: Path
) -> None:
    root = await world.ledger.publish_root("2027-01-15")
    assert await world.ledger.publish_root("2027-01-15") == root
    published = Root.read(root.document())
    assert tamper(tmp_path, "DELETE FROM edit WHERE n > 9") == 3
    assert tamper(tmp_path, "DELETE FROM decision WHERE seq > 9") == 3
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 10
    tamper(tmp_path, "UPDATE shard_head SET seq = 9, hash = (SELECT hash FROM decision WHERE seq = 9) WHERE seq = 12")
    assert await world.ledger.verify() is None
    fault = await world.ledger.verify(published)
    assert fault is not None
    assert fault.seq == 10


async def test_growing_on_leaves_the_published_root_true(world: World) -> None:
    root = await world.ledger.publish_root("2027-01-15")
    await world.ledger.ingest(world.edit("later"))
    assert await world.ledger.verify(root) is None
    with pytest.raises(Refused):
        await world.ledger.publish_root("today")


async def test_an_edit_slipped_in_beside_the_chain_is_found(world: World, tmp_path: Path) -> None:
    names = ", ".join(column.name for column in edit.columns if column.name not in ("id", "n"))
    copy = f"INSERT INTO edit (id, n, {names}) SELECT 'planted', 13, {names} FROM edit WHERE n = 12"
    assert tamper(tmp_path, copy) == 1
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 12
    assert (await world.ledger.states(ACME))["phone"].value is not None
