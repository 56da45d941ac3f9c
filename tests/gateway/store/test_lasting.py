"""What was decided stays: the database itself refuses to change or remove it, on either engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.store.lasting import APPEND_ONLY, guard, missing
from reconcile.model import MergePolicy
from tests.gateway.store.outside import look, outside, unguard
from tests.gateway.store.world import ACME, NOBODY, World

KEY = {"edit": "n = 1", "decision": "seq = 1", "value": "id <> ''", "daily_root": "day = '2026-11-21'"}
CHANGE = {"edit": "actor = 'me'", "decision": "reason = 'x'", "value": "subject = 'x'", "daily_root": "at = 1"}


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    opened = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    await opened.ledger.ingest(opened.edit("v1"))
    await opened.ledger.publish_root("2026-11-21")
    yield opened
    await opened.store.close()


def refused(url: str, statement: str) -> str:
    with pytest.raises(Exception) as told, outside(url) as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(told.value, DBAPIError)
    return str(told.value.orig)


@pytest.mark.parametrize("table", sorted(CHANGE))
async def test_a_decided_row_is_neither_changed_nor_removed(world: World, store_url: str, table: str) -> None:
    assert f"{table} is only ever added to" in refused(
        store_url, f"UPDATE {table} SET {CHANGE[table]} WHERE {KEY[table]}"
    )
    assert f"{table} is only ever added to" in refused(store_url, f"DELETE FROM {table} WHERE {KEY[table]}")
    if store_url.startswith("postgresql"):
        assert f"{table} is only ever added to" in refused(store_url, f"TRUNCATE {table}")
    assert look(store_url, f"SELECT count(*) FROM {table}")[0] >= 1
    assert await world.ledger.verify() is None


async def test_every_guarded_table_is_guarded_and_a_lost_guard_is_told(world: World, store_url: str) -> None:
    with outside(store_url) as connection:
        assert missing(connection) == []
        if connection.dialect.name == "sqlite":
            unguard(connection)
            assert set(APPEND_ONLY) < set(missing(connection))
        else:
            connection.exec_driver_sql("ALTER TABLE decision DISABLE TRIGGER lasting_decision_update")
            assert missing(connection) == ["decision"]
            connection.exec_driver_sql("DROP TRIGGER lasting_decision_update ON decision")
        guard(connection)
        guard(connection)
        assert missing(connection) == []


async def test_an_erasure_passes_and_is_never_taken_back(world: World, store_url: str) -> None:
    kept = look(store_url, "SELECT wrapped FROM subject_key")[0]
    assert await world.ledger.erase(ACME)
    assert "stays erased" in refused(store_url, f"UPDATE subject_key SET wrapped = {_hex(store_url, kept)}")
    assert "stays erased" in refused(store_url, "UPDATE subject_key SET erased_at = NULL")
    assert "stays erased" in refused(store_url, "DELETE FROM subject_key")
    assert await world.ledger.verify() is None


async def test_a_shards_head_never_goes_back(world: World, store_url: str) -> None:
    assert "moves on alone" in refused(store_url, "UPDATE shard_head SET seq = 0 WHERE seq = 1")
    assert "moves on alone" in refused(store_url, "DELETE FROM shard_head")


def _hex(url: str, raw: bytes) -> str:
    return f"x'{bytes(raw).hex()}'" if url.startswith("sqlite") else f"decode('{bytes(raw).hex()}', 'hex')"
