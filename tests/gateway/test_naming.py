"""Whom a message names: asked where several bear the name, remembered and hushed room by room."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.model import RecordRef
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import CHEN, HERO, LI, NAME, SUN, WANG, Hands, Live, opened

TWIN = "远航科技"
CLOUD = "云栖纺织"


def asked(live: Live, room: str, person: str) -> list[dict[str, str]]:
    found = [button for one in live.chat.whispers(room, person) for button in buttons(one.card, "pick")]
    return [dict(button) for button in found]


async def test_the_same_name_is_asked_of_the_author_alone_and_remembered_in_the_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        assert live.cards("deal") == []
        assert len(asked(live, "deal", LI)) == 2
        assert [person for person in (CHEN, WANG) if live.chat.whispers("deal", person)] == []
        (question,) = live.chat.whispers("deal", LI)
        assert "深圳" in text(question.card) and "青岛" in text(question.card), "what tells them apart"
        qingdao = [button for button in asked(live, "deal", LI) if "qingdao" in _meaning(live, button)]
        await live.press(LI, "deal", qingdao[0], message=question.id)
        await live.settle()
        assert question.deleted
        assert "青岛" in text((await live.press_on(LI, live.card("deal"), "show_me"))["card"])
        live.clock.ahead(minutes=40)
        await live.say(CHEN, "deal", TWIN)
        await live.settle()
        assert len(live.cards("deal")) == 2, "remembered, for everybody here"
        await live.say(LI, "east", TWIN)
        await live.settle()
        assert live.cards("east") == []
        assert len(asked(live, "east", LI)) == 2, "and nowhere else"


def _meaning(live: Live, button: dict[str, str]) -> str:
    _, press = live.s.buttons.read(button["data"])
    return press.text("r")


async def test_two_names_that_are_both_shared_are_two_questions(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        twin = await live.crm.create("云栖纺织", "zhao.lei", id_="yunqi-2")
        assert twin.id == "yunqi-2"
        await live.settle()
        await live.say(LI, "deal", f"{TWIN}和{CLOUD}")
        await live.settle()
        questions = [one for one in live.chat.whispers("deal", LI) if buttons(one.card, "pick")]
        assert len(questions) == 2


async def test_no_customer_at_all_hushes_the_name_here(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (question,) = live.chat.whispers("deal", LI)
        await live.press_on(LI, question, "none")
        await live.settle()
        assert question.deleted
        await live.say(LI, "deal", TWIN)
        await live.settle()
        assert live.cards("deal") == [] and live.chat.whispers("deal", LI) == []


async def test_not_this_customer_takes_the_card_and_hushes_the_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        answer = await live.press_on(CHEN, live.card("deal"), "wrong")
        await live.settle()
        assert "quiet" in answer["text"]
        assert live.cards("deal") == []
        await live.say(LI, "deal", NAME)
        await live.say(LI, "east", NAME)
        await live.settle()
        assert live.cards("deal") == []
        assert len(live.cards("east")) == 1


async def test_the_wrong_one_of_two_asks_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (question,) = live.chat.whispers("deal", LI)
        await live.press_on(LI, question, "pick", 0)
        await live.settle()
        await live.press_on(LI, live.card("deal"), "wrong")
        await live.settle()
        assert live.cards("deal") == []
        (left,) = asked(live, "deal", LI)
        await live.press(LI, "deal", left)
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_a_choice_pressed_in_another_room_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (button, _) = asked(live, "deal", LI)
        answer = await live.press(LI, "east", button)
        assert "another room" in answer["text"]
        await live.settle()
        assert live.cards("east") == []


async def test_a_stranger_is_asked_nothing_and_a_new_customer_is_found_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(SUN, "partner", TWIN)
        await live.settle()
        assert live.chat.whispers("partner", SUN) == []
        await live.crm.create("Brindle & Poe", "zhao.lei")
        await live.settle()
        await live.say(LI, "deal", "call Brindle & Poe today")
        await live.settle()
        assert live.card("deal").card["summary"] == "Brindle & Poe"


@pytest.mark.parametrize(
    "name", ["<!channel>", "*bold*", "\u202eevil", "<script>alert(1)</script>", "😀" * 150, "{0}{x}"]
)
async def test_a_hostile_name_is_drawn_and_breaks_nothing(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as live:
        await live.crm.set_native(RecordRef.parse(HERO), "name", f"{name} 星火实业", "zhao.lei")
        await live.crm.add_alias(RecordRef.parse(HERO), "星火实业", "zhao.lei")
        await live.settle()
        await live.say(LI, "deal", "星火实业怎么样")
        await live.settle()
        assert "星火实业" in live.card("deal").card["summary"] or name.startswith("😀")


async def test_time_that_stands_still_is_no_trouble(tmp_path: Path) -> None:
    async with opened(tmp_path, Hands()) as live:
        for number in range(5):
            message = await live.say(LI, "deal", NAME)
            await live.settle()
            assert len(live.cards("deal")) == 1, number
            await live.unsay(LI, "deal", message)
            await live.settle()
            assert live.cards("deal") == []
