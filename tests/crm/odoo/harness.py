"""Odoo under the contract: against the stand-in of fake.py, since a real one cannot be had from a registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from crm.model import RecordRef
from crm.odoo import Config, Crm
from reconcile.model import Json
from tests.crm.between import Spoil, a_page, between, half_an_answer, in_json
from tests.crm.contract import Bad, Harness
from tests.crm.odoo.fake import DB, KEY, LOGIN, FakeOdoo, served

FIELDS = {
    "phone": "phone",
    "email": {"theirs": "email", "type": "email"},
    "amount": {"theirs": "credit_limit", "type": "decimal"},
    "role": {"theirs": "type", "type": "choice", "options": {"main": "contact", "billing": "invoice"}},
    "industry": "industry_id",
    "description": "comment",
    "live": {"theirs": "active", "direction": "read"},
}


def _in_rows(**instead: Any) -> Spoil:
    """In every partner that is answered; None takes a field away, from what is offered too."""

    def change(body: Any) -> Any:
        result = body.get("result")
        for row in result if isinstance(result, list) else [result]:
            for name, value in instead.items():
                if isinstance(row, dict) and name in row:
                    if value is None:
                        del row[name]
                    elif not isinstance(row[name], dict):
                        row[name] = value
        return body

    return in_json(change)


def _twice(body: Any) -> Any:
    result = body.get("result")
    return body | ({"result": [row for row in result for _ in "ab"]} if isinstance(result, list) else {})


def _an_error(body: Any) -> Any:
    data = {"name": "odoo.exceptions.UserError", "debug": KEY, "message": "Not today.", "arguments": []}
    return {"jsonrpc": "2.0", "id": body["id"], "error": {"code": 200, "message": "Odoo Server Error", "data": data}}


SPOILS: dict[Bad, Spoil] = {
    "a page": a_page,
    "half an answer": half_an_answer,
    "twice": in_json(_twice),
    "a field gone": _in_rows(phone=None),
    "a strange choice": _in_rows(type="no-such-option"),
    "a number as text": _in_rows(credit_limit="480,000.50"),
    "an error inside": in_json(_an_error),
}


class OdooHarness:
    remote = True
    concurrent = False
    field = "phone"
    values: tuple[Json, Json, Json] = ("+86 512 6288 0000", "+86 512 6288 0001", "+86 512 6288 0002")
    page = 3
    number: str | None = "amount"
    choice: str | None = "role"

    def __init__(self, fake: FakeOdoo) -> None:
        self.fake = fake
        self.opened: list[Crm] = []

    def client(self, **settings: Any) -> Crm:
        usual = {"url": self.fake.url, "database": DB, "login": LOGIN, "key": KEY, "timeout": 60.0, "page": self.page}
        config = Config.model_validate({**usual, "fields": FIELDS, **settings})
        self.opened.append(Crm("odoo", config, clock=lambda: 0))
        return self.opened[-1]

    async def seed(self, count: int) -> list[RecordRef]:
        ids = [self.fake.put("res.partner", name=f"Made-up {n}") for n in range(count)]
        return [RecordRef("odoo", "account", str(id_)) for id_ in ids]

    async def native(self, ref: RecordRef, value: Json) -> None:
        self.fake.set("res.partner", int(ref.id), phone=value)

    async def remove(self, ref: RecordRef) -> None:
        self.fake.set("res.partner", int(ref.id), active=False)

    @asynccontextmanager
    async def tired(self, after: float) -> AsyncIterator[Crm]:
        client = self.client()
        self.fake.answer = lambda _: web.Response(status=429, headers={"Retry-After": str(after)})
        yield client
        self.fake.answer = None

    @asynccontextmanager
    async def locked_out(self) -> AsyncIterator[Crm]:
        self.fake.denied = True
        yield self.client()
        self.fake.denied = False

    def answering(self, bad: Bad) -> AbstractAsyncContextManager[Crm] | None:
        return self._answering(SPOILS[bad])

    @asynccontextmanager
    async def _answering(self, spoil: Spoil) -> AsyncIterator[Crm]:
        async with between(self.fake.url) as proxy:
            proxy.spoil = spoil
            yield self.client(url=proxy.url)


@asynccontextmanager
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    async with served(FakeOdoo()) as fake:
        opened = OdooHarness(fake)
        try:
            yield opened
        finally:
            for client in opened.opened:
                await client.close()
