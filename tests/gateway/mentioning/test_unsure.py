"""A name that may be anything floats nothing, and says why when asked."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, LI, NAME, opened
from tests.gateway.mentioning.told import facts

SHUNLI = "local:account:shunlida"
WORD = "祝大家一切顺利"


async def test_a_common_word_floats_no_card_and_the_score_and_reasons_are_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", WORD)
        await live.settle()
        assert live.cards("deal") == []
        (unsure,) = await facts(live, "unsure")
        assert unsure["record"] == SHUNLI
        assert 0 < float(str(unsure["score"])) < 0.54
        assert "against: a common word" in str(unsure["why"])


async def test_nothing_of_what_was_said_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", WORD)
        await live.say(LI, "deal", NAME)
        await live.settle()
        kept = str([each.step for each in await live.s.trail.latest(100)])
        assert "顺利" not in kept and NAME not in kept


async def test_why_tells_what_spoke_against_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", WORD)
        await live.settle()
        await live.say(CHEN, "deal", "/why", addressed=True, locale="zh-CN")
        await live.settle()
        (told,) = live.chat.whispers("deal", CHEN)
        assert "可能指顺利达物流，但把握不够" in text(told.card)
        assert "反对：常用词" in text(told.card)
        assert "against" not in text(told.card)


async def test_why_tells_what_spoke_for_a_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        await live.say(CHEN, "deal", "/why", addressed=True, locale="en")
        await live.settle()
        (told,) = live.chat.whispers("deal", CHEN)
        assert "% sure; its own name; for: the author's account" in text(told.card)


async def test_the_full_name_is_sure_where_the_short_one_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", "祝顺利达物流一切顺利")
        await live.settle()
        assert live.card("deal").card["summary"] == "顺利达物流"
