"""Against npm's `emulate`, an emulator of Slack that nobody here wrote: the Web API, and events signed by itself."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from cards import tree
from channels.model import Inbound, Place, Said
from channels.slack import Channel, Config
from channels.slack.interactions import trigger
from gateway.errors import Refused
from tests.channels.harness import opened
from tests.channels.slack.recipe import SECRET

ROOT = Path(__file__).parents[3]
HERE = ROOT / ".node-slack" / "node_modules"
NODE, DIST = HERE / "node" / "bin" / "node", HERE / "emulate" / "dist"
TEAM = "T000000001"
CARD = tree.Card("customer", "华星", (tree.Title("华星医疗"), tree.Footer("10:32")))
FORM = tree.Card("edit_form", "s", (tree.Title("Edit"), tree.Form("v1.f", (tree.FormField("a", "A"),), "Save")))


@dataclass
class Emulated:
    channel: Channel
    session: ClientSession
    url: str
    heard: list[Inbound]

    async def call(self, method: str, **body: Any) -> dict[str, Any]:
        """As a person there would, with the emulator's own token."""
        headers = {"Authorization": "Bearer xoxb-test"}
        async with self.session.post(f"{self.url}/api/{method}", json=body, headers=headers) as response:
            told: dict[str, Any] = await response.json()
            assert told["ok"], told
            return told

    async def room(self) -> str:
        rooms = await self.call("conversations.list", types="private_channel,public_channel")
        return str(next(each["id"] for each in rooms["channels"] if each["name"] == "sales"))

    async def delivered(self, count: int) -> list[Inbound]:
        async with asyncio.timeout(30):
            while len(self.heard) < count:
                await asyncio.sleep(0.01)
        return self.heard


def _there() -> None:
    if not NODE.exists() or not DIST.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("scripts/emulate.sh did not install the emulator of Slack")
        pytest.skip("no emulator of Slack here: scripts/emulate.sh installs it, and needs npm")


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def emulated() -> AsyncIterator[Emulated]:
    _there()
    heard: list[Inbound] = []

    async def take(request: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        heard.append(Inbound("POST", str(request.url), headers, await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/in/slack", take)
    port = _free()
    async with TestServer(app) as server, ClientSession() as session:
        script, events = str(Path(__file__).with_name("emulator.mjs")), str(server.make_url("/in/slack"))
        command = (str(NODE), script, str(DIST), str(port), events, SECRET)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(60):
                while b"ready" not in (line := await process.stdout.readline()):
                    assert line, "the emulator ended"
            url = f"http://127.0.0.1:{port}"
            settings = {"team": TEAM, "bot_token": "xoxb-test", "signing_secret": SECRET, "base_url": f"{url}/api"}
            channel = Channel("slack", Config.model_validate(settings), session=session, clock=lambda: 0)
            yield Emulated(channel, session, url, heard)
        finally:
            process.terminate()
            await process.communicate()


async def test_the_emulators_own_events_pass_our_door() -> None:
    async with emulated() as slack:
        room = await slack.room()
        sent = await slack.call("chat.postMessage", channel=room, text="Meet Acme &amp; Söhne")
        for request in await slack.delivered(1):
            reply = await slack.channel.receive(request)
            said = [event for event in (await opened(slack.channel, reply)).events if isinstance(event, Said)]
        (event,) = said
        assert event.where.room == room and event.message.id == sent["ts"] and "Acme & Söhne" in event.text


async def test_a_card_goes_out_is_repainted_and_goes() -> None:
    async with emulated() as slack:
        room = await slack.room()
        root = await slack.call("chat.postMessage", channel=room, text="hello")
        place = Place("slack", room, root["ts"])
        card = await slack.channel.send(place, CARD, once="o")
        await slack.channel.edit(card, CARD)
        thread = await slack.call("conversations.replies", channel=room, ts=root["ts"])
        assert [each["ts"] for each in thread["messages"]][1:] == [card.id]
        await slack.channel.delete(card)
        with pytest.raises(Refused):
            await slack.channel.edit(card, CARD)


async def test_who_is_there_and_a_form_with_a_trigger_used_once() -> None:
    async with emulated() as slack:
        room = await slack.room()
        roster = await slack.channel.members(Place("slack", room))
        assert roster.complete and roster.title == "sales" and roster.members
        given = await slack.call("views.generateTriggerId")
        once = trigger(str(given.get("trigger_id")), room)
        await slack.channel.open(once, FORM)
        with pytest.raises(Refused, match="Press the button again"):
            await slack.channel.open(once, FORM)
        held = await slack.channel.hold(
            trigger(str((await slack.call("views.generateTriggerId"))["trigger_id"]), room), CARD
        )
        await slack.channel.open(held, FORM)
