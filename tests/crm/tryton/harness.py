"""Tryton under the contract: the real server, and a proxy before it where it has to answer badly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from crm.model import RecordRef
from crm.once import Desk
from crm.tryton import Config, Crm
from crm.tryton.config import PARTY
from reconcile.model import Json
from tests.crm.between import Spoil, a_page, between, half_an_answer, in_json, saying
from tests.crm.contract import Bad, Harness
from tests.crm.tryton.server import DATABASE, PASSWORD, Tryton, tryton

OURSELVES, EMPLOYEE = "Ourselves", "Li Ting"
"""Parties that the company of the opportunities needs; they stay."""
FIELDS = {
    "phone": {"theirs": "contact_mechanisms.phone", "type": "phone"},
    "city": "addresses.city",
    "invoicing": {"theirs": "sale_invoice_method", "type": "choice", "options": {"by hand": "manual"}},
    "owed": {"theirs": "receivable", "type": "decimal", "direction": "read"},
}


def _rows(body: Any) -> list[dict[str, Any]]:
    """What was read of parties."""
    result = body.get("result") if isinstance(body, dict) else None
    return [row for row in result if isinstance(row, dict) and "rec_name" in row] if isinstance(result, list) else []


def _setting(name: str, value: Any) -> Spoil:
    def change(body: Any) -> Any:
        for row in _rows(body):
            row[name] = value
        return body

    return in_json(change)


def _without_phones(body: Any) -> Any:
    for row in _rows(body):
        row.pop("contact_mechanisms.", None)
    return body


def _twice(body: Any) -> Any:
    result = body.get("result")
    lists_rows = isinstance(result, list) and all(isinstance(row, dict) for row in result)
    return body | ({"result": [row for row in result for _ in "ab"]} if lists_rows else {})


def _an_error(body: Any) -> Any:
    return {"id": body["id"], "error": ["UserError", ["Not today.", "", None]]}


SPOILS: dict[Bad, Spoil] = {
    "a page": a_page,
    "half an answer": half_an_answer,
    "twice": in_json(_twice),
    "a field gone": in_json(_without_phones),
    "a strange choice": _setting("sale_invoice_method", "no-such-option"),
    "a number as text": _setting("receivable", "480,000.50"),
    "an error inside": in_json(_an_error),
}


class TrytonHarness:
    remote = True
    concurrent = True
    field = "phone"
    values: tuple[Json, Json, Json] = ("+86 512 6288 0000", "+86 512 6288 0001", "+86 512 6288 0002")
    page = 4
    number: str | None = "owed"
    choice: str | None = "invoicing"

    def __init__(self, server: Tryton) -> None:
        self.server = server
        self.opened: list[Crm] = []
        self._desk = Desk()  # one gateway's, and this test's own
        self.desk = self.client()
        """What people do in Tryton's own window, as its client does it."""

    def client(self, url: str = "", **more: Any) -> Crm:
        settings = {"page": self.page, "look_back": 0, "fields": FIELDS, **more}
        config = Config.model_validate(
            {
                "url": url or self.server.url,
                "database": DATABASE,
                "user": "admin",
                "password": PASSWORD,
                **settings,
            }
        )
        self.opened.append(Crm("erp", config))
        self.opened[-1].desk = self._desk
        return self.opened[-1]

    def usual(self) -> Crm:
        return self.client(look_back=Config.model_fields["look_back"].default)

    async def call(self, method: str, *params: Any) -> Any:
        return await self.desk.server.call(method, *params)

    async def empty(self) -> None:
        mortal = [["name", "not in", [OURSELVES, EMPLOYEE]]]
        ids = [row["id"] for row in await self.desk.server.search(PARTY, mortal, ["id"])]
        if ids:
            await self.call(f"model.{PARTY}.delete", ids)
        self.server.postgresql.run("DELETE FROM ir_model_log", DATABASE)

    async def seed(self, count: int) -> list[RecordRef]:
        """In one transaction: all bear one time."""
        made = await self.call(f"model.{PARTY}.create", [{"name": f"Made-up {n}"} for n in range(count)])
        return [RecordRef("erp", "account", str(id_)) for id_ in made]

    async def native(self, ref: RecordRef, value: Json) -> None:
        id_ = int(ref.id)
        party = await self.desk._raw_party(id_)
        assert party is not None
        phones = [each["id"] for each in party["contact_mechanisms."] if each["type"] == "phone"]
        put = ["write", phones, {"value": value}] if phones else ["create", [{"type": "phone", "value": value}]]
        await self.call(f"model.{PARTY}.write", [id_], {"contact_mechanisms": [put]})

    async def remove(self, ref: RecordRef) -> None:
        """Archived, which is what Tryton does with whom it has dealt with; deletion has a test of its own."""
        await self.call(f"model.{PARTY}.write", [int(ref.id)], {"active": False})

    @asynccontextmanager
    async def _behind(self, spoil: Spoil) -> AsyncIterator[Crm]:
        async with between(self.server.url) as proxy:
            proxy.spoil = spoil
            client = self.client(proxy.url)
            yield client
            await client.close()

    def tired(self, after: float) -> AbstractAsyncContextManager[Crm]:
        return self._behind(saying(429, {"Retry-After": f"{after:g}"}))

    def locked_out(self) -> AbstractAsyncContextManager[Crm]:
        return self._behind(saying(401))

    def answering(self, bad: Bad) -> AbstractAsyncContextManager[Crm]:
        return self._behind(SPOILS[bad])

    async def close(self) -> None:
        for client in self.opened:
            await client.close()


@asynccontextmanager
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    opened = TrytonHarness(tryton())
    try:
        await opened.empty()
        yield opened
    finally:
        await opened.close()
