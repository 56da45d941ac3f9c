"""One card a message, a line for a list, a line for a busy hour, and quiet that ends when it is told to."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import CHEN, GUEST, LI, NAME, SUN, WANG, opened
from tests.gateway.mentioning.told import TWIN, facts, said, told

SIX = ("华星医疗", "云栖纺织", "顺利达物流", "青岚融资租赁", "北陌种业", "晨溪生物")
BUDGET = "[mentions]\nbudget = 2"


async def test_five_customers_share_one_card_and_six_get_a_line(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", "、".join(SIX[:5]))
        assert len([block for block in live.card("deal").card["blocks"] if block["type"] == "row"]) == 5
        await said(live, LI, "east", "、".join(SIX))
        card = live.card("east").card
        assert "6 customers are named here" in text(card)
        assert not any(name in text(card) for name in SIX)
        assert len(buttons(card, "list")) == 1


async def test_a_list_is_told_whole_even_where_some_have_their_card_already(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "east", "、".join(SIX[:2]))
        await said(live, LI, "east", "、".join(SIX))
        assert "6 customers are named here" in text(live.cards("east")[1].card)
        for name in SIX[2:]:
            await said(live, LI, "east", f"{name}怎么样")
        before = len(live.cards("east"))
        await said(live, LI, "east", "、".join(SIX))
        assert len(live.cards("east")) == before, "each of them has its card here"


async def test_why_says_that_a_name_in_a_quote_in_code_or_in_an_address_floats_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        for words in (f"> {NAME}", f"`{NAME}`", f"Fwd: {NAME}", f"https://a.example/{NAME}/x"):
            await said(live, LI, "deal", words)
            why = await told(live, LI, "deal", "/why")
            assert f"{NAME} is named only in a quote" in why and "Why no card" in why, words
        await said(live, LI, "deal", NAME)
        assert "Why this card" in await told(live, LI, "deal", "/why")
        await said(live, LI, "deal", "> 祝一切顺利")
        assert len(await facts(live, "aside")) == 4, "what would be heard nowhere is not told of"


async def test_the_list_opens_for_the_one_who_presses_as_they_may_see_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "east", "、".join(SIX))
        answer = await live.press_on(CHEN, live.card("east"), "list")
        assert answer["kind"] == "card"
        assert all(name in text(answer["card"]) for name in SIX)
        assert len(buttons(answer["card"], "show_me")) == 6
        one = await live.press(CHEN, "east", buttons(answer["card"], "show_me")[0])
        assert NAME in text(one["card"])
        assert "know who you are" in (await live.press_on(SUN, live.card("east"), "list"))["text"]


async def test_a_line_keeps_no_card_from_floating_and_goes_with_its_message(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await said(live, LI, "east", "、".join(SIX))
        await said(live, LI, "east", NAME)
        assert [one.card["summary"] for one in live.cards("east")][1:] == [NAME]
        await live.rewrite(LI, "east", message, "、".join(SIX[1:3]))
        await live.settle()
        assert "云栖纺织" in text(live.cards("east")[0].card), "fewer of them have their card"
        await live.unsay(LI, "east", message)
        await live.settle()
        assert [one.card["summary"] for one in live.cards("east")] == [NAME]


async def test_beyond_the_budget_one_line_gathers_the_rest_and_the_next_hour_is_new(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=BUDGET) as live:
        for name in SIX[:5]:
            await said(live, LI, "deal", f"{name}怎么样")
        first, second, line = live.cards("deal")
        assert (first.card["summary"], second.card["summary"]) == SIX[:2]
        assert "So far: 3" in text(line.card)
        assert line.paints == 3, "painted again, never posted again"
        listed = await live.press_on(WANG, line, "list")
        assert all(name in text(listed["card"]) for name in SIX[2:5])
        assert (await facts(live, "digested"))[0] == {"cards": 2, "budget": 2}
        live.clock.ahead(minutes=61)
        await said(live, LI, "deal", f"{SIX[4]}怎么样")
        assert live.cards("deal")[-1].card["summary"] == SIX[4]


async def test_other_rooms_and_an_edited_message_are_not_held_by_a_busy_room(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=BUDGET) as live:
        message = await said(live, LI, "deal", f"{SIX[0]}怎么样")
        await said(live, LI, "deal", f"{SIX[1]}怎么样")
        await said(live, LI, "east", f"{SIX[2]}怎么样")
        assert live.card("east").card["summary"] == SIX[2]
        await live.rewrite(LI, "deal", message, f"{SIX[3]}怎么样")
        await live.settle()
        assert [one.card["summary"] for one in live.cards("deal")] == [SIX[3], SIX[1]]


async def test_a_room_has_a_budget_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.s.mentioning.budget("web/deal", 0)
        await said(live, LI, "deal", f"{NAME}怎么样")
        assert "So far: 1" in text(live.card("deal").card)
        await live.s.mentioning.budget("web/deal", None)
        await said(live, LI, "deal", f"{SIX[1]}怎么样")
        assert live.cards("deal")[-1].card["summary"] == SIX[1]


async def test_a_line_tells_a_guest_nothing_they_may_not_see(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.s.mentioning.budget("web/deal", 0)
        await said(live, LI, "deal", "罗一鸣同意了")
        await said(live, LI, "deal", NAME)
        assert "So far: 2" in text(live.card("deal").card)
        await live.join(GUEST, "deal")
        await live.settle()
        assert "So far: 1" in text(live.card("deal").card)


async def test_quoted_words_and_bots_never_trigger(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", f"{NAME} 怎么样", quotes=[[0, len(NAME)]])
        await said(live, LI, "deal", f"> {NAME}")
        bot = {"id": "u_bot", "name": "bot", "kind": "bot"}
        await said(live, "u_bot", "deal", NAME, who=bot)
        assert live.cards("deal") == []


async def test_quiet_hushes_and_zero_ends_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await told(live, LI, "deal", "/quiet 2h")
        await said(live, LI, "deal", NAME)
        await said(live, LI, "deal", TWIN)
        assert live.cards("deal") == []
        assert "again" in await told(live, LI, "deal", "/quiet 0s")
        await said(live, LI, "deal", NAME)
        assert len(live.cards("deal")) == 1


async def test_a_line_hides_no_fields_and_so_tells_of_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "east", "、".join(SIX))
        assert await facts(live, "withheld") == []
        assert live.chat.whispers("east", LI) == []
