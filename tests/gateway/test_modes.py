"""Each merge policy as people meet it, the tokens a form may carry, and a CRM that is down, refuses or moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from channels.model import ImId
from crm.model import RecordRef
from gateway.errors import Refused
from reconcile.token import Parents, sign
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAME, SUN, WANG, Live, opened
from tests.gateway.test_edits import FIRST, ONE, THREE, TWO, conflict, customer, edits, floated, undecided

Json = dict[str, Any]


# the modes -------------------------------------------------------------------------------------------------------


async def test_last_writer_wins_and_the_earlier_one_stays_in_the_history(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
        assert (await live.submit(LI, "deal", first, address="星湖街 1 号"))["text"] == "Saved."
        live.clock.ahead(seconds=1)
        assert (await live.submit(WANG, "deal", second, address="星湖街 2 号"))["text"] == "Saved."
        await live.settle()
        assert await live.value("address") == await live.there("address") == "星湖街 2 号"
        kept = [row.edit.value for row in await live.s.ledger.history(HERO, "address")]
        assert "星湖街 1 号" in kept
        assert len(live.cards("deal")) == 1 and undecided(customer(live)) == []


async def test_where_a_source_is_in_authority_a_persons_edit_stays_a_proposal_and_is_called_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        answer = await live.submit(LI, "deal", form, amount="500000")
        assert answer["tone"] == "warning"
        assert answer["text"] == "Kept as a proposal: Amount is set by erp and CRM alone."
        await live.settle()
        assert await live.value("amount") == await live.there("amount") == "480000"
        state = await live.s.ledger.state(HERO, "amount")
        assert state is not None
        assert [each.value for each in state.proposed] == ["500000"]


async def test_where_the_crm_is_master_its_own_edit_of_the_same_moment_wins_and_the_editor_is_told(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.natively("stage", "lost")
        await live.settle()
        answer = await live.submit(LI, "deal", form, stage="won")
        assert "[CRM] wins" in answer["text"] and "Stage" in answer["text"]
        await live.settle()
        assert await live.value("stage") == await live.there("stage") == "lost"
        assert "won" in [row.edit.value for row in await live.s.ledger.history(HERO, "stage")]


async def test_the_crm_moved_before_we_wrote_it_is_read_and_decided_again_never_overwritten(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.natively("stage", "lost")  # not swept yet: the editor has not seen it, and neither have we
        assert (await live.submit(LI, "deal", form, stage="won"))["text"] == "Saved."
        await live.house.writebacks["local"].once()
        await live.settle()
        assert await live.value("stage") == await live.there("stage") == "lost", "the master's own"
        assert live.crm.writes == 0
        assert "moved" in await live.steps()


@pytest.mark.parametrize("first", ["we write", "we read"])
async def test_under_review_the_crms_own_edit_of_the_same_moment_is_a_conflict_shown_where_the_edit_was_made(
    tmp_path: Path, first: str
) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.natively("phone", TWO)
        assert (await live.submit(LI, "deal", form, phone=ONE))["text"] == "Saved."
        if first == "we write":
            await live.house.writebacks["local"].once()
        await live.settle()
        assert await live.there("phone") == TWO, "never overwritten"
        card = conflict(live)
        assert {FIRST, ONE, TWO} <= set(text(card.card).split("\n"))
        assert undecided(customer(live)) == ["Phone"]
        await live.press_on(LI, card, "settle", 0)
        await live.settle()
        assert await live.value("phone") == await live.there("phone")


async def test_another_field_changed_there_at_the_same_time_is_no_conflict(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.natively("stage", "won")
        await live.submit(LI, "deal", form, phone=ONE)
        await live.settle()
        assert (await live.there("phone"), await live.there("stage")) == (ONE, "won")
        assert await live.s.ledger.conflicts() == []


# tokens ----------------------------------------------------------------------------------------------------------


def token(live: Live, **changed: Any) -> str:
    facts: Json = {"deployment": "demo", "record": HERO, "field": "phone", "heads": (), "proposals": ()}
    facts |= {"card": "form", "expires": live.clock.now() + 1_000_000, **changed}
    return sign(Parents(**facts), live.s.keys.forms)


@pytest.mark.parametrize("sent", ["", "p1.x.y", "nonsense", "p1." + "A" * 70_000])
async def test_without_a_token_an_edit_is_concurrent_with_everything(tmp_path: Path, sent: str) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        status, answer = await live.try_submit(LI, "deal", form, {"phone": ONE}, {"phone": sent})
        assert status == 200 and "Both values are kept" in answer["answer"]["text"]
        await live.settle()
        assert await live.there("phone") == FIRST, "detected, never guessed"


async def test_a_token_of_another_deployment_is_told_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        before = await live.counted("floatcard_parents_tokens_total", status="foreign")
        form = await live.open_form(LI, await floated(live))
        foreign = token(live, deployment="another")
        _, answer = await live.try_submit(LI, "deal", form, {"phone": ONE}, {"phone": foreign})
        assert answer["answer"]["text"] == "This form came from elsewhere; your change was kept for comparison."
        assert await live.counted("floatcard_parents_tokens_total", status="foreign") == before + 1
        await live.settle()
        assert {FIRST, ONE} <= set(text(conflict(live).card).split("\n"))


async def test_an_expired_token_is_still_evidence_and_a_stale_one_is_what_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        form, stale = await live.open_form(LI, card), await live.open_form(LI, card)
        live.clock.ahead(hours=25)
        assert (await live.submit(LI, "deal", form, phone=ONE))["text"] == "Saved."
        assert "Both values are kept" in (await live.submit(WANG, "deal", stale, phone=TWO))["text"]
        await live.settle()


async def test_a_token_of_another_field_proves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        (other,) = [each["token"] for each in form["fields"] if each["name"] == "email"]
        _, answer = await live.try_submit(LI, "deal", form, {"phone": ONE}, {"phone": other})
        assert "Both values are kept" in answer["answer"]["text"]


# who, and what of ------------------------------------------------------------------------------------------------


async def test_a_form_for_a_customer_that_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        form = await live.open_form(LI, card)
        (edit,) = buttons(card.card, "edit")
        await live.crm.delete(RecordRef.parse(HERO), "zhao.lei")
        await live.settle()
        assert not card.deleted and buttons(card.card, "edit") == []
        assert "deleted in the CRM" in (await live.submit(LI, "deal", form, phone=ONE))["text"]
        assert "deleted in the CRM" in (await live.press(LI, "deal", edit))["text"]
        assert await edits(live) == ["snapshot"]
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert live.cards("deal") == [card]
        await live.crm.restore(RecordRef.parse(HERO), "zhao.lei")
        await live.settle()
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 1


async def test_only_who_may_can_edit_and_everybody_is_told_why_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.chat.room("all", {**live.chat.rooms["deal"].members, SUN: ("孙佳", "member"), GUEST: ("Park", "guest")})
        card = await floated(live)
        edit = buttons(card.card, "edit")[0]
        form = await live.open_form(LI, card)
        assert "may not edit this customer" in (await live.press(CHEN, "all", edit))["text"]
        assert "may not edit" in (await live.submit(CHEN, "all", form, phone=ONE))["text"]
        for stranger in (SUN, GUEST):
            assert "/link" in (await live.press(stranger, "all", edit))["text"]
            assert "/link" in (await live.submit(stranger, "all", form, phone=ONE))["text"]
        await live.s.people.deactivate("p_liting")
        assert "/link" in (await live.submit(LI, "deal", form, phone=ONE))["text"]
        assert await edits(live) == ["snapshot"]


async def test_a_guest_stays_a_guest_although_linked(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        key = ImId("web", "demo", "user", GUEST).key
        await live.s.people.link("p_wangmin", "im", key, step="admin", evidence="test", made_by="test")
        (edit,) = buttons(card.card, "edit")
        answer = await live.press(GUEST, "partner", edit)
        assert "may not" in answer["text"] or "gone" in answer["text"]


async def test_a_button_of_another_deployment_or_tampered_with_is_401_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        (edit,) = buttons(card.card, "edit")
        before = await live.counted("floatcard_received_total", channel="web", outcome="rejected")
        head, body, mac = edit["data"].split(".")
        other = live.s.buttons.__class__(live.s.keys.buttons, "another").data("edit", r=HERO)
        foreign = live.s.buttons.__class__(b"x" * 32, "demo").data("edit", r=HERO)
        broken = [f"{head}.{body}.{mac[:-2]}AA", f"{head}.{body[:-2]}AA.{mac}", other, foreign, "", "b1", "x" * 9000]
        for data in broken:
            assert (await live.try_press(LI, "deal", {"action": "edit", "data": data}))[0] == 401, data
        assert (await live.try_press(LI, "deal", {"action": "undo", "data": edit["data"]}))[0] == 401
        after = await live.counted("floatcard_received_total", channel="web", outcome="rejected")
        assert after == before + len(broken) + 1


async def test_a_button_of_another_version_asks_for_the_card_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        approve: Any = "approve"
        made = live.s.buttons.data
        for action, data in {"approve": made(approve, r=HERO), "edit": made("edit"), "settle": made("settle")}.items():
            answer = await live.press(LI, "deal", {"action": action, "data": data})
            assert "older version" in answer["text"]
        await live.quiet()
        assert await live.rows("job") == 0, "answered, not tried again"


# the CRM ---------------------------------------------------------------------------------------------------------


async def test_a_crm_that_is_down_is_written_when_it_is_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        live.crm.mood = "down"
        assert (await live.submit(LI, "deal", form, phone=ONE))["text"] == "Saved."
        await live.settle()
        assert "saved here" in text(customer(live).card)
        live.crm.mood = "well"
        live.clock.ahead(minutes=5)
        await live.settle()
        assert "in the CRM" in text(customer(live).card)
        assert await live.there("phone") == ONE


async def test_a_crm_that_refuses_is_said_so_and_tried_again_with_the_next_edit(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        live.crm.mood = "refusing"
        await live.submit(LI, "deal", form, phone=ONE)
        await live.settle()
        shown = text(customer(live).card)
        assert ONE in shown and "refused" in shown
        live.crm.mood = "well"
        await live.submit(LI, "deal", await live.open_form(LI, customer(live)), phone=THREE)
        await live.settle()
        assert await live.there("phone") == THREE and "in the CRM" in text(customer(live).card)


async def test_an_answer_that_was_lost_is_looked_up_and_nothing_is_written_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        live.crm.mood = "silent"
        await live.submit(LI, "deal", form, phone=ONE)
        await live.quiet()
        await live.house.writebacks["local"].once()
        live.crm.mood = "well"
        await live.settle()
        assert (await live.there("phone"), live.crm.writes) == (ONE, 1)
        assert "in the CRM" in text(customer(live).card)
        assert await edits(live) == ["set", "snapshot"], "the echo is known"


async def test_one_write_that_breaks_holds_up_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.say(LI, "east", "云栖纺织")
        await live.settle()
        other = await live.open_form(LI, live.card("east"))
        live.crm.mood = "silent"
        await live.submit(LI, "deal", form, phone=ONE)
        await live.submit(LI, "east", other, phone=TWO)
        await live.quiet()
        assert await live.house.writebacks["local"].once() >= 2
        assert live.crm.writes == 2
        live.crm.mood = "well"
        await live.settle()


async def test_there_is_nothing_to_undo_of_what_nobody_did_here(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and state.edit is not None
        data = live.s.buttons.data("undo", r=HERO, f="phone", e=state.edit, h=list(state.heads), q=[])
        answer = await live.press(LI, "deal", {"action": "undo", "data": data})
        assert "no earlier value" in answer["text"]
        with pytest.raises(Refused):
            await live.s.ledger.value_of("nothing")
