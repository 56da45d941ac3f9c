from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import BigInteger, Boolean, Column, Integer

from gateway.errors import Refused
from gateway.store.ledger import Root
from gateway.store.ledger.rows import sealed
from gateway.store.tables_ledger import decision, edit
from reconcile.chain import seal
from reconcile.model import MergePolicy, Resolution
from reconcile.resolve import ENGINE
from tests.gateway.store.outside import look, tamper
from tests.gateway.store.world import ACME, NOBODY, World


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    """Twelve decisions in one shard, some of them conflicts, a proposal among them."""
    opened = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    heads: tuple[str, ...] = ()
    for n in range(12):
        kind = {4: "proposal", 7: "clear"}.get(n, "set")
        seen = () if n == 9 else heads
        done = await opened.ledger.ingest(opened.edit(f"v{n}", seen=seen, kind=kind, who=f"p{n}"))  # type: ignore[arg-type]
        heads = done.heads
    yield opened
    await opened.store.close()


def other(value: Any, column: Column[Any]) -> Any:
    """Something else of the same kind."""
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, Integer | BigInteger):
        return 7 if value is None else value + 1
    if value is None:
        return "planted"
    if value.startswith(("[", "{")):
        return '["planted"]' if value.startswith("[") else '{"a":"b"}'
    return value[:-1] + ("y" if value.endswith("x") else "x") if value else "x"


@pytest.mark.parametrize("field", ["".join(map(chr, range(128))), "é", "e\u0301", 'a"\n\t', "\x7f\x1f", "企业"])
def test_a_decision_is_sealed_as_the_engine_seals_it(field: str) -> None:
    said = Resolution("review", None, None, ("a", "b"), ("a", "b"), True, ("c",), "d", {"a": "undecided", "b": "x"})
    for resolution in (said, Resolution("causal", "a", 1, ("a",), (), False, ())):
        about: dict[str, Any] = {
            "record": "local:account:1",
            "field": field,
            "trigger_edit": "a",
            "policy": "default",
            "policy_hash": "p",
            "inputs_digest": "i",
            "resolution": resolution,
            "value_mac": "m",
            "standing": "d",
            "at": 7,
            "shard": 3,
            "seq": 9,
            "prev_hash": "0",
        }
        assert sealed(**about) == seal(**about, trigger="edit", engine=ENGINE)


async def test_an_untouched_ledger_verifies_and_says_how_far(world: World) -> None:
    assert await world.ledger.verify() is None
    assert [seq for seq, _ in (await world.ledger.vouched()).heads.values()] == [12]


@pytest.mark.parametrize("column", decision.columns, ids=lambda column: column.name)
async def test_every_altered_column_of_a_decision_is_found(world: World, store_url: str, column: Column[Any]) -> None:
    for seq in (6, 10):
        before = look(store_url, f"SELECT {column.name} FROM decision WHERE seq = ?", seq)[0]
        new = 99 if column.name in ("seq", "shard") else other(before, column)
        assert tamper(store_url, f"UPDATE decision SET {column.name} = ? WHERE seq = ?", new, seq) == 1
        fault = await world.ledger.verify()
        assert fault is not None, column
        assert fault.seq == seq, fault
        tamper(
            store_url,
            f"UPDATE decision SET {column.name} = ? WHERE seq = ?",
            before,
            new if column.name == "seq" else seq,
        )
        assert await world.ledger.verify() is None


ALTERED = [column for column in edit.columns if column.name != "span"]  # of which test_spans.py says more


@pytest.mark.parametrize("column", ALTERED, ids=lambda column: column.name)
async def test_every_altered_column_of_an_edit_is_found_at_its_place(
    world: World, store_url: str, column: Column[Any]
) -> None:
    before = look(store_url, f"SELECT {column.name} FROM edit WHERE n = 6")[0]
    new = 99 if column.name == "n" else other(before, column)
    assert tamper(store_url, f"UPDATE edit SET {column.name} = ? WHERE n = 6", new) == 1
    fault = await world.ledger.verify()
    assert fault is not None
    assert (fault.shard, fault.seq) in {
        (fault.shard, 6),
        (fault.shard, 7 if column.name == "n" else 6),
    } or column.name in (
        "record",
        "field",
        "decision",
    ), fault


async def test_a_missing_edit_decision_or_value_is_found(world: World, store_url: str) -> None:
    statements = {
        "DELETE FROM value WHERE id = (SELECT id FROM edit WHERE n = 3)": 3,
        "DELETE FROM edit WHERE n = 3": 3,
        "DELETE FROM decision WHERE seq = 5": 5,
    }
    for statement, seq in statements.items():
        assert tamper(store_url, statement) == 1
        fault = await world.ledger.verify()
        assert fault is not None
        assert fault.seq == seq, (statement, fault)


async def test_reordered_decisions_are_found(world: World, store_url: str) -> None:
    for statement in ("= -1 WHERE seq = 4", "= 4 WHERE seq = 5", "= 5 WHERE seq = -1"):
        tamper(store_url, f"UPDATE decision SET seq {statement}")
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 4


@pytest.mark.parametrize("garbage", ["x", "[1", "{}", b"\xff\xfe", 7, 1.5, None])
@pytest.mark.parametrize("column", ["why", "heads", "proposals", "conflict", "winner"])
async def test_garbage_in_a_decision_is_a_fault_and_no_crash(
    world: World, store_url: str, column: str, garbage: Any
) -> None:
    garbage = "" if garbage is None else garbage
    change = f"UPDATE decision SET {column} = ? WHERE seq = 10"
    if column == "conflict" and store_url.startswith("postgresql"):
        with pytest.raises(psycopg.Error):  # PostgreSQL's own types are stricter
            tamper(store_url, change, garbage)
        return
    tamper(store_url, change, garbage)
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 10


async def test_a_value_that_is_no_ciphertext_is_a_fault_and_no_crash(world: World, store_url: str) -> None:
    tamper(store_url, "UPDATE value SET ciphertext = ? WHERE id = (SELECT id FROM edit WHERE n = 2)", "no ciphertext")
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 2


async def test_an_altered_value_is_found(world: World, store_url: str) -> None:
    change = "UPDATE value SET ciphertext = ? WHERE id = (SELECT id FROM edit WHERE n = 2)"
    assert tamper(store_url, change, bytes(40)) == 1
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 2


async def test_a_tail_cut_together_with_its_head_is_found_against_the_published_root(
    world: World, store_url: str
) -> None:
    root = await world.ledger.publish_root("2027-01-15")
    assert await world.ledger.publish_root("2027-01-15") == root
    published = Root.read(root.document())
    assert tamper(store_url, "DELETE FROM edit WHERE n > 9") == 3
    assert tamper(store_url, "DELETE FROM decision WHERE seq > 9") == 3
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 10
    tamper(store_url, "UPDATE shard_head SET seq = 9, hash = (SELECT hash FROM decision WHERE seq = 9) WHERE seq = 12")
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


async def test_an_edit_slipped_in_beside_the_chain_is_found(world: World, store_url: str) -> None:
    names = ", ".join(column.name for column in edit.columns if column.name not in ("id", "n"))
    copy = f"INSERT INTO edit (id, n, {names}) SELECT 'planted', 13, {names} FROM edit WHERE n = 12"
    assert tamper(store_url, copy) == 1
    fault = await world.ledger.verify()
    assert fault is not None
    assert fault.seq == 12
    assert (await world.ledger.states(ACME))["phone"].value is not None
