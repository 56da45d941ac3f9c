"""A CRM's webhook: verified, kept, and followed by a read; whatever it says of the record is not believed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from crm.local.crm import LocalCrm
from crm.model import Hook, RecordRef
from gateway.app import open_house
from gateway.clock import ShiftedClock
from gateway.demo.run import prepare
from gateway.errors import Rejected, Unreadable
from gateway.house import House
from gateway.http.hooks import HookDoor

nudged: list[int] = []


class Hooked(LocalCrm):
    """The embedded CRM, as if it sent webhooks. The body is the ids of records; the signature is the word *good*."""

    async def hear(self, hook: Hook) -> tuple[RecordRef, ...]:
        if hook.headers.get("x-signature") != "good" or hook.url != "http://127.0.0.1:8300/hooks/local?x=1":
            raise Rejected("no")
        try:
            ids = json.loads(hook.body)
        except ValueError:
            raise Unreadable("no JSON") from None
        return tuple(RecordRef("local", "account", id_) for id_ in ids)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = await open_house(prepare(tmp_path, 8300), ShiftedClock())
    opened.services.crms["local"].__class__ = Hooked
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def url(house: House) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(HookDoor(house.services, lambda: nudged.append(1)).routes())
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/local?x=1"
    await runner.cleanup()


async def post(url: str, body: Any, signature: str = "good") -> int:
    async with (
        ClientSession() as session,
        session.post(
            url, data=body if isinstance(body, str) else json.dumps(body), headers={"X-Signature": signature}
        ) as answer,
    ):
        return answer.status


def desk(house: House) -> Hooked:
    crm = house.services.crms["local"]
    assert isinstance(crm, Hooked)
    return crm


async def shown(house: House, ref: RecordRef) -> Any:
    known = await house.services.records.mirrored(ref.key)
    it = known.fields.get("phone") if known is not None else None
    return it.value if it else None


async def test_what_it_speaks_of_is_read(house: House, url: str) -> None:
    first, second = await desk(house).create("Acme", "li"), await desk(house).create("Borg", "li")
    for ref in (first, second):
        await desk(house).set_native(ref, "phone", "1", "li")
    nudged.clear()
    assert await post(url, [first.id, first.id, second.id]) == 200
    assert nudged == [1]
    assert await house.schedule.once() >= 2
    assert [await shown(house, ref) for ref in (first, second)] == ["1", "1"]


async def test_the_wrong_order_does_no_harm(house: House, url: str) -> None:
    """An old webhook after a newer one: both read what is there now."""
    ref = await desk(house).create("Acme", "li")
    for value in ("1", "2"):
        await desk(house).set_native(ref, "phone", value, "li")
        assert await post(url, [ref.id]) == 200
    await house.schedule.once()
    assert await post(url, [ref.id]) == 200
    await house.schedule.once()
    assert await shown(house, ref) == "2"
    history = await house.services.ledger.history(ref.key, "phone")
    assert [row.edit.value for row in history] == ["2"]


async def test_a_record_that_is_not_there_is_left_alone(house: House, url: str) -> None:
    assert await post(url, ["no-such"]) == 200
    await house.schedule.once()
    assert await house.services.due.next_at() is None or not await house.schedule.once()


@pytest.mark.parametrize(
    ("path", "body", "signature", "status"),
    [
        ("local?x=1", [], "bad", 401),
        ("local?x=2", [], "good", 401),
        ("local?x=1", "{", "good", 200),
        ("nosuch", [], "good", 404),
        ("web", [], "good", 404),
    ],
)
async def test_what_is_no_webhook(house: House, url: str, path: str, body: Any, signature: str, status: int) -> None:
    nudged.clear()
    assert await post(url.replace("local?x=1", path), body, signature) == status
    assert nudged == []


async def test_a_crm_without_webhooks_has_no_door(house: House, url: str) -> None:
    house.services.crms["local"].__class__ = LocalCrm
    assert await post(url, []) == 404
