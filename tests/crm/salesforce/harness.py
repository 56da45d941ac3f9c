"""Salesforce under the contract: against the stand-in of fake.py, since no emulator of it is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from crm.model import RecordRef
from crm.salesforce import Config, Crm
from reconcile.model import Json
from tests.crm.between import Spoil, a_page, between, half_an_answer, in_json
from tests.crm.contract import Bad, Harness
from tests.crm.salesforce.fake import CLIENT, REFRESH, SECRET, FakeSalesforce, served

FIELDS = {
    "phone": {"theirs": "Phone", "type": "phone"},
    "city": "BillingCity",
    "amount": {"theirs": "AnnualRevenue", "type": "decimal"},
    "industry": {"theirs": "Industry", "type": "choice", "options": {"medical": "Healthcare", "machines": "Machinery"}},
    "vip": "Vip__c",
    "renewal": {"theirs": "Renewal__c", "type": "date"},
}


def _in_rows(**instead: Any) -> Spoil:
    """In every row of an account; None takes a field away."""

    def change(body: Any) -> Any:
        if isinstance(body, dict):
            for row in (body, *body.get("records", [])):
                for name in instead.keys() & row.keys():
                    if instead[name] is None:
                        del row[name]
                    else:
                        row[name] = instead[name]
        return body

    return in_json(change)


def _twice(body: Any) -> Any:
    if isinstance(body, dict) and "records" in body:
        body["records"] = [row for row in body["records"] for _ in "ab"]
    return body


SPOILS: dict[Bad, Spoil] = {
    "a page": a_page,
    "half an answer": half_an_answer,
    "twice": in_json(_twice),
    "a field gone": _in_rows(Phone=None),
    "a strange choice": _in_rows(Industry="no-such-option"),
    "a number as text": _in_rows(AnnualRevenue="480,000.50"),
    "an error inside": in_json(lambda _: [{"message": "Not today.", "errorCode": "UNKNOWN_EXCEPTION"}]),
}


class SalesforceHarness:
    remote = True
    concurrent = True
    field = "phone"
    values: tuple[Json, Json, Json] = ("+86 512 6288 0000", "+86 512 6288 0001", "+86 512 6288 0002")
    page = 3
    number: str | None = "amount"
    choice: str | None = "industry"

    def __init__(self, fake: FakeSalesforce) -> None:
        self.fake = fake
        self.opened: list[Crm] = []

    def client(self, **settings: Any) -> Crm:
        usual: dict[str, Any] = {"url": self.fake.url, "client_id": CLIENT, "client_secret": SECRET}
        usual |= {"refresh_token": REFRESH, "every": 0, "page": self.page, "timeout": 60, "fields": FIELDS}
        self.opened.append(Crm("salesforce", Config.model_validate({**usual, **settings}), clock=lambda: 0))
        return self.opened[-1]

    async def seed(self, count: int) -> list[RecordRef]:
        ids = [self.fake.put("Account", Name=f"Made-up {n}") for n in range(count)]
        return [RecordRef("salesforce", "account", id_) for id_ in ids]

    async def native(self, ref: RecordRef, value: Json) -> None:
        self.fake.set("Account", ref.id, Phone=value)

    async def remove(self, ref: RecordRef) -> None:
        self.fake.set("Account", ref.id, IsDeleted=True)

    @asynccontextmanager
    async def tired(self, after: float) -> AsyncIterator[Crm]:
        client = self.client()
        self.fake.answer = lambda _: web.Response(status=429, headers={"Retry-After": str(after)})
        yield client
        self.fake.answer = None

    @asynccontextmanager
    async def locked_out(self) -> AsyncIterator[Crm]:
        self.fake.locked = True
        yield self.client()
        self.fake.locked = False

    def answering(self, bad: Bad) -> AbstractAsyncContextManager[Crm] | None:
        return self._answering(SPOILS[bad])

    @asynccontextmanager
    async def _answering(self, spoil: Spoil) -> AsyncIterator[Crm]:
        async with between(self.fake.url) as proxy:
            proxy.spoil = spoil
            yield self.client(url=proxy.url)


@asynccontextmanager
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    async with served(FakeSalesforce()) as fake:
        opened = SalesforceHarness(fake)
        try:
            yield opened
        finally:
            for client in opened.opened:
                await client.close()
