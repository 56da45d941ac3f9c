"""The embedded CRM under the contract: a file, and several connectors open on it at once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import event

from crm.local import Config, Crm
from crm.local.crm import PAGE
from crm.model import RecordRef
from reconcile.model import Json
from tests.crm.contract import Bad, Harness


class LocalHarness:
    remote = False
    concurrent = True
    field = "phone"
    values: tuple[Json, Json, Json] = ("+86 512 6288 0000", "+86 512 6288 0001", "+86 512 6288 0002")
    page = PAGE
    number: str | None = "amount"
    choice: str | None = "tier"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened: list[Crm] = []
        self.desk = self.client()

    def client(self, busy_timeout: float = 5.0) -> Crm:
        self.opened.append(Crm("local", Config(database=f"sqlite:///{self.path}", busy_timeout=busy_timeout)))
        return self.opened[-1]

    def usual(self) -> Crm:
        return self.client()

    async def seed(self, count: int) -> list[RecordRef]:
        return [await self.desk.create(f"Made-up {n}", "li.ting") for n in range(count)]

    async def native(self, ref: RecordRef, value: Json) -> None:
        await self.desk.set_native(ref, self.field, value, "li.ting")

    async def remove(self, ref: RecordRef) -> None:
        await self.desk.delete(ref, "li.ting")

    @asynccontextmanager
    async def tired(self, after: float) -> AsyncIterator[Crm]:
        """Another process holds the write lock: what a 429 is to a CRM behind HTTP."""
        client = self.client(busy_timeout=0)
        other = sqlite3.connect(self.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield client
        other.close()

    @asynccontextmanager
    async def locked_out(self) -> AsyncIterator[Crm]:
        """SQLite refuses to write: what a 401 is to a CRM behind HTTP. (As root a file's mode would not.)"""
        client = self.client()
        client.database.engine.dispose()
        event.listen(client.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only=ON"))
        yield client

    def answering(self, bad: Bad) -> None:
        """Its answers are rows of a database of its own: there is nothing in between that could spoil them."""


@asynccontextmanager
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    opened = LocalHarness(tmp_path / "crm.db")
    yield opened
    for client in opened.opened:
        await client.close()
