"""Odoo under the contract: against the stand-in of fake.py, since a real one cannot be had from a registry."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from crm.model import RecordRef
from crm.odoo import Config, Crm
from reconcile.model import Json
from tests.crm.between import Spoil, a_page, half_an_answer, in_json
from tests.crm.contract import Bad
from tests.crm.odoo.fake import DB, KEY, LOGIN, FakeOdoo
from tests.crm.standin import Far, at, opens

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


class OdooHarness(Far[FakeOdoo, Crm]):
    spoils = SPOILS
    concurrent = False
    choice: str | None = "role"

    def make(self, settings: Mapping[str, Any]) -> Crm:
        usual = {"url": self.fake.url, "database": DB, "login": LOGIN, "key": KEY, "timeout": 60.0, "page": self.page}
        return Crm("odoo", Config.model_validate({**usual, "fields": FIELDS, **settings}), clock=lambda: 0)

    async def seed(self, count: int) -> list[RecordRef]:
        ids = [self.fake.put("res.partner", name=f"Made-up {n}") for n in range(count)]
        return [RecordRef("odoo", "account", str(id_)) for id_ in ids]

    async def native(self, ref: RecordRef, value: Json) -> None:
        self.fake.set("res.partner", int(ref.id), phone=value)

    async def remove(self, ref: RecordRef) -> None:
        self.fake.set("res.partner", int(ref.id), active=False)


def house() -> AbstractAsyncContextManager[OdooHarness]:
    return at(FakeOdoo(), OdooHarness)


harness = opens(house)
