"""A message in: which cards float, follow, move and go."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, insert
from sqlalchemy import text as sql

from channels.model import ImId, MessageRef, Place, Said, Sender
from gateway import codec
from gateway.bus.model import Job
from gateway.store.tables_app import job
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import CHEN, GUEST, LI, NAME, PHONE, WANG, ZHAO, opened

TWIN = "远航科技"
CLOUD = "云栖纺织"


async def test_it_is_durable_before_it_is_acknowledged(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.chat.rooms["deal"].open.clear()
        message = await live.say(LI, "deal", NAME, message="m1", id="only")
        assert await live.rows("job", "state = 'ready'") == 1, "acknowledged, so it is stored"
        chat, clock = live.chat, live.clock
        await live.house.worker.stop(0)  # the process ends here, in the middle of it
    chat.rooms["deal"].open.set()
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert len(live.cards("deal")) == 1
        await live.say(LI, "deal", NAME, message=message, id="only")
        await live.settle()
        assert len(live.cards("deal")) == 1
        assert await live.counted("floatcard_duplicates_total", channel="web") >= 1


async def test_a_crash_after_it_was_posted_posts_nothing_new_and_shows_what_is_so_now(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        # As if the process had ended between the chat's answer and our knowing of it: the job waits, no slot is known.
        await live.s.store.write(_forget_slots, None)
        await live.s.store.write(_bring_back, None)
        chat, clock = live.chat, live.clock
    chat.rooms["deal"].members[GUEST] = ("David Park", "guest")
    clock.ahead(minutes=11)
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        card = live.card("deal")
        assert PHONE not in text(card.card), "a guest came meanwhile: the old card must not stay as it was"
        assert card.paints == 2


def _forget_slots(connection: Connection, items: Sequence[None]) -> list[None]:
    for table in ("slot", "slot_record", "floated"):
        connection.execute(sql(f"DELETE FROM {table}"))
    return [None]


def _bring_back(connection: Connection, items: Sequence[None]) -> list[None]:
    place = Place("web", "deal")
    who = Sender(ImId("web", "demo", "user", LI), "李婷", "member")
    event = Said("again", place, who, MessageRef(place, "m1"), NAME, 0)
    row = {"topic": "event", "lane": "room:web/deal", "once": "again", "body": codec.encode(event)}
    connection.execute(insert(job).values(tries=1, state="ready", why="", at=0, **row))
    return [None]


async def test_a_job_of_a_newer_gateway_is_parked_and_not_lost(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.s.bus.publish(Job("of tomorrow", "room:web/deal", "tomorrow", b"x"))
        await live.say(LI, "deal", NAME)
        await live.settle()
        ((parked, why),) = await live.s.bus.parked()
        assert parked.job.topic == "of tomorrow" and "LookupError" in why
        assert len(live.cards("deal")) == 1, "the room goes on"


async def test_two_messages_never_collapse(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.say(LI, "deal", CLOUD)
        await live.say(LI, "east", NAME)
        await live.settle()
        assert [card.card["summary"] for card in live.cards("deal")] == [NAME, CLOUD]
        assert [card.card["summary"] for card in live.cards("east")] == [NAME]


async def test_a_slow_room_and_a_broken_one_delay_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path, extra="[server]\nworkers = 1\n") as live:
        live.chat.rooms["deal"].status = 503
        await live.say(LI, "deal", NAME)
        live.chat.rooms["partner"].lists = 503
        await live.say(LI, "east", NAME)
        async with asyncio.timeout(5):
            while not live.cards("east"):
                await live.house.worker.idle()
        assert live.cards("deal") == []
        live.chat.rooms["deal"].status = 200
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_an_edit_repaints_the_other_rooms_while_one_hangs(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        for room in ("deal", "east"):
            await live.say(LI, room, NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("east"))
        live.chat.rooms["deal"].open.clear()
        await live.submit(LI, "east", form, phone="+86 512 6288 1111")
        async with asyncio.timeout(5):
            while "6288 1111" not in text(live.card("east").card):
                await live.house.worker.idle()
        assert "6288 1111" not in text(live.card("deal").card)
        form = await live.open_form(LI, live.card("east"))
        await live.submit(LI, "east", form, phone="+86 512 6288 2222")
        async with asyncio.timeout(5):
            while "6288 2222" not in text(live.card("east").card):
                await live.house.worker.idle()
        live.chat.rooms["deal"].open.set()
        await live.settle()
        assert "6288 2222" in text(live.card("deal").card)


async def test_a_room_that_is_gone_keeps_no_other_from_being_repainted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        for room in ("deal", "east"):
            await live.say(LI, room, NAME)
        await live.settle()
        live.chat.rooms["deal"].status = 404
        await live.natively("phone", "+86 512 6288 3333")
        await live.settle()
        assert "6288 3333" in text(live.card("east").card)


async def test_a_press_is_answered_while_its_room_is_stuck(tmp_path: Path) -> None:
    async with opened(tmp_path, extra="[server]\nworkers = 1\n") as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        card = live.card("deal")
        live.chat.rooms["deal"].open.clear()
        await live.say(LI, "deal", CLOUD)
        await live.chat.rooms["deal"].reached.wait()
        answer = await live.press_on(WANG, card, "show_me")
        assert answer["kind"] == "card"
        assert "600,000" in text(answer["card"]), "the manager may see the credit limit, alone"
        live.chat.rooms["deal"].open.set()
        await live.settle()


# a message that changes ------------------------------------------------------------------------------------------


async def test_a_typo_mended_keeps_the_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", f"{NAME}明天")
        await live.settle()
        before = live.card("deal")
        await live.rewrite(LI, "deal", message, f"{NAME}后天")
        await live.settle()
        assert live.card("deal").id == before.id


async def test_another_customer_is_another_card_in_the_same_place(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        before = live.card("deal")
        await live.rewrite(LI, "deal", message, CLOUD)
        await live.settle()
        after = live.card("deal")
        assert (after.id, after.card["summary"]) == (before.id, CLOUD)


async def test_nobody_named_any_more_is_no_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        await live.rewrite(LI, "deal", message, "算了")
        await live.settle()
        assert live.cards("deal") == []
        await live.rewrite(LI, "deal", message, NAME)
        await live.settle()
        assert live.card("deal").card["summary"] == NAME, "and back again"
        await live.rewrite(LI, "deal", message, "算了")
        await live.settle()
        await live.rewrite(LI, "deal", message, NAME)
        await live.settle()
        assert live.card("deal").card["summary"] == NAME, "as often as one likes, within one moment"


async def test_another_customer_and_back_again_within_the_cool_down(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", NAME)
        for text in (CLOUD, NAME, CLOUD):
            await live.settle()
            await live.rewrite(LI, "deal", message, text)
            await live.settle()
            assert live.card("deal").card["summary"] == text


async def test_a_card_that_was_painted_over_counts_for_its_new_customer_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        await live.rewrite(LI, "deal", message, CLOUD)
        await live.settle()
        await live.say(CHEN, "deal", CLOUD)
        await live.settle()
        assert len(live.cards("deal")) == 1, "it is up already"
        await live.say(CHEN, "deal", NAME)
        await live.settle()
        assert {card.card["summary"] for card in live.cards("deal")} == {NAME, CLOUD}


async def test_first_words_that_were_overtaken_bring_nothing_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        late = [live.event("message", LI, "deal", text=NAME, message=message) for message in ("m701", "m702")]
        await live.rewrite(LI, "deal", "m701", CLOUD)
        await live.unsay(LI, "deal", "m702")
        await live.settle()
        for event in late:
            assert (await live.post(event))[0] == 200
        await live.settle()
        assert live.card("deal").card["summary"] == CLOUD


async def test_a_first_mention_by_edit_floats(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", "明天谈续约")
        await live.settle()
        assert live.cards("deal") == []
        await live.rewrite(LI, "deal", message, f"明天去{NAME}谈续约")
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_an_edit_is_no_way_round_the_cool_down(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        second = await live.say(CHEN, "deal", f"{NAME}?")
        await live.settle()
        await live.rewrite(CHEN, "deal", second, f"{NAME}!")
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_a_colleague_who_joins_and_changes_nothing_brings_no_second_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        await live.join(ZHAO, "deal")
        await live.settle()
        assert live.card("deal").paints == 1, "else this tries nothing"
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_an_edit_adds_no_customer_whose_card_is_up_elsewhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        second = await live.say(CHEN, "deal", CLOUD)
        await live.settle()
        await live.rewrite(CHEN, "deal", second, f"{CLOUD}和{NAME}")
        await live.settle()
        assert [card.card["name"] for card in live.cards("deal")] == ["customer", "customer"]


async def test_a_deleted_message_takes_its_card_and_its_whispers(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", f"{NAME}和{TWIN}")
        other = await live.say(CHEN, "deal", CLOUD)
        await live.settle()
        (asked,) = [one for one in live.chat.whispers("deal", LI) if buttons(one.card, "pick")]
        await live.unsay(LI, "deal", message)
        await live.settle()
        assert [card.card["summary"] for card in live.cards("deal")] == [CLOUD]
        assert asked.deleted
        await live.unsay(CHEN, "deal", other)
        await live.settle()
        assert live.cards("deal") == []


async def test_an_edit_takes_a_question_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", TWIN)
        await live.settle()
        (asked,) = live.chat.whispers("deal", LI)
        await live.rewrite(LI, "deal", message, "没事")
        await live.settle()
        assert asked.deleted


async def test_a_message_whose_id_begins_another_is_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN, message="m:1")
        await live.say(LI, "deal", NAME, message="m")
        await live.settle()
        await live.unsay(LI, "deal", "m")
        await live.settle()
        assert live.cards("deal") == []
        assert [bool(buttons(one.card, "pick")) for one in live.chat.whispers("deal", LI)].count(True) == 1


# what never triggers ---------------------------------------------------------------------------------------------


async def test_bots_never_trigger(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        bot = {"id": "b1", "name": "CI", "kind": "bot"}
        message = await live.say("b1", "deal", NAME, who=bot)
        await live.rewrite("b1", "deal", message, CLOUD, who=bot)
        await live.settle()
        assert live.cards("deal") == []


async def test_quoted_text_never_triggers(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        quoted = f"{NAME}\n"
        await live.say(LI, "deal", f"{quoted}好的", quotes=[[0, len(NAME)]])
        await live.say(LI, "deal", f"{quoted}{CLOUD}也去", quotes=[[0, len(NAME)]])
        await live.settle()
        assert [card.card["summary"] for card in live.cards("deal")] == [CLOUD]


async def test_a_quiet_room_is_quiet_also_for_edits(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", "/quiet 2h", addressed=True)
        message = await live.say(LI, "deal", NAME)
        await live.rewrite(LI, "deal", message, f"{NAME}!")
        await live.settle()
        assert live.cards("deal") == []
        live.clock.ahead(hours=3)
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 1


# how often -------------------------------------------------------------------------------------------------------


async def test_the_same_customer_floats_once_in_half_an_hour(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        live.clock.ahead(minutes=20)
        form = await live.open_form(LI, live.card("deal"))
        await live.submit(LI, "deal", form, phone="+86 512 6288 1111")
        await live.settle()
        live.clock.ahead(minutes=9)
        await live.say(CHEN, "deal", f"{NAME}怎么样")
        await live.say(CHEN, "east", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 1
        assert "6288 1111" in text(live.card("deal").card), "the old one follows"
        assert len(live.cards("east")) == 1, "another room is another matter"
        live.clock.ahead(minutes=2)
        await live.say(CHEN, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 2, "counted from when it floated, not from its last repaint"


async def test_a_restart_does_not_stretch_the_half_hour(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        chat, clock = live.chat, live.clock
        clock.ahead(minutes=29)
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 1
        clock.ahead(minutes=2)
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 2


async def test_a_card_that_was_taken_away_floats_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        await live.unsay(LI, "deal", message)
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_several_customers_make_one_card_with_a_row_each(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", f"{NAME}、{CLOUD}和 Northlake 都要去")
        await live.settle()
        card = live.card("deal")
        shown = text(card.card)
        assert all(name in shown for name in (NAME, CLOUD, "Northlake Instruments"))
        assert len(buttons(card.card, "show_me")) == 3
        await live.natively("stage", "won")
        await live.settle()
        assert live.card("deal").paints == 2, "any of them repaints it"
