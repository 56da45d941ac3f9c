"""Several workspaces: installed by OAuth, tokens sealed and turned, forgotten when the app goes. Socket Mode too."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import WSMsgType, web
from sqlalchemy import text

from channels import model
from channels.slack import Channel
from channels.slack.installing import _cookie
from gateway.errors import Retry
from tests.channels.slack.world import BOT, DEAL, LI, World, around, words
from tests.gateway.house import NAME

MORE = 'client_id = "1.2"\nclient_secret = "file:client.slack"\nteams = ["T0SECOND1"]\n'
SECOND = "T0SECOND1"


def granted(world: World, token: str, team: str = SECOND, **more: Any) -> None:
    answer = {"ok": True, "access_token": token, "bot_user_id": BOT, "team": {"id": team, "name": "Second"}, **more}
    world.slack.wrong["oauth.v2.access"] = lambda: web.json_response(answer)
    world.slack.tokens.add(token)


async def install(world: World, *, cookie: bool = True) -> tuple[int, str]:
    async with world.live.session.get(f"{world.live.url}/in/slack/install", allow_redirects=False) as begun:
        assert begun.status == 302
        asked = parse_qs(urlsplit(begun.headers["Location"]).query)
        kept = begun.headers["Set-Cookie"].partition(";")[0]
        assert "HttpOnly" in begun.headers["Set-Cookie"]
    back = f"{world.live.url}/in/slack/oauth?code=c1&state={asked['state'][0]}"
    async with world.live.session.get(back, headers={"Cookie": kept} if cookie else {}) as ended:
        return ended.status, await ended.text()


@pytest.mark.parametrize("others", ["a[b]=1; ", "no cookie; ", 'x="open; ', "\udce4=\udce4; ", ";;; "])
def test_another_pages_cookie_is_no_reason_to_refuse_an_installation(others: str) -> None:
    request = model.Inbound(
        "GET", "https://x.example/in/slack/oauth", {"cookie": f"{others}floatcard-install=s-1"}, b""
    )
    assert _cookie(request) == "s-1"


async def second(world: World, text_: str, ts: str) -> None:
    said = {"type": "message", "user": LI, "channel": "C0SECOND1", "text": text_, "ts": ts, "team": SECOND}
    assert (await world.event(said, team=SECOND))[0] == 200
    await world.live.settle()


async def test_the_app_is_installed_elsewhere_and_speaks_there_with_that_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with around(tmp_path, MORE) as world:
        world.slack.rooms["C0SECOND1"] = [LI, BOT]
        await second(world, NAME, "1795200020.000100")
        assert not world.slack.posted, "not installed there yet"
        granted(world, "xoxb-second")
        status, said = await install(world)
        assert status == 200 and "Second" in said
        await second(world, NAME, "1795200021.000100")
        (card,) = world.slack.cards("C0SECOND1")
        assert NAME in words(card.blocks)
        assert [token for method, _, token in world.slack.calls if method == "chat.postMessage"] == ["xoxb-second"]
        (asked,) = [token for method, _, token in world.slack.calls if method == "oauth.v2.access"]
        assert asked == "Basic MS4yOnRoZSBjbGllbnQncyBzZWNyZXQ=", "the app's own id and secret, and no token"
        assert "xoxb-second" not in caplog.text and "the client's secret" not in caplog.text
        dump = await world.live.s.store.read(
            lambda connection: connection.execute(text("SELECT hex(sealed) FROM kept")).scalars().all()
        )
        assert dump and all(b"xoxb".hex().upper() not in each for each in dump)
        gone = {"type": "app_uninstalled"}
        await world.event(gone, team=SECOND, event_time=int(time.time()) - 86_400 * 400)
        await second(world, "云栖纺织", "1795200022.000100")
        assert len(world.slack.cards("C0SECOND1")) == 2, "an old farewell ends no newer installation"
        await world.event(gone, team=SECOND, event_time=2_000_000_000)
        calls = len(world.slack.calls)
        await second(world, NAME, "1795200023.000100")
        assert len(world.slack.calls) == calls


async def test_who_began_elsewhere_or_is_not_on_the_list_installs_nothing(tmp_path: Path) -> None:
    async with around(tmp_path, MORE) as world:
        granted(world, "xoxb-second")
        assert (await install(world, cookie=False))[0] == 401
        async with world.live.session.get(f"{world.live.url}/in/slack/oauth?code=c1&state=made-up") as forged:
            assert forged.status == 401
        granted(world, "xoxb-stranger", team="T0STRANGE")
        world.slack.wrong["auth.revoke"] = lambda: web.json_response({"ok": True, "revoked": True})
        assert (await install(world))[0] == 400
        assert ("auth.revoke", "xoxb-stranger") in [(method, token) for method, _, token in world.slack.calls]
        assert await world.live.rows("kept", "key LIKE 'team/%'") == 0
        for path in ("nothing", "install/more"):
            async with world.live.session.get(f"{world.live.url}/in/slack/{path}") as unknown:
                assert unknown.status == 404


async def test_a_token_is_turned_before_it_ends_and_once(tmp_path: Path) -> None:
    async with around(tmp_path, MORE) as world:
        world.slack.rooms["C0SECOND1"] = [LI, BOT]
        granted(world, "xoxe.first", refresh_token="r1", expires_in=43_200)
        await install(world)
        await second(world, NAME, "1795200030.000100")
        granted(world, "xoxe.next", refresh_token="r2", expires_in=43_200)
        world.slack.tokens.discard("xoxe.first")
        world.live.clock.ahead(hours=11)
        before = len(world.slack.calls)
        await second(world, "云栖纺织", "1795200031.000100")
        after = world.slack.calls[before:]
        turned = [body for method, body, _ in after if method == "oauth.v2.access"]
        assert [body["refresh_token"] for body in turned] == ["r1"]
        assert {token for method, _, token in after if method != "oauth.v2.access"} == {"xoxe.next"}


@asynccontextmanager
async def socket(world: World) -> AsyncIterator[tuple[web.WebSocketResponse, asyncio.Queue[dict[str, Any]]]]:
    """A socket server that Bolt connects to."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    here: asyncio.Future[web.WebSocketResponse] = asyncio.get_running_loop().create_future()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        here.set_result(response)
        async for each in response:
            if each.type is WSMsgType.TEXT:
                heard.put_nowait(json.loads(each.data))
        return response

    app = web.Application()
    app.router.add_get("/link", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/link?ticket=secret"
    world.slack.wrong["apps.connections.open"] = lambda: web.json_response({"ok": True, "url": url})
    channel = world.live.s.channels["slack"]
    assert isinstance(channel, Channel)
    from gateway.asked import Asked

    listening = asyncio.create_task(channel.listen(Asked(world.live.s).put), name="listening")
    try:
        async with asyncio.timeout(30):
            yield await here, heard
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await runner.cleanup()


async def test_the_same_payloads_come_over_our_own_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_APP_TOKEN"):
        monkeypatch.setenv(name, "another-app's")  # Bolt would take its settings from there
    caplog.set_level(0)
    async with around(tmp_path, 'app_token = "file:app.slack"\n') as world, socket(world) as (slack, heard):
        said = {"type": "message", "user": LI, "channel": DEAL, "text": NAME, "ts": "1795200040.000100"}
        body = {"type": "event_callback", "team_id": "T0FLOAT01", "event_id": "EvS1", "event": said}
        for _ in range(5):
            await slack.send_json({"type": "events_api", "envelope_id": "e1", "payload": body})
            assert (await heard.get())["envelope_id"] == "e1"
        await world.live.settle()
        card = world.card()
        view = world.slack.views[await world.press(LI, card, _edit(card.blocks))]
        values = {each["block_id"]: {"value": {"value": "+86 512 9"}} for each in view["blocks"] if _phone(each)}
        form = {"type": "view_submission", "user": world.user(LI), "trigger_id": "tr.s", "team": {"id": "T0FLOAT01"}}
        sent = {**form, "view": {**view, "state": {"values": values}}}
        await slack.send_json({"type": "interactive", "envelope_id": "e2", "payload": sent})
        assert (await heard.get())["envelope_id"] == "e2"
        await world.live.settle()
        assert await world.live.value("phone") == "+86 512 9"
        before = await world.live.counted("floatcard_received_total", channel="slack", outcome="unreadable")
        await slack.send_json({"type": "events_api", "envelope_id": "e3", "payload": {"type": "from_next_year"}})
        assert (await heard.get())["envelope_id"] == "e3", "not understood is answered, so that it does not come again"
        unread = await world.live.counted("floatcard_received_total", channel="slack", outcome="unreadable") - before
        assert unread == 1
        command = {"team_id": "T0FLOAT01", "channel_id": DEAL, "user_id": LI, "command": "/help", "trigger_id": "t9"}
        await slack.send_json({"type": "slash_commands", "envelope_id": "e4", "payload": command})
        assert (await heard.get())["envelope_id"] == "e4"
        await world.live.settle()
        assert len(world.slack.whispers) >= 1
        assert "another-app's" not in {token for _, _, token in world.slack.calls}
    told = [each for each in caplog.records if each.name.startswith(("slack", "floatcard"))]
    assert not [each for each in told if "secret" in each.getMessage() or NAME in each.getMessage()]


async def test_what_is_not_stored_is_not_acknowledged(tmp_path: Path) -> None:
    """Slack brings it again then."""
    async with around(tmp_path, 'app_token = "file:app.slack"\n') as world, socket(world) as (slack, heard):
        said = {"type": "message", "user": LI, "channel": DEAL, "text": NAME, "ts": "1795200041.000100"}
        body = {"type": "event_callback", "team_id": "T0FLOAT01", "event_id": "EvS2", "event": said}
        store, write = world.live.s.store, world.live.s.store.write

        async def tired(*_: Any) -> Any:
            raise Retry(0.1, "no room")

        object.__setattr__(store, "write", tired)
        await slack.send_json({"type": "events_api", "envelope_id": "e1", "payload": body})
        await slack.send_json({"type": "hello"})
        await slack.send_json({"type": "events_api", "envelope_id": "e2", "payload": {"type": "from_next_year"}})
        assert (await heard.get())["envelope_id"] == "e2", "it is not waited for either"
        object.__setattr__(store, "write", write)
        await slack.send_json({"type": "events_api", "envelope_id": "e3", "payload": body})
        assert (await heard.get())["envelope_id"] == "e3"
        await world.live.settle()
        assert world.card()


async def test_it_is_closed_though_it_is_cancelled_again_while_it_closes(tmp_path: Path) -> None:
    """Left open, it would be given a share of what is said, and nobody would hear it."""
    async with around(tmp_path, 'app_token = "file:app.slack"\n') as world, socket(world) as (slack, heard):
        await slack.send_json({"type": "events_api", "envelope_id": "e1", "payload": {"type": "from_next_year"}})
        assert (await heard.get())["envelope_id"] == "e1"
        (listening,) = [each for each in asyncio.all_tasks() if each.get_name() == "listening"]
        for _ in range(2):
            listening.cancel()
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while not slack.closed:
                await asyncio.sleep(0.01)


def _edit(blocks: Any) -> Any:
    from tests.channels.slack.world import buttons

    return buttons(blocks, "edit")[0]


def _phone(block: dict[str, Any]) -> bool:
    return block.get("block_id") == "phone"


async def test_without_an_app_token_there_is_nothing_to_listen_to(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        channel = world.live.s.channels["slack"]
        assert isinstance(channel, model.Listens)

        async def put(event: model.Event, *, wait: bool = False, stored: Any = None) -> None:
            raise AssertionError("nothing was said")

        await channel.listen(put)
