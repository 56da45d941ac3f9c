"""Who sees a card float is not told that there is none; of whom it is about the trail tells them nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.desk import Panel
from tests.gateway.house import CHEN, GUEST, LI, NAME, SUN, Live, opened
from tests.gateway.mentioning.told import TWIN, said, told

HIDING = '[sensitivity]\nname = "internal"\n'


async def panel(live: Live, person: str, room: str) -> list[str]:
    lines = await Panel(live.s).since(0, "en", 500, person)
    return [line.text for line in lines if line.room == f"web/{room}"]


async def test_a_guest_is_told_of_the_card_he_sees_and_not_of_whom_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, GUEST, "partner", f"Call {NAME} about the renewal")
        assert live.card("partner").card["summary"] == NAME
        assert await panel(live, GUEST, "partner") == ["A card floats in the room."]
        why = await told(live, GUEST, "partner", "/why")
        assert "Why this card" in why and "A card floats in the room." in why and NAME not in why


async def test_of_a_card_that_was_up_already_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "partner", NAME)
        await said(live, GUEST, "partner", f"And {NAME} again")
        why = await told(live, GUEST, "partner", "/why")
        assert "has a card in this room already" in why and NAME not in why
        assert "No customer is named for sure." not in await panel(live, GUEST, "partner")


async def test_who_is_not_mapped_is_told_what_their_standing_may_know(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, SUN, "d_u_sunjia", NAME)
        assert live.cards("d_u_sunjia")
        mine = await panel(live, SUN, "d_u_sunjia")
        assert any(NAME in each for each in mine) and "A card floats in the room." in mine
        assert NAME in await told(live, SUN, "d_u_sunjia", "/why")


@pytest.mark.parametrize("words", [NAME, "今天天气很好", TWIN])
async def test_where_the_name_is_hidden_nothing_is_up_and_all_is_silent(tmp_path: Path, words: str) -> None:
    async with opened(tmp_path, extra=HIDING) as live:
        await live.settle()
        await said(live, LI, "partner", words)
        assert live.cards("partner") == []
        assert await panel(live, GUEST, "partner") == ["No customer is named for sure."]
        assert "Why no card" in await told(live, GUEST, "partner", "/why")


async def test_a_card_of_another_room_is_not_before_ones_eyes(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, CHEN, "deal", NAME)
        assert live.cards("deal")
        assert await panel(live, GUEST, "deal") == ["No customer is named for sure."]


async def test_a_card_that_is_gone_is_told_of_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await said(live, LI, "partner", NAME)
        assert "A card floats in the room." in await panel(live, GUEST, "partner")
        await live.unsay(LI, "partner", message)
        await live.settle()
        assert live.cards("partner") == []
        assert "A card floats in the room." not in await panel(live, GUEST, "partner")
