"""The channel of the guide: loaded as anybody's own, signed, inert, within its limits, and a gateway works with it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pydantic import ValidationError

from channels import model, registry
from channels.wire import Source
from gateway.errors import Rejected, Unreadable
from tests.cards.corpus import CORPUS
from tests.cards.standard import every_card, hostile_cards
from tests.channels.harness import unseen
from tests.gateway.house import LI, NAME, WANG, opened

SECRET = "the secret both sides share"
LI_THERE = "li"


def signed(body: bytes, at: int | None = None) -> dict[str, str]:
    when = str(int(time.time()) if at is None else at)
    mac = hmac.new(SECRET.encode(), f"{when}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x-bulletin-at": when, "x-bulletin-mac": mac}


def told(kind: str, **more: Any) -> dict[str, Any]:
    return {"id": f"e-{kind}", "kind": kind, "room": "sales", "user": LI_THERE, "message": "m1", "at": 1, **more}


@pytest.fixture
async def channel() -> Any:
    module = registry.load("examples.bulletin")
    async with ClientSession() as session:
        config = module.Config(url="http://127.0.0.1:1", team="t", secret=SECRET)
        yield module.Channel("bulletin", config, session=session, clock=lambda: 5)


async def receive(channel: Any, body: bytes, **headers: str) -> model.Reply:
    reply: model.Reply = await channel.receive(model.Inbound("POST", "http://x/in/bulletin", headers, body))
    return reply


async def test_what_it_hears(channel: Any) -> None:
    body = json.dumps(told("said", text="明天去华星医疗")).encode()
    (event,) = (await receive(channel, body, **signed(body))).events
    assert isinstance(event, model.Said)
    assert (event.where.room, event.who.id.scope, event.who.kind, event.text) == (
        "sales",
        "t",
        "member",
        "明天去华星医疗",
    )
    kinds = {kind: type(_only(told(kind))).__name__ for kind in ("pressed", "came", "went")}
    assert kinds == {"pressed": "Pressed", "came": "Joined", "went": "Left"}
    with pytest.raises(Unreadable):
        _only(told("sneezed"))


def _only(payload: dict[str, Any]) -> model.Event:
    (event,) = registry.load("examples.bulletin").parse(Source("bulletin", "t", 5), payload)
    assert isinstance(event, model.Event)
    return event


@pytest.mark.parametrize("headers", [{}, {"x-bulletin-mac": "00"}, "old", "body"])
async def test_who_did_not_sign_is_rejected(channel: Any, headers: Any) -> None:
    body = json.dumps(told("said", text="x")).encode()
    sent = {"old": signed(body, int(time.time()) - 400), "body": signed(body + b" ")}.get(str(headers), headers)
    with pytest.raises(Rejected):
        await receive(channel, body, **sent)


def test_every_card_fits_and_tells_no_token() -> None:
    draw = registry.load("examples.bulletin").draw
    for card in every_card():
        drawn = draw(card)
        assert drawn["text"] and len(drawn["choices"]) <= 5 and len(json.dumps(drawn)) <= 40_000
        assert all(each["choice"][1] not in drawn["text"] for each in drawn["choices"])


@pytest.mark.parametrize(("name", "text"), CORPUS, ids=[name for name, _ in CORPUS])
def test_nothing_hostile_survives(name: str, text: str) -> None:
    draw = registry.load("examples.bulletin").draw
    for card in hostile_cards(text).values():
        drawn = draw(card)
        for line in drawn["text"].split("\n"):
            assert not unseen(line)
        assert all(not unseen(each["label"]) for each in drawn["choices"])


class Bulletin:
    """The other side."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.came = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/rooms/{room}/messages", self.post)
        app.router.add_get("/rooms/{room}", self.room)
        return app

    async def post(self, request: web.Request) -> web.Response:
        self.posted.append(await request.json())
        self.came.set()
        return web.json_response({"id": f"b{len(self.posted)}"})

    async def room(self, request: web.Request) -> web.Response:
        return web.json_response({"members": [{"user": LI_THERE, "guest": False}, {"user": "wang", "guest": False}]})


async def test_a_card_floats_there(tmp_path: Path) -> None:
    theirs = Bulletin()
    runner = web.AppRunner(theirs.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    extra = (
        f'[channels.bulletin]\ntype = "examples.bulletin"\nurl = "{url}"\nteam = "t"\nsecret = "file:bulletin.key"\n'
    )
    (tmp_path / "bulletin.key").write_text(SECRET)
    try:
        async with opened(tmp_path, extra=extra) as live:
            for there, person in ((LI_THERE, LI), ("wang", WANG)):
                key = model.ImId("bulletin", "t", "user", there).key
                ours = live.s.people.linked("im", model.ImId("web", "demo", "user", person).key)
                assert ours is not None
                await live.s.people.link(ours.id, "im", key, step="import", evidence="test", made_by="test")
            body = json.dumps(told("said", text=f"明天去{NAME}谈续约")).encode()
            async with live.session.post(f"{live.url}/in/bulletin", data=body, headers=signed(body)) as answer:
                assert answer.status == 200
            async with asyncio.timeout(30):
                await theirs.came.wait()
    finally:
        await runner.cleanup()
    (card,) = theirs.posted
    assert NAME in card["text"] and card["once"]
    assert any(each["choice"][0] == "edit" for each in card["choices"])


def test_a_key_that_is_none_of_its_own_is_a_fault() -> None:
    module = registry.load("examples.bulletin")
    with pytest.raises(ValidationError, match="room_rate"):
        module.Config(url="http://127.0.0.1:1", team="t", secret=SECRET, room_rate=9)
