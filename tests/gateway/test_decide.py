"""An open conflict can be settled wherever its own card has gone; one card a message; a narrowed card is no card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.store.policy_changes import PolicyChange, PolicyChanges
from tests.gateway.fake_chat import Message, buttons
from tests.gateway.house import GUEST, HERO, LI, WANG, Live, opened
from tests.gateway.test_edits import TWO as SECOND
from tests.gateway.test_edits import both_edit, choice, conflict

ONE, TWO = "+86 512 6288 1001", "+86 512 6288 1002"


def customer(live: Live) -> Message:
    return [each for each in live.chat.cards("deal") if each.card["name"] == "customer"][-1]


async def conflicting(live: Live) -> None:
    await live.say(LI, "deal", "华星医疗")
    await live.settle()
    first, second = await live.open_form(LI, customer(live)), await live.open_form(WANG, customer(live))
    await live.submit(LI, "deal", first, phone=ONE)
    await live.submit(WANG, "deal", second, phone=TWO)
    await live.settle()


async def test_a_conflict_whose_card_a_guest_took_away_is_settled_from_show_me(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await conflicting(live)
        await live.join(GUEST, "deal")
        await live.settle()
        assert [each for each in live.chat.cards("deal") if each.card["name"] == "conflict"] == []

        mine = await live.press_on(WANG, customer(live), "show_me")
        (decide,) = buttons(mine["card"], "decide")
        sides = await live.press(WANG, "deal", decide)
        assert ONE in str(sides) and TWO in str(sides)
        chosen = next(each for each in buttons(sides["card"], "settle") if TWO in beside(sides["card"], each))
        assert (await live.press(WANG, "deal", chosen))["text"] == "Settled."
        await live.settle()
        assert await live.value("phone") == await live.there("phone") == TWO

        refused = await live.press(GUEST, "deal", decide)
        assert refused["kind"] == "toast"


async def test_the_managers_alert_leads_to_the_conflicts_sides(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await conflicting(live)
        live.clock.ahead(minutes=11)
        await live.settle()
        (alert,) = live.chat.cards(f"d_{WANG}")
        (decide,) = buttons(alert.card, "decide")
        sides = await live.press(WANG, f"d_{WANG}", decide)
        assert len(buttons(sides["card"], "settle")) == 2


async def test_a_customer_chosen_later_joins_the_others_on_the_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", "明天和远航科技、华星医疗一起谈续约")
        await live.settle()
        (asked,) = [each for each in live.chat.whispers("deal", LI) if each.card["name"] == "picker"]
        await live.press_on(LI, asked, "pick")
        await live.settle()
        (card,) = live.chat.cards("deal")
        rows = [block["title"] for block in card.card["blocks"] if block["type"] == "row"]
        assert sorted(rows) == ["华星医疗", "远航科技"]


async def test_when_the_guest_has_left_the_next_mention_floats_a_whole_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", "华星医疗")
        await live.settle()
        await live.join(GUEST, "deal")
        await live.settle()
        assert "Phone" not in str(customer(live).card)
        await live.leave(GUEST, "deal")
        await live.settle()
        assert "Phone" not in str(customer(live).card), "a leave widens nothing by itself"
        await live.say(LI, "deal", "华星医疗的电话到底是多少")
        await live.settle()
        assert "Phone" in str(customer(live).card)


async def test_where_the_last_writer_wins_an_old_undo_beats_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", "华星医疗")
        await live.settle()
        await live.submit(LI, "deal", await live.open_form(LI, customer(live)), address="星湖街 1 号")
        await live.settle()
        (undo,) = buttons(customer(live).card, "undo")
        await live.submit(WANG, "deal", await live.open_form(WANG, customer(live)), address="星湖街 2 号")
        await live.settle()
        answer = await live.press(LI, "deal", undo)
        assert answer["text"] == "Somebody has changed it since. Nothing was undone."
        assert await live.value("address", HERO) == "星湖街 2 号"


async def test_who_may_settle_is_said_by_the_policy_that_decides_and_not_by_the_one_known_before(
    tmp_path: Path,
) -> None:
    """Another gateway approved it, and here nothing was decided since."""
    async with opened(tmp_path) as live:
        await live.settle()
        card = await both_edit(live)
        pressed = await choice(live, card, SECOND)
        now, changes = live.clock.now(), PolicyChanges(live.s.store)
        stricter = replace(live.s.ledger.policies.of("account", "phone"), name="stricter", min_role="manager")
        await changes.propose(PolicyChange("stricter", {"phone": stricter}, proposed_by="p_a", proposed_at=now))
        await changes.approve("stricter", "p_b", "Managers decide.", False, now)
        await live.press(LI, "deal", pressed)
        tried = (await live.s.ledger.history(HERO, "phone"))[0]
        assert (tried.edit.kind, tried.policy, tried.binding, tried.conflict) == ("resolve", "stricter", False, True)
        await live.settle()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and [each.value for each in state.proposed] == [SECOND]
        await live.press(WANG, "deal", await choice(live, conflict(live), SECOND))
        settled = (await live.s.ledger.history(HERO, "phone"))[0]
        assert (settled.binding, settled.conflict) == (True, False)


def beside(card: dict[str, object], button: dict[str, object]) -> str:
    """The column that bears a button."""
    blocks = card["blocks"]
    assert isinstance(blocks, list)
    columns = [column for block in blocks if block["type"] == "columns" for column in block["columns"]]
    return str(next(column for column in columns if column.get("button") == button))
