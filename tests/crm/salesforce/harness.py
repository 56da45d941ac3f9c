"""Salesforce under the contract: against the stand-in of fake.py, since no emulator of it is known."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from crm.model import RecordRef
from crm.salesforce import Config, Crm
from reconcile.model import Json
from tests.crm.between import Spoil, a_page, half_an_answer, in_json
from tests.crm.contract import Bad
from tests.crm.salesforce.fake import CLIENT, REFRESH, SECRET, FakeSalesforce
from tests.crm.standin import Far, at, opens

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


class SalesforceHarness(Far[FakeSalesforce, Crm]):
    spoils = SPOILS

    def make(self, settings: Mapping[str, Any]) -> Crm:
        usual: dict[str, Any] = {"url": self.fake.url, "client_id": CLIENT, "client_secret": SECRET}
        usual |= {"refresh_token": REFRESH, "every": 0, "page": self.page, "timeout": 60, "fields": FIELDS}
        return Crm("salesforce", Config.model_validate({**usual, **settings}), clock=lambda: 0)

    async def seed(self, count: int) -> list[RecordRef]:
        ids = [self.fake.put("Account", Name=f"Made-up {n}") for n in range(count)]
        return [RecordRef("salesforce", "account", id_) for id_ in ids]

    async def native(self, ref: RecordRef, value: Json) -> None:
        self.fake.set("Account", ref.id, Phone=value)

    async def remove(self, ref: RecordRef) -> None:
        self.fake.set("Account", ref.id, IsDeleted=True)


def house() -> AbstractAsyncContextManager[SalesforceHarness]:
    fake = FakeSalesforce()
    return at(fake, SalesforceHarness, lambda: fake.now)


harness = opens(house)
