"""What goes wrong with deliveries and calls: replayed, late, doubled, reordered, too large, revoked, limited."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from crm.model import RecordRef
from tests.channels.slack.world import BOT, DEAL, GUEST, LI, NEW, PARTNER, TEAM, WANG, ZHAO, around, buttons, words
from tests.gateway.house import HERO, NAME


def envelope(event: dict[str, Any], id_: str) -> bytes:
    authorized = [{"team_id": TEAM, "user_id": BOT, "is_bot": True}]
    body = {"type": "event_callback", "team_id": TEAM, "event_id": id_, "event": event, "authorizations": authorized}
    return json.dumps(body).encode()


def message(text: str, ts: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": LI, "channel": DEAL, "text": text, "ts": ts, "team": TEAM, **more}


async def test_a_delivery_comes_again_and_is_handled_once(tmp_path: Path) -> None:
    """A retry is answered 200 and neither dropped on sight nor done twice; a replay of six minutes ago is 401."""
    async with around(tmp_path) as world:
        said = message(NAME, "1795200010.000100")
        raw, mention = envelope(said, "EvA"), envelope({**said, "type": "app_mention"}, "EvB")
        for body in (raw, raw, mention, raw):
            assert (await world.post(body, "application/json"))[0] == 200
        await world.live.settle()
        assert len(world.slack.cards(DEAL)) == 1
        assert (await world.post(raw, "application/json", int(time.time()) - 400))[0] == 401
        fresh = envelope(message("云栖纺织", "1795200011.000100"), "EvC")
        async with world.live.session.post(
            f"{world.live.url}/in/slack", data=fresh, headers=_signed(fresh) | {"X-Slack-Retry-Num": "1"}
        ) as response:
            assert response.status == 200
        await world.live.settle()
        assert len(world.slack.cards(DEAL)) == 2, "the first try never arrived: the retry is the first we hear"


def _signed(raw: bytes) -> dict[str, str]:
    from tests.channels.slack.recipe import seal

    return {"Content-Type": "application/json", **seal("POST", "", raw, int(time.time()))}


async def test_an_edit_that_overtakes_its_message_leaves_what_was_edited(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        ts = "1795200012.000100"
        now = message("云栖纺织", ts, edited={"ts": "1795200013.000000"})
        changed = {"type": "message", "subtype": "message_changed", "channel": DEAL, "ts": "1795200013.000100"}
        assert (await world.event({**changed, "message": now, "previous_message": message(NAME, ts)}))[0] == 200
        await world.live.settle()
        assert (await world.event({"type": "message", "subtype": "brand_new_2027", "channel": DEAL}))[0] == 200
        assert (await world.event({"type": "hologram_projected", "channel": DEAL}))[0] == 200
        assert (await world.post(b"x" * 5_000_000, "application/json"))[0] == 413
        await world.live.settle()
        assert "云栖纺织" in words(world.card().blocks)


async def test_another_bot_and_ours_never_talk(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        ts = await world.say("U0OTHERBT", DEAL, NAME, bot_id="B0OTHER01", subtype="bot_message")
        await world.say(BOT, DEAL, NAME, bot_id="B0FLOAT01")
        assert not world.slack.posted and not world.slack.whispers and ts


async def test_a_button_of_three_versions_ago_is_answered(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(LI, DEAL, NAME)
        card = world.card()
        old = buttons(card.blocks, "edit")[0]
        for stage in ("won", "lost", "lead"):
            await world.live.natively("stage", stage)
            await world.live.settle()
        assert card.edits >= 3
        view = world.slack.views[await world.press(LI, card, old)]
        assert "lead" in json.dumps(view), "the form shows what is so now"
        foreign = {**old, "value": old["value"][:-4] + "AAAA"}
        before = len(world.slack.calls)
        await world.press(LI, card, foreign)
        assert not [call for call in world.slack.calls[before:] if call[0] == "views.open"]


async def test_a_form_whose_customer_was_merged_away_is_told_so(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(LI, DEAL, NAME)
        card = world.card()
        view = world.slack.views[await world.press(LI, card, buttons(card.blocks, "edit")[0])]
        record = await world.live.crm.get(RecordRef.parse(HERO))
        await world.live.s.records.put([replace(record, deleted=True, version=record.version + 1)])
        answer = await world.submit(LI, view, phone="+86 512 3333 3333")
        assert answer["response_action"] == "update" and await world.live.there("phone") != "+86 512 3333 3333"


async def test_removed_between_hearing_and_speaking(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        world.slack.rooms[DEAL].remove(BOT)
        await world.say(LI, DEAL, NAME)
        assert not world.slack.cards(DEAL), "only the author may have been told, alone"
        assert (await world.event({"type": "channel_left", "channel": DEAL, "event_ts": "1795200014.000100"}))[0] == 200
        world.slack.rooms[DEAL].append(BOT)
        await world.live.settle()
        await world.say(LI, DEAL, "云栖纺织")
        assert len(world.slack.cards(DEAL)) == 1


async def test_a_token_revoked_mid_flight_is_no_crash_and_no_loop(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(LI, DEAL, NAME)
        world.slack.wrong["chat.update"] = lambda: world.slack.error("token_revoked")
        before = len(world.slack.calls)
        await world.live.natively("stage", "won")
        await world.live.settle()
        assert 1 <= len([1 for method, _, _ in world.slack.calls[before:] if method == "chat.update"]) <= 3
        del world.slack.wrong["chat.update"]
        world.live.clock.ahead(hours=2)
        await world.live.settle()
        assert "成交" in words(world.card().blocks), "it is tried again when the app was installed anew"


async def test_429_for_an_hour_delays_one_method_and_loses_nothing(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        limited = {"Retry-After": "3600"}
        world.slack.wrong["chat.postMessage"] = lambda: web.json_response(
            {"ok": False, "error": "ratelimited"}, status=429, headers=limited
        )
        assert (await world.event(message(NAME, "1795200015.000100")))[0] == 200
        async with asyncio.timeout(30):
            while not [1 for method, _, _ in world.slack.calls if method == "chat.postMessage"]:
                await asyncio.sleep(0.01)
        raw = f"team_id={TEAM}&channel_id={PARTNER}&user_id={LI}&command=/help&text=&trigger_id=tr.h"
        assert (await world.post(raw.encode(), "application/x-www-form-urlencoded"))[0] == 200
        async with asyncio.timeout(30):
            while not world.slack.whispers:
                await asyncio.sleep(0.01)
        tries = [1 for method, _, _ in world.slack.calls if method == "chat.postMessage"]
        assert len(tries) == 1, "nothing is asked of a method that said when to come again, and other rooms go on"
        assert await world.live.rows("job") >= 1, "and the card waits in the queue"


async def test_a_slow_answer_gets_a_form_that_says_so_and_is_filled_in(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("gateway.holding.HOLD_S", 0.01)
    async with around(tmp_path) as world:
        await world.say(LI, DEAL, NAME)
        card, crm = world.card(), world.live.s.ledger
        slow, whole = asyncio.Event(), crm.states

        async def states(*given: Any) -> Any:
            await slow.wait()
            return await whole(*given)

        monkeypatch.setattr(type(crm), "states", lambda _, *given: states(*given))
        pressed = asyncio.create_task(world.press(LI, card, buttons(card.blocks, "edit")[0]))
        async with asyncio.timeout(30):
            while "last" not in world.slack.views:
                await asyncio.sleep(0.01)
        held = world.slack.views["last"]
        assert "submit" not in held
        slow.set()
        await pressed
        assert world.slack.views[held["id"]]["submit"] and [m for m, _, _ in world.slack.calls].count("views.open") == 1


async def test_an_admin_hears_once_of_somebody_nobody_mapped_and_says_who_it_is(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        world.slack.rooms[DEAL].append(NEW)
        world.slack.users[NEW] = {"profile": {"display_name": "陈伟 Chen Wei"}}
        (own,) = [link for link in world.live.s.people.links("p_zhaolei") if link.key.startswith("web/")]
        await world.live.s.people.unlink(own.id, "test")
        for _ in range(2):
            await world.say(NEW, DEAL, NAME)
            world.live.clock.ahead(hours=1)
        (notice,) = world.slack.cards("D" + ZHAO[1:])
        (button,) = buttons(notice.blocks, "map")
        await world.press(WANG, notice, button)
        assert world.live.s.people.linked("im", f"slack/{TEAM}/user/{NEW}") is None, "no admin, no say"
        await world.press(ZHAO, notice, button)
        person = world.live.s.people.linked("im", f"slack/{TEAM}/user/{NEW}")
        assert person is not None and person.id == "p_chenwei"
        world.slack.rooms[DEAL].append(GUEST)
        await world.say(GUEST, DEAL, "云栖纺织")
        assert len(world.slack.cards("D" + ZHAO[1:])) == 1, "a guest is no business of the admin's"
