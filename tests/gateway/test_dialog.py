"""A form asked field by field: the whole gateway with a network that has none, and writes to one person alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.channels.telegram.fake_api import Message
from tests.channels.telegram.house import ANN, CHEN_TG, SALES, WANG_TG, Telegram, telegram
from tests.gateway.house import HERO, NAME, PHONE


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Telegram]:
    async with telegram(tmp_path) as made:
        await made.start(ANN)
        await made.start(CHEN_TG)
        await made.start(WANG_TG)
        await made.say(ANN, NAME)
        yield made


def card(here: Telegram) -> Message:
    (found,) = here.api.in_room(SALES)
    return found


async def begin(here: Telegram, who: int = ANN) -> Message:
    """The first question."""
    await here.press(who, card(here), "Edit")
    return here.api.last(who)


async def test_a_choice_is_answered_by_number_name_value_or_button(here: Telegram) -> None:
    for said, expected in (("5", "lost"), ("wOn", "won"), ("lead", "lead")):
        await begin(here)
        await here.direct(ANN, said)
        await here.direct(ANN, "/save")
        assert await here.live.value("stage") == expected
    await here.press(ANN, await begin(here), "Qualified")
    await here.direct(ANN, "/save")
    assert await here.live.value("stage") == "qualified"


async def test_what_is_wrong_is_asked_again_with_why(here: Telegram) -> None:
    await begin(here)
    await here.direct(ANN, "6")
    assert "Choose one of the listed values." in here.api.last(ANN).plain
    await here.direct(ANN, "/keep")
    await here.direct(ANN, "tomorrow-ish")
    assert "Renewal" in here.api.last(ANN).plain and here.api.last(ANN).plain.startswith("Edit")
    assert await here.live.rows("dialog") == 1


async def test_cancelled_it_saves_nothing(here: Telegram) -> None:
    question = await begin(here)
    await here.direct(ANN, "Won")
    await here.press(ANN, here.api.last(ANN), "Cancel")
    assert "Cancelled. Nothing was saved." in here.api.last(ANN).plain
    assert await here.live.value("stage") != "won" and await here.live.rows("dialog") == 0
    assert not question.keys
    await here.direct(ANN, "Won")
    assert await here.live.value("stage") != "won", "nobody is asked any more"


async def test_without_an_answer_it_is_over_after_a_quarter_of_an_hour(here: Telegram) -> None:
    question = await begin(here)
    won = question.key("Won")
    here.live.clock.ahead(minutes=14)
    await here.live.settle()
    assert await here.live.rows("dialog") == 1
    here.live.clock.ahead(minutes=2)
    answer = await here.press_data(ANN, question, won)
    assert "closed" in answer["text"] and answer["show_alert"]
    await here.live.settle()
    assert "Nothing was saved." in here.api.last(ANN).plain
    assert await here.live.rows("dialog") == 0
    assert await here.live.value("stage") != "won"


async def test_each_answer_gives_it_another_quarter_of_an_hour(here: Telegram) -> None:
    await begin(here)
    for _ in range(3):
        here.live.clock.ahead(minutes=10)
        await here.live.settle()
        await here.direct(ANN, "/keep")
    assert "(4/6)" in here.api.last(ANN).plain


async def test_two_people_are_asked_at_once_and_the_later_save_meets_the_earlier(here: Telegram) -> None:
    await begin(here, ANN)
    await begin(here, WANG_TG)
    for who, phone in ((ANN, "+86 512 1111 1111"), (WANG_TG, "+86 512 2222 2222")):
        await here.direct(who, "/keep")
        await here.direct(who, "/keep")
        await here.direct(who, phone)
    await here.direct(ANN, "/save")
    assert await here.live.value("phone") == "+86 512 1111 1111"
    await here.direct(WANG_TG, "/save")
    await here.live.settle()
    assert "Someone changed it meanwhile" in "\n".join(each.plain for each in here.api.in_room(WANG_TG))
    state = await here.live.s.ledger.state(HERO, "phone")
    assert state is not None and state.conflict is not None, "the same tokens as a form: it is a conflict"


async def test_a_second_form_ends_the_first(here: Telegram) -> None:
    first = await begin(here)
    won = first.key("Won")
    second = await begin(here)
    assert second.id != first.id and await here.live.rows("dialog") == 1
    assert "Left for another form" in first.plain and not first.keys
    assert "closed" in (await here.press_data(ANN, first, won))["text"]


async def test_a_question_is_answered_once(here: Telegram) -> None:
    question = await begin(here)
    won, lost = question.key("Won"), question.key("Lost")
    await here.press_data(ANN, question, won)
    assert (await here.press_data(ANN, question, lost))["text"] == "This question is answered already."
    await here.direct(ANN, "/save")
    assert await here.live.value("stage") == "won"


async def test_nobody_else_answers(here: Telegram) -> None:
    question = await begin(here)
    answer = await here.press_data(CHEN_TG, question, question.key("Won"))
    assert answer["text"] == "Somebody else is asked here. Press Edit for a form of your own."


async def test_an_answer_that_is_delivered_twice_counts_once(here: Telegram) -> None:
    await begin(here)
    said = {"message_id": 4_000, "from": here.user(ANN), "chat": here.chat(ANN), "date": 1, "text": "/keep"}
    for _ in range(2):
        await here.again({"update_id": 5_000, "message": said})
        await here.live.quiet()
    assert "(2/6)" in here.api.last(ANN).plain


async def test_what_is_said_in_the_room_is_no_answer(here: Telegram) -> None:
    await begin(here)
    await here.say(ANN, "Won")
    assert "(1/6)" in here.api.last(ANN).plain


async def test_other_commands_are_commands_meanwhile(here: Telegram) -> None:
    await begin(here)
    await here.direct(ANN, "/help")
    assert "/card NAME" in here.api.last(ANN).plain
    await here.direct(ANN, "Won")
    await here.direct(ANN, "/save")
    assert await here.live.value("stage") == "won"


async def test_a_field_can_be_emptied(here: Telegram) -> None:
    await begin(here)
    await here.direct(ANN, "/keep")
    await here.direct(ANN, "/keep")
    assert PHONE in here.api.last(ANN).plain
    await here.direct(ANN, "/clear")
    await here.direct(ANN, "/save")
    assert await here.live.value("phone") is None


async def test_nothing_answered_is_nothing_changed(here: Telegram) -> None:
    await begin(here)
    for _ in range(6):
        await here.direct(ANN, "/keep")
    assert "Nothing was changed." in here.api.last(ANN).plain and await here.live.rows("dialog") == 0


async def test_what_is_half_filled_in_is_sealed(here: Telegram) -> None:
    await begin(here)
    await here.direct(ANN, "/keep")
    raw = (here.live.folder / "floatcard.db").read_bytes() + (here.live.folder / "floatcard.db-wal").read_bytes()
    assert b"dialog" in raw and b"6288 0016" not in raw


async def test_of_a_customer_that_was_erased_nothing_is_asked_any_more(here: Telegram) -> None:
    await begin(here)
    await here.live.s.ledger.erase(HERO)
    before = len(here.api.in_room(ANN))
    await here.direct(ANN, "Won")
    assert all("(2/6)" not in each.plain for each in here.api.in_room(ANN)[before:])
    assert await here.live.value("stage") != "won"
