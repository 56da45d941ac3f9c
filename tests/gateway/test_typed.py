"""An edit said in words in reply to a card: the form's own checks and answers, and never over what was unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from channels.model import Answer, FieldErrors, ImId, MessageRef, Place, Pressed, Sender, Toast
from gateway.asked import Asked
from tests.gateway.fake_chat import buttons
from tests.gateway.house import CHEN, LI, NAME, Live, kind_of, opened

OLD, NEW, OTHER = "+86 512 6288 0016", "+86 512 6288 1111", "+86 512 6288 2222"
SERIAL = count()


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with opened(tmp_path) as house:
        await house.say(LI, "deal", NAME)
        await house.settle()
        yield house


async def said(live: Live, words: str, person: str = LI, painted_at: int = 0, message: str = "") -> Answer | None:
    card = live.card("deal")
    place = Place("web", "deal")
    event = Pressed(
        f"web:typed:{next(SERIAL)}",
        place,
        Sender(ImId("web", "demo", "user", person), person, kind_of(person)),  # type: ignore[arg-type]
        "edit",
        buttons(card.card, "edit")[0]["data"],
        live.clock.now(),
        MessageRef(place, message or card.id),
        typed=words,
        painted_at=painted_at,
    )
    answer = await Asked(live.s).answer("web", event)
    await live.settle()
    return answer


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (f"phone {NEW}", "phone", NEW),
        (f"电话 {NEW}", "phone", NEW),
        (f"电话{NEW}", "phone", NEW),
        (f"PHONE: {NEW}", "phone", NEW),
        ("阶段 成交", "stage", "won"),
        ("stage won", "stage", "won"),
        ("address\n苏州 <b>*1*</b>", "address", "苏州 <b>*1*</b>"),
        ("email", "email", None),
    ],
)
async def test_a_field_is_named_and_set(live: Live, words: str, field: str, value: str | None) -> None:
    answer = await said(live, words)
    assert isinstance(answer, Toast) and answer.tone == "info", answer
    assert await live.value(field) == value and await live.there(field) == value
    states = await live.s.ledger.states("local:account:hx-medical")
    assert states[field].source == "[Web card 1.0]"


async def test_what_is_no_field_is_answered_with_those_there_are(live: Live) -> None:
    for words in ("fax 1", "phonetics", NEW, "owner 陈伟", "credit_limit 1"):
        answer = await said(live, words)
        assert isinstance(answer, Toast) and answer.tone == "warning" and "Phone" in answer.text, words
    assert await live.value("phone") == OLD


async def test_a_wrong_value_is_told_like_a_forms(live: Live) -> None:
    assert isinstance(await said(live, "phone not a number"), FieldErrors)
    assert await live.value("phone") == OLD


async def test_who_may_not_edit_may_not_say_so_either(live: Live) -> None:
    answer = await said(live, f"phone {NEW}", CHEN)
    assert isinstance(answer, Toast) and answer.tone == "warning"
    assert await live.value("phone") == OLD


async def test_nothing_unseen_is_overwritten(live: Live) -> None:
    """The room's card is held up by its network: what stands by now is not on it."""
    painted = live.clock.now()
    live.clock.ahead(seconds=5)
    await live.natively("phone", OTHER)
    await live.settle()
    for message, at in (("a whisper", painted), (live.card("deal").id, painted - 1_000)):
        seen = await said(live, f"phone {NEW}", message=message, painted_at=at)
        if message == "a whisper":
            assert isinstance(seen, Toast) and OTHER in seen.text
            assert await live.value("phone") == OTHER
    assert await live.value("phone") == NEW, "the room's card was painted since: what it shows was seen"
