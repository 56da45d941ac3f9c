"""What was decided stays: the database itself refuses to change or remove it, on either engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.clock import SystemClock
from gateway.store.auditing import AuditStore
from gateway.store.connect import address, writing
from gateway.store.lasting import APPEND_ONLY, guard, missing
from reconcile.model import MergePolicy
from tests.gateway.store.outside import look, outside, unguard
from tests.gateway.store.world import ACME, NOBODY, World

KEY = {
    "edit": "n = 1",
    "decision": "seq = 1",
    "value": "id <> ''",
    "daily_root": "day = '2026-11-21'",
    "policy_used": "1 = 1",
    "audit": "seq = 1",
}
CHANGE = {
    "edit": "actor = 'me'",
    "decision": "reason = 'x'",
    "value": "subject = 'x'",
    "daily_root": "at = 1",
    "policy_used": "document = '{}'",
    "audit": "facts = '{}'",
}


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    opened = World.open(store_url, MergePolicy(mode="review"), NOBODY)
    await opened.ledger.ingest(opened.edit("v1"))
    await opened.ledger.publish_root("2026-11-21")
    await AuditStore(opened.store, SystemClock()).note("p_admin", "signed_in", "p_admin", how="link")
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


def test_every_table_of_them_is_tried() -> None:
    assert set(CHANGE) == set(APPEND_ONLY)


async def test_a_row_is_not_replaced_by_another_of_its_key(world: World, store_url: str) -> None:
    """SQLite's REPLACE removes a row without asking, unless a connection says otherwise: ours does."""
    if not store_url.startswith("sqlite"):
        return
    engine = writing(address(store_url))
    try:
        for table in (*APPEND_ONLY, "subject_key", "shard_head"):
            with pytest.raises(DBAPIError), engine.begin() as connection:
                connection.exec_driver_sql(f"REPLACE INTO {table} SELECT * FROM {table}")
    finally:
        engine.dispose()


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
            connection.exec_driver_sql("DROP TRIGGER lasting_audit_truncate ON audit")
            assert missing(connection) == ["audit", "decision"]
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
