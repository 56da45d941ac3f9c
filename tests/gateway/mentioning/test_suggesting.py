"""A slip of the pen is asked of the author alone, and no card comes of it unless they say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.model import RecordRef
from gateway.mentioning import slips
from gateway.mentioning.slips import A_SECOND, Suggestions
from mentions.model import Name
from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAME, SUN, WANG, Live, opened
from tests.gateway.mentioning.told import facts, said, told

SLIP = "明天去华兴医疗谈续约"


def asked(live: Live, room: str, person: str) -> list[Message]:
    return [one for one in live.chat.whispers(room, person) if buttons(one.card, "mean")]


@pytest.mark.parametrize("words", [SLIP, "hxyl 那边怎么样", "Call Nothlake Instruments today"])
async def test_the_author_alone_is_asked(tmp_path: Path, words: str) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", words)
        assert live.cards("deal") == []
        (question,) = asked(live, "deal", LI)
        assert ("Northlake" if "Noth" in words else NAME) in text(question.card)
        assert not asked(live, "deal", CHEN) and not asked(live, "deal", WANG)


async def test_a_yes_floats_the_card_this_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", SLIP)
        (question,) = asked(live, "deal", LI)
        await live.press_on(LI, question, "mean")
        await live.settle()
        assert question.deleted
        assert live.card("deal").card["summary"] == NAME
        live.clock.ahead(minutes=40)
        await said(live, LI, "deal", SLIP)
        assert len(live.cards("deal")) == 1, "a slip is no name"
        assert len(asked(live, "deal", LI)) == 1


async def test_a_no_is_remembered_in_the_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", SLIP)
        (question,) = asked(live, "deal", LI)
        await live.press_on(LI, question, "none")
        await live.settle()
        assert question.deleted
        await said(live, LI, "deal", SLIP)
        assert asked(live, "deal", LI) == []
        await said(live, LI, "east", SLIP)
        assert len(asked(live, "east", LI)) == 1


async def test_where_somebody_is_named_nothing_is_suggested(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", f"{SLIP}，还有云栖纺织")
        assert asked(live, "deal", LI) == []


async def test_nobody_is_asked_about_a_customer_whose_card_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", NAME)
        await said(live, LI, "deal", SLIP)
        assert asked(live, "deal", LI) == []
        assert len(await facts(live, "cooled")) == 1
        live.clock.ahead(minutes=31)
        await said(live, LI, "deal", SLIP)
        assert len(asked(live, "deal", LI)) == 1


async def test_strangers_are_not_asked_and_a_new_customer_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, SUN, "partner", SLIP)
        await said(live, GUEST, "partner", SLIP)
        assert await facts(live, "suggested") == []
        await live.crm.create("Brindlewood Mills", "zhao.lei")
        await live.crm.set_native(RecordRef.parse(HERO), "name", "星河影像中心", "zhao.lei")
        await live.settle()
        await said(live, LI, "east", "call Brindelwood Mills")
        assert "Brindlewood Mills" in text(asked(live, "east", LI)[0].card)


async def test_a_long_message_is_looked_at_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", "然后开会。" * 300 + SLIP)
        assert len(asked(live, "deal", LI)) == 1


def test_so_much_is_looked_at_in_a_second_and_no_more() -> None:
    known = Suggestions()
    assert [known.spare(5_000, 60) for _ in range(A_SECOND // 60 + 1)] == [True] * (A_SECOND // 60) + [False]
    assert known.spare(6_000, 60), "the next second is another one"
    assert known.spare(7_000, 1_000_000), "no more than is looked at counts"


def test_very_many_changes_are_known_and_only_the_latest_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slips, "YOUNG", 20)
    known = Suggestions((f"c{n}", [Name(f"Zorvex{n} Labs")]) for n in range(50))
    for number in range(200):
        known.put(f"c{number}", [Name(f"Quilth{number} Foods")])
    for number in range(0, 200, 2):
        known.remove(f"c{number}")
    known.settle()
    assert known.suggest("ask Zorvexx7 Labs") is None
    assert known.suggest("ask Quilth100 Fodds") is None
    for number in (7, 101, 199):
        found = known.suggest(f"ask Quilth{number} Fodds")
        assert found is not None and found.refs == (f"c{number}",)


async def test_it_can_be_turned_off(tmp_path: Path) -> None:
    async with opened(tmp_path, extra="[mentions]\nsuggest = false") as live:
        await said(live, LI, "deal", SLIP)
        assert asked(live, "deal", LI) == []


async def test_why_tells_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", SLIP)
        assert f"if {NAME} is meant: sounds or looks alike" in await told(live, LI, "deal", "/why")
