"""What goes wrong between hearing and saying, with the whole gateway on a home server of a few lines."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from crm.model import RecordRef
from tests.channels.matrix.home import ANN, BOT, OTHER, ROOM, around, two
from tests.channels.matrix.server import number
from tests.gateway.house import HERO, NAME, START


async def test_an_answer_to_a_card_whose_customer_was_merged_away_saves_nothing(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(NAME)
        await world.live.settle()
        ((card, content),) = world.home.cards(ROOM).items()
        record = await world.live.crm.get(RecordRef.parse(HERO))
        await world.live.s.records.put([replace(record, deleted=True, version=record.version + 1)])
        for words in ("edit phone +86 512 3333 3333", number(content, "edit"), "edit"):
            await world.say(words, to=card)
            await world.live.settle()
        assert await world.live.there("phone") != "+86 512 3333 3333"
        alone = json.dumps(world.home.cards(two(ANN)), ensure_ascii=False)
        assert alone != "{}" and "3333 3333" not in alone and "/form/" not in alone, "they are told, and given no form"


async def test_what_is_not_understood_is_counted_and_the_next_is_heard(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        before = await world.live.counted("floatcard_received_total", channel="matrix", outcome="unreadable")
        odd = {"type": "m.room.hologram", "event_id": "$odd", "sender": ANN, "origin_server_ts": START, "content": {}}
        world.home.news.append({"room": ROOM, **odd})
        await world.say(NAME)
        await world.live.settle()
        assert len(world.home.cards(ROOM)) == 1
        after = await world.live.counted("floatcard_received_total", channel="matrix", outcome="unreadable")
        assert after == before + 1


async def test_a_number_from_before_the_card_was_painted_again_presses_nothing(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(NAME)
        await world.live.settle()
        ((card, content),) = world.home.cards(ROOM).items()
        pressed = number(content, "show_me")
        for version in ("+86 512 0000 0001", "+86 512 0000 0002", "+86 512 0000 0003"):
            await world.live.natively("phone", version)
            await world.live.settle()
        assert "0000 0003" in world.home.cards(ROOM)[card]["body"]
        newest = world.home.events[card]["unsigned"]["m.relations"]["m.replace"]
        newest["origin_server_ts"] = world.live.clock.now()
        await world.say(pressed, to=card, at=newest["origin_server_ts"] - 1)
        await world.live.settle()
        alone = [each["body"] for each in world.home.cards(two(ANN)).values()]
        assert len(alone) == 1 and NAME not in alone[0], "it is said that the card is another by now"
        await world.say(pressed, to=card, at=newest["origin_server_ts"] + 1)
        await world.live.settle()
        assert any(NAME in each["body"] for each in world.home.cards(two(ANN)).values())


async def test_put_out_between_hearing_and_speaking(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(NAME)
        world.home.rooms[ROOM].remove(BOT)
        await world.live.settle()
        await world.say(NAME, OTHER)
        await world.live.settle()
        assert len(world.home.cards(OTHER)) == 1, "another room goes on"
        assert await world.live.rows("job") == 0, "and nothing is tried for ever"


async def test_429_for_an_hour_loses_nothing_and_asks_once(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        world.home.limited = True
        await world.say(NAME)
        async with asyncio.timeout(30):
            while not world.home.tried:
                await asyncio.sleep(0.01)
        await world.say(NAME, OTHER)
        await asyncio.sleep(0.2)
        assert len(world.home.tried) == 1, "a server that said when is not asked before, whatever for"
        assert await world.live.rows("job") >= 2, "and what is to be said waits in the queue"
