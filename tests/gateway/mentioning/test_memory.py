"""It learns from use: within bounds, once for a message, to be seen and to be taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mentioning import weights
from gateway.retention import Retention
from gateway.store.mentioning import Lesson
from mentions.decide import LEARNED_BOUND
from mentions.learn import ROOM_BOUND
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, LI, NAME, Live, opened
from tests.gateway.mentioning.told import TWIN, facts, questions, said, told

WORD = "祝大家一切顺利"
COUNTS = st.dictionaries(st.sampled_from(weights.KINDS), st.integers(0, 10_000))


@given(COUNTS, st.sampled_from(("", "accepted", "refused")))
def test_whatever_was_taught_weighs_no_more_than_its_bounds(counts: dict[str, int], common: str) -> None:
    assert abs(weights.name_weight(counts, common)) <= LEARNED_BOUND
    assert abs(weights.room_weight(counts)) <= ROOM_BOUND


@given(COUNTS)
def test_one_more_wrong_never_makes_a_name_surer(counts: dict[str, int]) -> None:
    for kind in ("wrong", "none"):
        more = {**counts, kind: counts.get(kind, 0) + 1}
        assert weights.name_weight(more) <= weights.name_weight(counts)
        assert weights.room_weight(more) <= weights.room_weight(counts)


def test_cards_that_nobody_touches_weigh_a_little_and_a_single_use_ends_that() -> None:
    assert weights.name_weight({"shown": weights.IDLE - 1}) == 0
    assert -1.0 <= weights.name_weight({"shown": 1000}) < 0
    assert weights.name_weight({"shown": 1000, "used": 1}) > 0


async def learned(live: Live) -> dict[str, dict[str, int]]:
    return {each.name: dict(each.counts) for each in await live.s.mentioning.learned(0)}


async def test_wrong_and_not_a_customer_and_a_pick_are_counted_by_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", NAME)
        await live.press_on(CHEN, live.card("deal"), "wrong")
        await said(live, LI, "deal", TWIN)
        await live.press_on(LI, questions(live, "deal", LI)[0], "pick")
        await said(live, LI, "east", TWIN)
        await live.press_on(LI, questions(live, "east", LI)[0], "none")
        await live.settle()
        counts = await learned(live)
        assert counts[NAME] == {"shown": 1, "wrong": 1}
        assert counts[TWIN] == {"shown": 1, "picked": 1, "none": 1}
        assert [each["kind"] for each in await facts(live, "learned")] == ["wrong", "picked", "none"]


async def test_the_same_message_teaches_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        one = Lesson("x", "web/deal", "m1", "wrong", 1)
        assert await live.s.mentioning.teach([one, one]) == 1
        assert await live.s.mentioning.teach([one]) == 0
        assert await learned(live) == {"x": {"wrong": 1}}


async def test_an_outsider_teaches_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        person = live.s.people.person("p_chenwei")
        assert person is not None
        await live.s.people.put(replace(person, external=True))
        await said(live, LI, "deal", NAME)
        await live.press_on(CHEN, live.card("deal"), "wrong")
        await live.settle()
        assert await learned(live) == {}


async def teach(live: Live, name: str, kind: str, times: int) -> None:
    now = live.clock.now()
    await live.s.mentioning.teach([Lesson(name, "web/other", f"m{n}", kind, now) for n in range(times)])


async def test_a_name_that_was_wrong_often_needs_more_and_why_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "east", "流明果园和北陌")
        before = {each["record"]: each["score"] for each in await facts(live, "matched")}
        await teach(live, "北陌", "wrong", 3)
        await said(live, LI, "deal", "流明果园和北陌")
        after = {each["record"]: each["score"] for each in (await facts(live, "matched"))[len(before) :]}
        silent = {each["record"]: each["score"] for each in await facts(live, "unsure")}
        now = {**after, **silent}["local:account:beimo-seeds"]
        assert now < before["local:account:beimo-seeds"]
        assert after["local:account:lumen-orchard"] == before["local:account:lumen-orchard"]
        assert "what use taught weighs -3.00" in await told(live, LI, "deal", "/why")


async def test_what_was_taken_back_weighs_nothing_and_stays_on_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await teach(live, NAME, "wrong", 3)
        assert await live.s.mentioning.take_back(NAME, "p_zhaolei", live.clock.now()) == 3
        assert await learned(live) == {}
        assert await live.rows("lesson", "ended_by = 'p_zhaolei'") == 3
        await said(live, LI, "deal", NAME)
        assert (await facts(live, "matched"))[0]["learned"] == 0


async def test_what_is_half_a_year_old_counts_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await teach(live, NAME, "wrong", 3)
        live.clock.ahead(hours=24 * 181)
        await said(live, LI, "deal", NAME)
        assert (await facts(live, "matched"))[0]["learned"] == 0


async def test_a_card_asked_for_right_behind_a_silent_message_counts_for_the_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", WORD)
        assert "顺利达物流" in await told(live, CHEN, "deal", "/card 顺利")
        assert await learned(live) == {"顺利": {"missed": 1}}
        await said(live, LI, "east", WORD)
        assert (await facts(live, "unsure"))[1]["learned"] > 0


async def test_asked_for_later_or_without_such_a_message_it_counts_for_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await told(live, CHEN, "deal", "/card 顺利")
        await said(live, LI, "deal", WORD)
        live.clock.ahead(minutes=6)
        await told(live, CHEN, "deal", "/card 顺利")
        assert await learned(live) == {}


async def test_a_button_of_use_on_a_card_is_counted_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", NAME)
        for _ in range(2):
            await live.press_on(CHEN, live.card("deal"), "show_me")
        await live.settle()
        assert (await learned(live))[NAME] == {"shown": 1, "used": 1}


@pytest.mark.parametrize("times", [2, 3])
async def test_three_wrongs_propose_a_name_as_a_common_word(tmp_path: Path, times: int) -> None:
    async with opened(tmp_path) as live:
        await teach(live, NAME, "wrong", times)
        (found,) = await live.s.mentioning.learned(0)
        assert weights.proposed(found.counts, found.common) is (times == 3)


async def test_an_accepted_common_word_is_heard_only_where_the_room_speaks_for_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.s.mentioning.decide("北陌", "accepted", "p_zhaolei", live.clock.now())
        await said(live, LI, "deal", "北陌来了吗")
        assert live.cards("deal") == []
        assert "use taught" in await told(live, LI, "deal", "/why")
        await live.s.mentioning.bind("web/east", "local:account:beimo-seeds", "p_chenwei", live.clock.now())
        await said(live, LI, "east", "北陌来了吗")
        assert live.card("east").card["summary"] == "北陌种业"
        await live.s.mentioning.decide("北陌", "", "p_zhaolei", live.clock.now())
        await said(live, LI, "deal", "北陌来了吗")
        assert "北陌种业" in text(live.card("deal").card)


async def test_old_lessons_go_by_age(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await teach(live, NAME, "wrong", 3)
        live.clock.ahead(hours=24 * 181)
        await Retention(live.s).once()
        assert await live.rows("lesson") == 0
