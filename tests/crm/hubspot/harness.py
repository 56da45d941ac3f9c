"""HubSpot under the contract: against the stand-in of fake.py. An account at HubSpot itself is nobody's test."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web

from crm.hubspot import Config, Crm
from crm.model import RecordRef
from reconcile.model import Json
from tests.crm.between import Spoil, a_page, half_an_answer, in_json
from tests.crm.contract import Bad
from tests.crm.hubspot.fake import APP, PORTAL, SECRET, TOKEN, FakeHubSpot, refused
from tests.crm.standin import Far, at, opens

FIELDS = {
    "phone": {"theirs": "phone", "type": "phone"},
    "city": "city",
    "amount": {"theirs": "annualrevenue", "type": "decimal"},
    "industry": {
        "theirs": "industry",
        "type": "choice",
        "options": {"medical": "HOSPITAL_HEALTH_CARE", "machines": "MACHINERY"},
    },
    "renewal": {"theirs": "renewal", "type": "date"},
}


def _in_properties(**instead: str) -> Spoil:
    """In every object; "" takes a property away, from what is offered too."""

    def change(body: Any) -> Any:
        told = [body, *(body.get("results") or [])]
        for name, value in instead.items():
            if not value and "results" in body:
                body["results"] = [each for each in body["results"] if each.get("name") != name]
            for each in told:
                if isinstance(each.get("properties"), dict):
                    each["properties"].pop(name, None)
                    if value:
                        each["properties"][name] = value
        return body

    return in_json(change)


def _twice(body: Any) -> Any:
    return body | ({"results": [each for each in body["results"] for _ in "ab"]} if "results" in body else {})


SPOILS: dict[Bad, Spoil] = {
    "a page": a_page,
    "half an answer": half_an_answer,
    "twice": in_json(_twice),
    "a field gone": _in_properties(phone=""),
    "a strange choice": _in_properties(industry="no-such-option"),
    "a number as text": _in_properties(annualrevenue="480,000.50"),
    "an error inside": in_json(lambda _: {"status": "error", "message": "Not today.", "category": "X"}),
}


class HubSpotHarness(Far[FakeHubSpot, Crm]):
    spoils = SPOILS
    concurrent = False
    address = "base_url"
    wall = 1_790_000_000_000

    def make(self, settings: Mapping[str, Any]) -> Crm:
        usual: dict[str, Any] = {"base_url": self.fake.url, "token": TOKEN, "app": APP, "portal": PORTAL}
        usual |= {"client_secret": SECRET, "every": 0, "deleted_every": 0, "page": self.page, "searches": 1000}
        config = Config.model_validate({**usual, "fields": FIELDS, "timeout": 60, **settings})
        return Crm("hubspot", config, clock=lambda: 0, wall=lambda: self.wall)

    async def seed(self, count: int) -> list[RecordRef]:
        ids = [self.fake.put("companies", name=f"Made-up {n}") for n in range(count)]
        return [RecordRef("hubspot", "account", id_) for id_ in ids]

    async def native(self, ref: RecordRef, value: Json) -> None:
        self.fake.set("companies", ref.id, phone=str(value))

    async def remove(self, ref: RecordRef) -> None:
        self.fake.archive("companies", ref.id)

    def too_many(self, after: float) -> web.Response:
        return refused(429, "RATE_LIMITS", "secondly", **{"Retry-After": str(after)})


def house() -> AbstractAsyncContextManager[HubSpotHarness]:
    fake = FakeHubSpot()
    return at(fake, HubSpotHarness, lambda: fake.now / 1000)


harness = opens(house)
