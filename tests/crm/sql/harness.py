"""Tables under the contract: looked through on SQLite, and told by a counter and a time on PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from crm.model import RecordRef
from crm.sql import Config, Crm
from reconcile.model import Json
from tests.crm.contract import Bad, Harness
from tests.crm.databases import postgresql

FIELDS = {
    "phone": {"theirs": "tel", "type": "phone"},
    "amount": {"theirs": "budget", "type": "decimal"},
    "tier": {"theirs": "class", "type": "choice", "options": {"key": "A", "standard": "B"}},
}
COLUMNS = "name varchar(200) NOT NULL, tel varchar(40), budget numeric(18,2), class varchar(8)"


class SqlHarness(ABC):
    remote = False
    concurrent = True
    field = "phone"
    values: tuple[Json, Json, Json] = ("+86 512 6288 0000", "+86 512 6288 0001", "+86 512 6288 0002")
    page = 4
    number: str | None = "amount"
    choice: str | None = "tier"
    settings: dict[str, Any]

    def __init__(self) -> None:
        self.opened: list[Crm] = []
        self.serial = itertools.count(1)

    def client(self, **more: Any) -> Crm:
        common = {"id": "id", "title": "name", "fields": FIELDS, "page": self.page, "look_back": 0, "scan_every": 0}
        self.opened.append(Crm("erp", Config.model_validate({**common, **self.settings, **more})))
        return self.opened[-1]

    def usual(self) -> Crm:
        return self.client(look_back=Config.model_fields["look_back"].default)

    @abstractmethod
    async def sql(self, statement: str, *values: Any) -> Any:
        """In the company's own window, in a transaction of its own."""

    async def seed(self, count: int) -> list[RecordRef]:
        """In one transaction: all bear one time."""
        ids = [next(self.serial) for _ in range(count)]
        rows = ", ".join("(?, ?, 'A')" for _ in ids)
        values = [value for id_ in ids for value in (id_, f"Made-up {id_}")]
        await self.sql(f"INSERT INTO customer (id, name, class) VALUES {rows}", *values)
        return [RecordRef("erp", "account", str(id_)) for id_ in ids]

    async def native(self, ref: RecordRef, value: Json) -> None:
        await self.sql("UPDATE customer SET tel = ? WHERE id = ?", value, int(ref.id))

    async def remove(self, ref: RecordRef) -> None:
        await self.sql("DELETE FROM customer WHERE id = ?", int(ref.id))

    def answering(self, bad: Bad) -> None:
        """Its answers are rows of a typed table. What a table can do badly is in test_sql.py."""
        return

    async def close(self) -> None:
        for client in self.opened:
            await client.close()


class OnSqlite(SqlHarness):
    """Nothing says when a row was written: rows are looked through and remembered."""

    ordered = False

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / "erp.db"
        self.settings = {
            "database": f"sqlite:///{self.path}",
            "table": "customer",
            "state": f"sqlite:///{folder / 'seen.db'}",
        }
        with sqlite3.connect(self.path) as raw:
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute(f"CREATE TABLE customer (id integer PRIMARY KEY, {COLUMNS})")
        raw.close()

    async def sql(self, statement: str, *values: Any) -> Any:
        def work() -> Any:
            raw = sqlite3.connect(self.path, timeout=30)
            try:
                with raw:
                    return raw.execute(statement, values).fetchall()
            finally:
                raw.close()

        return await asyncio.to_thread(work)

    @asynccontextmanager
    async def tired(self, after: float) -> AsyncIterator[Crm]:
        """Another process holds the write lock: what a 429 is to a CRM behind HTTP."""
        client = self.client(timeout=0.1)
        other = sqlite3.connect(self.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield client
        other.close()

    @asynccontextmanager
    async def locked_out(self) -> AsyncIterator[Crm]:
        client = self.client()
        event.listen(client.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only=ON"))
        yield client


class OnPostgresql(SqlHarness):
    """A table with a counter raised by a trigger, and a time; deleted rows stay and are marked."""

    def __init__(self) -> None:
        super().__init__()
        self.server = postgresql()
        self.name = self.server.fresh().partition("@/")[2].partition("?")[0]
        self.settings = {
            "database": self.server.url(self.name),
            "table": "sales.customer",
            "version": "version",
            "modified": "changed_at",
            "deleted": "gone",
            "raised_by": "database",
        }
        self.server.run("CREATE ROLE app LOGIN") if not self._has_role() else None
        self.server.run(
            f"""CREATE SCHEMA sales;
            CREATE TABLE sales.customer (id bigint PRIMARY KEY, {COLUMNS}, gone boolean NOT NULL DEFAULT false,
              version bigint NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL DEFAULT now());
            CREATE FUNCTION sales.raise() RETURNS trigger LANGUAGE plpgsql AS $$
              BEGIN NEW.version := OLD.version + 1; NEW.changed_at := clock_timestamp(); RETURN NEW; END $$;
            CREATE TRIGGER raised BEFORE UPDATE ON sales.customer FOR EACH ROW EXECUTE FUNCTION sales.raise();
            GRANT USAGE ON SCHEMA sales TO app; GRANT SELECT ON sales.customer TO app""",
            self.name,
        )

    def _has_role(self) -> bool:
        return bool(self.server.run("SELECT 1 FROM pg_roles WHERE rolname = 'app'"))

    async def sql(self, statement: str, *values: Any) -> Any:
        def work() -> Any:
            where = f"host={self.server.folder} port={self.server.port} user=postgres dbname={self.name}"
            with psycopg.connect(where) as connection:
                connection.execute("SET search_path TO sales")
                answer = connection.execute(statement.replace("?", "%s").encode(), values)
                return answer.fetchall() if answer.description else []

        return await asyncio.to_thread(work)

    async def remove(self, ref: RecordRef) -> None:
        await self.sql("UPDATE customer SET gone = true WHERE id = ?", int(ref.id))

    @asynccontextmanager
    async def tired(self, after: float) -> AsyncIterator[Crm]:
        """Somebody holds the table, as a migration does."""
        client = self.client(timeout=0.5)
        where = f"host={self.server.folder} port={self.server.port} user=postgres dbname={self.name}"
        with psycopg.connect(where) as other:
            other.execute("LOCK TABLE sales.customer IN EXCLUSIVE MODE")
            yield client

    @asynccontextmanager
    async def locked_out(self) -> AsyncIterator[Crm]:
        """An account that may read, and no more."""
        yield self.client(database=self.server.url(self.name).replace("postgres@", "app@"))


@asynccontextmanager
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    opened = OnSqlite(tmp_path)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def by_time(tmp_path: Path) -> AsyncIterator[Harness]:
    opened = OnPostgresql()
    try:
        yield opened
    finally:
        await opened.close()


MORE = {"postgresql": by_time}
