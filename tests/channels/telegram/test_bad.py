"""What goes wrong with updates and calls on a whole gateway: reordered, too old, merged away, limited for an hour."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from crm.model import RecordRef
from tests.channels.telegram.fake_api import Refusal
from tests.channels.telegram.house import ANN, CHEN_TG, SALES, telegram
from tests.gateway.house import HERO, NAME


async def test_an_edit_that_overtakes_its_message_leaves_what_was_edited(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await here.start(ANN)
        at = here.live.clock.now() // 1000
        message = {"message_id": 5, "from": here.user(ANN), "chat": here.chat(SALES), "date": at, "text": NAME}
        edited = {**message, "text": "云栖纺织", "edit_date": at + 1}
        assert (await here.again({"update_id": 79, "edited_message": edited}))[0] == 200
        await here.live.settle()
        assert (await here.again({"update_id": 78, "message": message}))[0] == 200
        await here.live.settle()
        (card,) = here.api.in_room(SALES)
        assert "云栖纺织" in card.plain and NAME not in card.plain


async def test_a_button_of_three_versions_ago_is_answered(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        for who in (ANN, CHEN_TG):
            await here.start(who)
        await here.say(ANN, NAME)
        (card,) = here.api.in_room(SALES)
        old = card.key("Edit")
        for stage in ("won", "lost", "lead"):
            await here.live.natively("stage", stage)
            await here.live.settle()
        assert card.edits >= 3
        assert (await here.press_data(ANN, card, old))["text"] == "I ask you in our own chat."
        assert "Lead" in here.api.last(ANN).plain, "the form shows what is so now"


async def test_a_dialogue_whose_customer_was_merged_away_saves_nothing(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await here.start(ANN)
        await here.say(ANN, NAME)
        (card,) = here.api.in_room(SALES)
        await here.press(ANN, card, "Edit")
        record = await here.live.crm.get(RecordRef.parse(HERO))
        await here.live.s.records.put([replace(record, deleted=True, version=record.version + 1)])
        for words in ("/keep", "/keep", "+86 512 3333 3333", "/save"):
            await here.direct(ANN, words)
        await here.live.settle()
        assert await here.live.there("phone") != "+86 512 3333 3333"


async def test_429_for_an_hour_loses_nothing_and_asks_once(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await here.start(ANN)
        before = len(here.api.called("sendMessage"))

        async def tired(_: object) -> dict[str, object]:
            raise Refusal(429, "Too Many Requests: retry after 3600", retry_after=3600)

        here.api._sendMessage = tired  # type: ignore[method-assign, assignment]
        message = {"message_id": 5, "from": here.user(ANN), "chat": here.chat(SALES), "text": NAME}
        assert (await here.deliver(message={**message, "date": here.live.clock.now() // 1000}))[0] == 200
        async with asyncio.timeout(30):
            while len(here.api.called("sendMessage")) == before:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert len(here.api.called("sendMessage")) == before + 1, "a network that said when is not asked before"
        assert await here.live.rows("job") >= 1 and not here.api.in_room(SALES), "the card waits in the queue"
