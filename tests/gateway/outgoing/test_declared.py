"""The session that every channel calls through: whom it calls, and the bytes it writes."""

from __future__ import annotations

import pytest
from aiohttp import web

from cards import tree
from channels.model import MessageRef, Place
from channels.slack import Channel, draw
from channels.slack import Config as SlackConfig
from channels.wire import json_bytes
from crm.hosts import Undeclared
from gateway.config import Config
from gateway.outgoing.declared import session_of
from tests.channels.fake_server import Fake, serving
from tests.channels.harness import NOW
from tests.channels.slack.recipe import CONFIG

ROOM = Place("slack", "C0SALES01")


def configured(url: str) -> Config:
    slack = {"type": "slack", **CONFIG, "base_url": url}
    return Config.model_validate({"deployment": "x", "master_key": "00" * 32, "channels": {"slack": slack}})


@pytest.mark.parametrize("title", ["华星医疗 😀 <!channel>", "half a \ud83d"])
async def test_a_card_goes_to_the_host_that_was_declared_as_the_bytes_of_its_blocks(title: str) -> None:
    card = tree.Card("customer", "华星", (tree.Title(title), tree.Footer("10:32")))
    fake = Fake(lambda _: web.json_response({"ok": True, "ts": "1.5"}))
    async with serving(fake):
        url = f"{fake.url}/api"
        async with session_of(configured(url)) as session:
            settings = SlackConfig.model_validate({**CONFIG, "base_url": url})
            channel = Channel("slack", settings, session=session, clock=lambda: NOW, wall=lambda: NOW)
            assert await channel.send(ROOM, card, once="o") == MessageRef(ROOM, "1.5")
    (heard,) = fake.heard
    assert heard.body["blocks"] == draw(card)["blocks"]
    assert json_bytes(draw(card)["blocks"]) in heard.raw
    assert heard.headers["content-type"] == "application/json;charset=utf-8"


async def test_no_other_host_is_called() -> None:
    async with session_of(configured("http://127.0.0.1:9/api")) as session:
        with pytest.raises(Undeclared):
            await session.get("http://127.0.0.2:9/api")
