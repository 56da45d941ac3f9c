"""The house with three CRMs: the embedded one, a stand-in of HubSpot, a company's own table. One customer is in all."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm.model import RecordRef
from gateway.store.joined import Join, JoinedStore
from tests.crm.hubspot.fake import APP, PORTAL, SECRET, TOKEN, FakeHubSpot
from tests.crm.standin import served
from tests.gateway.house import HERO, START, Hands, Live, opened

CONFIG = """
[crms.hub]
type = "hubspot"
base_url = "{url}"
token = "file:hub.token"
client_secret = "file:hub.secret"
app = "{app}"
portal = {portal}
every = 0
deleted_every = 0
page = 10
searches = 1000
timeout = 60

[crms.hub.fields]
phone = {{ theirs = "phone", type = "phone" }}
address = {{ theirs = "address", authority = "master" }}

[crms.erp]
type = "sql"
database = "sqlite:///{erp}"
state = "sqlite:///{seen}"
table = "customer"
id = "id"
title = "name"
look_back = 0
scan_every = 0

[crms.erp.fields]
phone = {{ theirs = "tel", type = "phone" }}
amount = {{ theirs = "budget", type = "decimal", authority = "master" }}
"""


@dataclass
class Several:
    live: Live
    hub: FakeHubSpot
    erp_file: Path
    company: str

    @property
    def hub_ref(self) -> str:
        return f"hub:account:{self.company}"

    erp_ref = "erp:account:1"

    async def join(self) -> None:
        s = self.live.s
        joins = [Join(self.hub_ref, HERO), Join(self.erp_ref, HERO)]
        await JoinedStore(s.store).join(joins, "cli", s.clock.now())
        await self.live.settle()

    async def in_erp(self, **values: str | None) -> None:
        def work() -> None:
            raw = sqlite3.connect(self.erp_file, timeout=30)
            try:
                with raw:
                    for column, value in values.items():
                        raw.execute(f"UPDATE customer SET {column} = ? WHERE id = 1", (value,))
            finally:
                raw.close()

        await asyncio.to_thread(work)

    async def there(self, crm: str, field: str) -> Any:
        ref = self.live.s.records.joined.there(HERO, crm)
        assert ref is not None
        found = await self.live.s.crms[crm].get(RecordRef.parse(ref))
        return found.fields[field].value if field in found.fields else None


@contextlib.asynccontextmanager
async def several(folder: Path, clock: Hands | None = None) -> AsyncIterator[Several]:
    """Not joined yet."""
    erp = folder / "erp.db"
    raw = sqlite3.connect(erp)
    with raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE customer (id integer PRIMARY KEY, name text, tel text, budget numeric(18,2))")
        raw.execute("INSERT INTO customer (id, name, tel) VALUES (1, 'Huaxing (ERP)', '0512 6288 0016')")
    raw.close()
    (folder / "hub.token").write_text(TOKEN)
    (folder / "hub.secret").write_text(SECRET)
    hub = FakeHubSpot(now=START)
    async with served(hub, lambda: hub.now / 1000) as fake:
        company = fake.put("companies", name="Huaxing (HubSpot)", phone="+86 512 6288 0016")
        extra = CONFIG.format(url=fake.url, app=APP, portal=PORTAL, erp=erp, seen=folder / "seen.db")
        async with opened(folder, clock, extra=extra) as live:
            yield Several(live, fake, erp, company)
