"""What the connector asks and what the stand-in answers, held against HubSpot's published description of companies.

The description is HubSpot's and not part of this project: it is read from the outside data's `specs` folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from crm.hubspot import Crm
from crm.model import Applied, Change, RecordRef
from gateway.errors import Refused
from tests.crm.between import Said, between
from tests.crm.contract import walk
from tests.crm.hubspot.fake import FakeHubSpot
from tests.crm.hubspot.harness import HubSpotHarness
from tests.crm.standin import at

pytestmark = pytest.mark.data
OURS = "/crm/v3/objects/companies"
HOST = "https://api.hubapi.com"


@pytest.fixture(scope="module")
def description() -> OpenAPI:
    folder = os.environ.get("FLOATCARD_DATA")
    if not folder:
        pytest.skip("FLOATCARD_DATA is not set")
    return OpenAPI.from_dict(_mended(json.loads((Path(folder) / "specs/hubspot-companies-v3.json").read_text("utf-8"))))


def _mended(value: Any) -> Any:
    """Examples that are null, and a media type `*/*` for refusals, are what no validator takes. Who may call is not
    asked here."""
    if isinstance(value, dict):
        left = {key: each for key, each in value.items() if key != "security" and (key, each) != ("example", None)}
        kept = {key: _mended(each) for key, each in left.items()}
        return {("application/json" if key == "*/*" else key): each for key, each in kept.items()}
    return [_mended(each) for each in value] if isinstance(value, list) else value


class Checked:
    """Between the two: every request and every answer about companies is validated, none is altered."""

    def __init__(self, description: OpenAPI) -> None:
        self.description = description
        self.wrong: list[str] = []
        self.seen: list[tuple[str, str, int]] = []

    def look(self, request: web.Request, said: Said, body: bytes) -> Said:
        if not request.path.startswith(OURS):
            return said
        asked = MockRequest(
            HOST,
            request.method.lower(),
            request.path,
            args=dict(request.query),
            data=body,
            content_type=request.content_type,
        )
        answer = MockResponse(said[2], status_code=said[0], content_type="application/json")
        self.seen.append((request.method, request.path, said[0]))
        try:
            self.description.validate_request(asked)
            self.description.validate_response(asked, answer)
        except OpenAPIError as fault:
            self.wrong.append(f"{request.method} {request.path} {said[0]}: {fault!r} {fault.__cause__!r}")
        return said


@asynccontextmanager
async def checked(description: OpenAPI) -> AsyncIterator[tuple[FakeHubSpot, Crm, Checked]]:
    check = Checked(description)
    plain = FakeHubSpot(nulls=False)
    async with at(plain, HubSpotHarness, lambda: plain.now / 1000) as harness, between(plain.url) as proxy:
        proxy.spoil = lambda request, said: check.look(request, said, proxy.asked[-1][2])
        yield plain, harness.client(base_url=proxy.url), check


async def test_all_we_ask_is_as_described(description: OpenAPI) -> None:
    async with checked(description) as (fake, client, check):
        ids = [fake.put("companies", name=f"Made-up {n}", phone=str(n)) for n in range(7)]
        _, cursor = await walk(client)
        await client.count()
        ref = RecordRef("hubspot", "account", ids[0])
        before = await client.get(ref)
        answer = await client.apply(Change(ref, "phone", "2", before.version), once="w1")
        assert isinstance(answer, Applied)
        await client.apply(Change(ref, "amount", None, None), once="w2")
        await client.add_note(ref, "hello", "Li", once="n1")
        fake.archive("companies", ids[1])
        await walk(client, cursor)
        for strange in ("1", ids[1]):
            with pytest.raises(Refused):
                await client.apply(Change(RecordRef("hubspot", "account", strange), "phone", "1", None), once=strange)
    assert check.wrong == []
    asked = {(method, status) for method, _, status in check.seen}
    assert {("GET", 200), ("GET", 404), ("POST", 200), ("PATCH", 200)} <= asked
    assert {path.removeprefix(OURS) for method, path, _ in check.seen if method == "POST"} == {"/search", "/batch/read"}


async def test_the_check_can_fail(description: OpenAPI) -> None:
    async with checked(description) as (fake, client, check):
        fake.answer = lambda request: (
            web.json_response({"id": "1", "properties": {"phone": 7}}) if request.path.startswith(OURS) else None
        )
        with pytest.raises(Exception, match=r"."):
            await client.get(RecordRef("hubspot", "account", "1"))
    assert any("createdAt" in wrong or "required" in wrong or "invalid" in wrong.lower() for wrong in check.wrong)
