"""The whole gateway on Telegram: mention, card, edit by dialogue, decision, repaint; and what goes wrong there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.channels.telegram.fake_api import Refusal, Room
from tests.channels.telegram.house import ANN, BOT_USER, CHEN_TG, SALES, STRANGER, WANG_TG, Telegram, telegram
from tests.channels.telegram.recipe import BOT
from tests.gateway.house import NAME, Hands


async def floated(here: Telegram) -> None:
    await here.start(ANN)
    await here.start(CHEN_TG)
    await here.say(ANN, f"Tomorrow I meet {NAME}")


async def answers(here: Telegram, *texts: str) -> None:
    for text in texts:
        await here.direct(ANN, text)


async def test_a_mention_floats_a_card_and_an_edit_by_dialogue_repaints_it(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await floated(here)
        (card,) = here.api.in_room(SALES)
        assert f"<b>{NAME}</b>" in card.text and "+86 512 6288 0016" in card.plain
        answer = await here.press(ANN, card, "Edit")
        assert (answer["method"], answer["text"]) == ("answerCallbackQuery", "I ask you in our own chat.")
        assert "(1/6)" in here.api.last(ANN).plain
        await here.press(ANN, here.api.last(ANN), "Won")
        await answers(here, "/keep", "not a number", "+86 512 1234 5678")
        assert "Phone: +86 512 1234 5678" in "\n".join(each.plain for each in here.api.in_room(ANN))
        await answers(here, "/save")
        await here.live.settle()
        assert await here.live.value("stage") == "won"
        assert await here.live.there("phone") == await here.live.value("phone") == "+86 512 1234 5678"
        (card,) = here.api.in_room(SALES)
        assert card.edits and "Won" in card.plain and "+86 512 1234 5678" in card.plain
        assert any("Saved." in each.plain for each in here.api.in_room(ANN))
        assert not here.api.last(ANN).keys


async def test_who_never_pressed_start_is_led_there_and_told_nothing_in_the_room(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await here.say(ANN, f"Tomorrow I meet {NAME}")
        card, invitation = here.api.in_room(SALES)  # what was withheld is for her alone
        assert "press Start" in invitation.plain and NAME not in invitation.plain
        assert "https://t.me/FloatBot?start=hello" in invitation.text
        answer = await here.press(ANN, card, "Edit")
        assert answer["url"] == "https://t.me/FloatBot?start=hello" and NAME not in answer["text"]
        await here.start(ANN)
        assert [each.id for each in here.api.in_room(SALES)] == [card.id], "the invitation is over"
        assert "(1/6)" in here.api.last(ANN).plain, "what was begun goes on"


async def test_show_me_is_written_to_the_one_who_pressed(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await floated(here)
        (card,) = here.api.in_room(SALES)
        answer = await here.press(CHEN_TG, card, "Show me")
        assert answer["text"] == "I wrote to you alone."
        assert NAME in here.api.last(CHEN_TG).plain
        await here.live.natively("phone", "+86 512 0000 1111")
        await here.live.settle()
        assert "+86 512 0000 1111" in here.api.last(CHEN_TG).plain, "it is drawn again"


async def test_a_stranger_who_joins_shrinks_the_card(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await floated(here)
        here.api.rooms[SALES].members[STRANGER] = "member"
        left, member = {"status": "left"}, {"status": "member"}
        user = here.user(STRANGER)
        change = {"old_chat_member": {"user": user, **left}, "new_chat_member": {"user": user, **member}}
        await here.deliver(chat_member={"chat": here.chat(SALES), "from": user, "date": 1, **change})
        await here.live.settle()
        (card,) = here.api.in_room(SALES)
        assert NAME in card.plain and "+86 512" not in card.plain


async def test_an_update_that_comes_again_is_one(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await here.start(ANN)
        at = here.live.clock.now() // 1000
        message = {"message_id": 5, "from": here.user(ANN), "chat": here.chat(SALES), "date": at, "text": NAME}
        for _ in range(3):
            assert (await here.again({"update_id": 77, "message": message}))[0] == 200
        await here.live.settle()
        assert len(here.api.in_room(SALES)) == 1
        assert (await here.again({"update_id": 78, "message": message}, secret="another-secret-0123"))[0] == 401


@pytest.mark.parametrize("size", [5_000_000])
async def test_five_megabytes_and_kinds_from_next_year_end_at_the_door(tmp_path: Path, size: int) -> None:
    async with telegram(tmp_path) as here:
        message = {"message_id": 5, "from": here.user(ANN), "chat": here.chat(SALES), "date": 1, "text": "x" * size}
        assert (await here.again({"update_id": 77, "message": message}))[0] in (200, 413)
        assert (await here.again({"update_id": 78, "hologram": {}}))[0] == 200
        await here.say(CHEN_TG, NAME)
        assert here.api.in_room(SALES), "it goes on"


async def test_a_button_of_an_old_card_is_answered(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await floated(here)
        (card,) = here.api.in_room(SALES)
        answer = await here.press_data(ANN, card, "A" * 32)
        assert answer["text"] == "This was made by an older version. Ask for the card again."


async def test_buttons_work_after_a_restart(tmp_path: Path) -> None:
    clock = Hands()
    async with telegram(tmp_path, clock) as here:
        await floated(here)
        api = here.api
        (card,) = api.in_room(SALES)
        await here.press(ANN, card, "Edit")
        asked = api.last(ANN)
    async with telegram(tmp_path, clock, api) as here:
        await here.press(ANN, asked, "Won")
        await answers(here, "/save")
        assert await here.live.value("stage") == "won"


async def test_other_bots_never_trigger(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        robot: dict[str, Any] = {"from": {"id": 9, "is_bot": True, "first_name": "Other"}}
        await here.say(ANN, NAME, **robot)
        assert not here.api.in_room(SALES)


async def test_a_bot_taken_out_between_receiving_and_sending_breaks_nothing(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await here.say(CHEN_TG, "who is here")
        del here.api.rooms[SALES].members[BOT]
        await here.say(CHEN_TG, NAME)
        assert not here.api.in_room(SALES)
        here.api.rooms[SALES].members[BOT] = "administrator"
        here.live.clock.ahead(hours=1)
        await here.say(ANN, NAME)
        assert here.api.in_room(SALES)


async def test_a_revoked_token_is_told_and_its_cards_go_on_when_it_is_mended(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        token, here.api.token = here.api.token, "another"
        await here.say(CHEN_TG, NAME)
        assert not here.api.in_room(SALES)
        here.api.token = token
        here.live.clock.ahead(hours=1)
        await here.say(CHEN_TG, NAME)
        assert here.api.in_room(SALES)


async def test_a_group_that_becomes_a_supergroup_keeps_its_slots(tmp_path: Path) -> None:
    old, new = -4001, -1004001
    async with telegram(tmp_path) as here:
        await here.start(ANN)
        await here.start(CHEN_TG)
        inside = dict(here.api.rooms[SALES].members)
        here.api.rooms[old] = Room(old, dict(inside), type="group")
        for who in (CHEN_TG, WANG_TG):
            await here.say(who, "hello", room=old)
        await here.say(ANN, NAME, room=old)
        assert len(here.api.in_room(old)) == 1
        here.api.rooms[new] = Room(new, dict(inside))
        here.api.rooms[old].moved_to = new
        both = ({"chat": old, "migrate_to_chat_id": new}, {"chat": new, "migrate_from_chat_id": old})
        for told in both:
            chat = here.chat(told.pop("chat"))
            await here.deliver(message={"message_id": 5, "from": here.user(ANN), "date": 1, "chat": chat, **told})
        await here.live.settle()
        slots = await here.live.s.slots.in_room(f"telegram/{new}")
        assert "card" in [each.slot.purpose for each in slots if each.message]
        assert not await here.live.s.slots.in_room(f"telegram/{old}")
        await here.live.natively("phone", "+86 512 0000 1111")
        await here.live.settle()
        (card,) = here.api.in_room(new)
        assert "+86 512 0000 1111" in card.plain, "what cannot be changed any more is posted where it is read"


async def test_a_tired_network_is_asked_again_when_it_said(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await floated(here)
        here.api.refuse.append(Refusal(429, "Too Many Requests: retry after 1", retry_after=1))
        await here.live.natively("phone", "+86 512 0000 1111")
        await here.live.settle()
        (card,) = here.api.in_room(SALES)
        assert "+86 512 0000 1111" in card.plain


async def test_the_bot_introduces_itself_once_and_says_how_it_could_hear_everything(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        here.api.rooms[SALES].members[BOT] = "member"
        left, member = {"user": BOT_USER, "status": "left"}, {"user": BOT_USER, "status": "member"}
        for _ in range(2):
            change = {"from": here.user(ANN), "date": 1, "old_chat_member": left, "new_chat_member": member}
            await here.deliver(my_chat_member={"chat": here.chat(SALES), **change})
            await here.live.settle()
        (hello,) = here.api.in_room(SALES)
        assert "我只能听到 @ 我的消息。" in hello.plain
        assert all(step in hello.plain for step in ("/setprivacy", "Disable", "重新加入"))
