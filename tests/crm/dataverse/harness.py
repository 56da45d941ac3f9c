"""Dataverse under the contract: against the stand-in of fake.py, since no emulator of it is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from crm.dataverse import Config, Crm
from crm.model import RecordRef
from reconcile.model import Json
from tests.crm.between import Spoil, a_page, half_an_answer, in_json
from tests.crm.contract import Bad
from tests.crm.dataverse.fake import CLIENT, FORMATTED, SECRET, TENANT, FakeDataverse
from tests.crm.standin import Far, at, opens

FIELDS = {
    "phone": {"theirs": "telephone1", "type": "phone"},
    "city": "address1_city",
    "amount": {"theirs": "revenue", "type": "decimal"},
    "industry": {"theirs": "industrycode", "type": "choice", "options": {"medical": "1", "machines": "2"}},
    "vip": {"theirs": "new_vip", "type": "choice"},
    "renewal": {"theirs": "new_renewal", "type": "date"},
    "seen": {"theirs": "new_seen", "type": "date"},
    "parent": {"theirs": "_parentaccountid_value", "direction": "read"},
}


def _in_rows(**instead: Any) -> Spoil:
    """In every row of an account; None takes a column away."""

    def change(body: Any) -> Any:
        rows = body.get("value") if isinstance(body.get("value"), list) else [body]
        for row in rows:
            for name in instead.keys() & row.keys():
                row.pop(f"{name}@{FORMATTED}", None)
                if instead[name] is None:
                    del row[name]
                else:
                    row[name] = instead[name]
        return body

    return in_json(change)


def _twice(body: Any) -> Any:
    return body | (
        {"value": [row for row in body["value"] for _ in "ab"]} if isinstance(body.get("value"), list) else {}
    )


SPOILS: dict[Bad, Spoil] = {
    "a page": a_page,
    "half an answer": half_an_answer,
    "twice": in_json(_twice),
    "a field gone": _in_rows(telephone1=None),
    "a strange choice": _in_rows(industrycode="no-such-option"),
    "a number as text": _in_rows(revenue="480,000.50"),
    "an error inside": in_json(lambda _: {"error": {"code": "0x80040265", "message": "Not today."}}),
}


class DataverseHarness(Far[FakeDataverse, Crm]):
    spoils = SPOILS

    def make(self, settings: Mapping[str, Any]) -> Crm:
        url = settings.get("url", self.fake.url)
        usual: dict[str, Any] = {"url": url, "login": url, "tenant": TENANT, "client_id": CLIENT}
        usual |= {"client_secret": SECRET, "every": 0, "page": self.page, "timeout": 60, "fields": FIELDS}
        return Crm("dataverse", Config.model_validate({**usual, **settings}), clock=lambda: 0)

    async def seed(self, count: int) -> list[RecordRef]:
        ids = [self.fake.put("accounts", name=f"Made-up {n}") for n in range(count)]
        return [RecordRef("dataverse", "account", id_) for id_ in ids]

    async def native(self, ref: RecordRef, value: Json) -> None:
        self.fake.set("accounts", ref.id, telephone1=value)

    async def remove(self, ref: RecordRef) -> None:
        self.fake.remove("accounts", ref.id)

    @asynccontextmanager
    async def _answering(self, spoil: Spoil) -> AsyncIterator[Crm]:
        """Its links lead to where it was asked."""
        async with super()._answering(spoil) as client:
            self.fake.public = client._config.url
            yield client
            self.fake.public = ""


def house() -> AbstractAsyncContextManager[DataverseHarness]:
    fake = FakeDataverse()
    return at(fake, DataverseHarness, lambda: fake.now)


harness = opens(house)
