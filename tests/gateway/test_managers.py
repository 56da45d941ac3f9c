"""A manager hears of it once, in their direct room: acknowledged, snoozed, over; also across a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from crm.model import RecordRef
from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import CHEN, HERO, LI, NAME, WANG, ZHAO, Live, opened
from tests.gateway.test_edits import ONE, both_edit, choice, conflict

CLOUD = RecordRef.parse("local:account:yunqi-textile")
ROOM = f"d_{WANG}"


def alerts(live: Live, room: str = ROOM) -> list[Message]:
    return [card for card in live.cards(room) if card.card["name"] == "alert"]


def alert(live: Live) -> Message:
    (found,) = alerts(live)
    return found


async def risky(live: Live) -> Message:
    """云栖纺织's one risk turns high."""
    (risk,) = (await live.crm.get(CLOUD)).related["risk"]
    await live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
    await live.settle()
    return alert(live)


async def test_the_first_import_alarms_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert await live.rows("alert") == 0, "several customers came with a high risk"
        assert alerts(live) == []


async def test_a_risk_that_turned_high_is_told_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await risky(live)
        assert "云栖纺织" in text(card.card) and "资质不齐" in text(card.card)
        assert [room for room in live.chat.rooms if alerts(live, room)] == [ROOM], "the managers alone"
        await live.natively("stage", "won", record=CLOUD.key)
        await live.settle()
        assert len(alerts(live)) == 1
        (risk,) = (await live.crm.get(CLOUD)).related["risk"]
        await live.crm.set_risk_level(CLOUD, risk.id, "low", "li.ting")
        await live.settle()
        await live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
        await live.settle()
        assert len(alerts(live)) == 2, "turned high again is another matter"


async def test_each_manager_has_it_in_their_own_room_and_reads_who_took_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        zhao = live.s.people.person("p_zhaolei")
        assert zhao is not None
        await live.s.people.put(replace(zhao, roles=zhao.roles | {"manager"}))
        card = await risky(live)
        assert len(alerts(live, f"d_{ZHAO}")) == 1
        assert (await live.press_on(WANG, card, "acknowledge"))["text"] == "Acknowledged."
        await live.settle()
        for room in (ROOM, f"d_{ZHAO}"):
            (each,) = alerts(live, room)
            assert "王敏" in text(each.card) and not buttons(each.card, "acknowledge") and each.paints == 2
        assert live.s.people.person("p_zhaolei") is not None
        await live.s.people.put(zhao)
        await live.settle()
        assert alerts(live, f"d_{ZHAO}") == [], "no manager any more"


async def test_acknowledged_twice_and_by_another_is_told_by_whom(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        zhao = live.s.people.person("p_zhaolei")
        assert zhao is not None
        await live.s.people.put(replace(zhao, roles=zhao.roles | {"manager"}))
        card = await risky(live)
        acknowledge, snooze = buttons(card.card, "acknowledge")[0], buttons(card.card, "snooze")[0]
        answers = await asyncio.gather(*(live.press(who, f"d_{who}", acknowledge) for who in (WANG, ZHAO)))
        said = sorted(answer["text"] for answer in answers)
        assert said[0] == "Acknowledged." and said[1].startswith("This was acknowledged already, by ")
        assert "?" not in said[1]
        assert "already, by" in (await live.press(WANG, ROOM, snooze))["text"], "no way back by an old button"
        await live.settle()
        assert await live.rows("alert", "state = 'acknowledged'") == 1


async def test_who_is_no_manager_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await risky(live)
        for person in (LI, CHEN, ZHAO):
            for action in ("acknowledge", "snooze"):
                answer = await live.press(person, f"d_{person}", buttons(card.card, action)[0])
                assert "managers" in answer["text"]
        assert await live.rows("alert", "state = 'open'") == 1


async def test_a_snooze_comes_back_after_an_hour_also_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await risky(live)
        assert (await live.press_on(WANG, card, "snooze"))["text"] == "Snoozed."
        await live.settle()
        assert not buttons(alert(live).card, "snooze")
        live.clock.ahead(minutes=59)
        await live.settle()
        assert not buttons(alert(live).card, "snooze")
        chat, clock = live.chat, live.clock
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert not buttons(alert(live).card, "snooze")
        clock.ahead(minutes=2)
        await live.settle()
        assert buttons(alert(live).card, "snooze"), "open again, in the same place"
        assert (await live.press_on(WANG, alert(live), "acknowledge"))["text"] == "Acknowledged."
        await live.settle()
        clock.ahead(hours=2)
        await live.settle()
        assert not buttons(alert(live).card, "acknowledge")


async def test_a_snoozed_alert_can_be_acknowledged_and_does_not_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.press_on(WANG, await risky(live), "snooze")
        await live.settle()
        await live.press_on(WANG, alert(live), "acknowledge")
        await live.settle()
        live.clock.ahead(hours=2)
        await live.settle()
        assert await live.rows("alert", "state = 'acknowledged'") == 1
        assert await live.rows("due", "kind = 'alert'") == 0


async def test_a_conflict_nobody_settles_is_told_after_ten_minutes(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        live.clock.ahead(minutes=9)
        await live.settle()
        assert alerts(live) == []
        live.clock.ahead(minutes=2)
        await live.settle()
        told = alert(live)
        assert "Phone" in text(told.card) and NAME in text(told.card)
        (old,) = buttons(told.card, "acknowledge")
        await live.press(LI, "deal", await choice(live, card, ONE))
        await live.settle()
        assert "Over" in text(alert(live).card) and not buttons(alert(live).card, "acknowledge")
        assert "over" in (await live.press(WANG, ROOM, old))["text"]


async def test_a_conflict_settled_in_time_alarms_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        live.clock.ahead(minutes=9)
        await live.press(LI, "deal", await choice(live, card, ONE))
        live.clock.ahead(minutes=5)
        await live.settle()
        assert alerts(live) == [] and await live.rows("alert") == 0


async def test_a_reminder_that_a_crash_swallowed_is_there_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await both_edit(live)
        (case,) = await live.s.ledger.conflicts()
        await live.s.due.cancel(f"conflict:{case.id}")
        chat, clock = live.chat, live.clock
    clock.ahead(minutes=11)
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert len(alerts(live)) == 1
        await live.settle()
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert len(alerts(live)) == 1, "told once, however often it starts"


async def test_the_reminder_counts_from_when_it_opened(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await both_edit(live)
        chat, clock = live.chat, live.clock
        clock.ahead(minutes=6)
    async with opened(tmp_path, clock, chat) as live:
        clock.ahead(minutes=5)
        await live.settle()
        assert len(alerts(live)) == 1


async def test_a_chat_that_is_down_only_delays_an_alert(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.chat.rooms[ROOM].status = 503
        (risk,) = (await live.crm.get(CLOUD)).related["risk"]
        await live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
        await live.house.sweeps["local"].once()
        await live.chat.rooms[ROOM].reached.wait()
        live.chat.rooms[ROOM].status = 200
        await live.settle()
        assert len(alerts(live)) == 1


async def test_a_manager_without_a_direct_room_is_noted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        wang = live.s.people.person("p_wangmin")
        assert wang is not None
        await live.s.people.put(replace(wang, id="p_new", name="New Manager"))
        await live.s.people.deactivate("p_wangmin")
        (risk,) = (await live.crm.get(CLOUD)).related["risk"]
        await live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
        await live.settle()
        assert alerts(live) == []
        assert "unreachable" in await live.steps()


@pytest.mark.parametrize("rule", ["risk_high = true", 'conflict_open = "10m"'])
async def test_a_rule_can_be_switched_off(tmp_path: Path, rule: str) -> None:
    off = {rule: "risk_high = false" if rule.startswith("risk") else 'conflict_open = "999d"'}
    async with opened(tmp_path, changed=off) as live:
        await both_edit(live)
        (risk,) = (await live.crm.get(CLOUD)).related["risk"]
        await live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
        live.clock.ahead(minutes=30)
        await live.settle()
        assert len(alerts(live)) == 1
        assert conflict(live)


async def test_the_trace_of_an_alert_opens_its_evidence(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await both_edit(live)
        live.clock.ahead(minutes=11)
        await live.settle()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and state.decision in text(alert(live).card)
        await live.say(WANG, ROOM, f"/why {state.decision}", addressed=True)
        await live.settle()
        (why,) = [one for one in live.chat.whispers(ROOM, WANG) if one.card["name"] == "why"]
        assert ONE in text(why.card)
