"""A customer that its CRM has deleted, one that it merged into another, and one that came back."""

from __future__ import annotations

from pathlib import Path

from crm.model import RecordRef
from reconcile.model import Json
from reconcile.policy import LIFE
from tests.gateway.fake_chat import Message, buttons
from tests.gateway.house import HERO, LI, NAME, WANG, Live, opened
from tests.gateway.test_sweep import OTHER
from tests.gateway.wordless import Crm as Wordless

ONE = "+86 512 6288 1001"
TWO = "+86 512 6288 1002"


async def merge(live: Live, ref: str = HERO, into: str = OTHER) -> None:
    await live.crm.merge(RecordRef.parse(ref), RecordRef.parse(into), "wang.min")
    await live.settle()


async def life(live: Live, ref: str = HERO) -> list[Json]:
    return [row.edit.value for row in await live.s.ledger.history(ref, LIFE)][::-1]


async def proposals(live: Live, ref: str = OTHER) -> dict[str, list[object]]:
    states = await live.s.ledger.states(ref)
    return {name: [each.value for each in state.proposed] for name, state in states.items() if state.proposed}


# deleted and restored --------------------------------------------------------------------------------------------


async def test_its_card_can_be_read_and_says_why_nobody_edits_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        card = live.card("east")
        form, edits = await live.open_form(LI, card), await live.rows("edit")
        (button,) = buttons(card.card, "edit")
        await live.crm.delete(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert not card.deleted and "Deleted in the CRM: read only" in str(card.card)
        assert buttons(card.card, "edit") == [] and buttons(card.card, "undo") == []
        assert HERO not in live.s.records.names.within(NAME, 10)
        assert "deleted in the CRM" in (await live.press(LI, "east", button))["text"]
        assert "deleted in the CRM" in (await live.submit(LI, "east", form, phone=ONE))["text"]
        await live.settle()
        assert await live.rows("edit") == edits + 1, "nothing is edited, nothing is cleared: it is deleted, and no more"
        assert await life(live) == ["deleted"]
        assert await live.s.ledger.history(HERO, "phone")
        assert await live.rows("outbox") == 0
        assert await live.s.ledger.verify() is None

        await live.crm.restore(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert HERO in live.s.records.names.within(NAME, 10)
        assert await life(live) == ["deleted", "live"]
        assert "read only" not in str(card.card) and buttons(card.card, "edit")


async def test_what_waited_is_written_when_it_is_restored(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("east"))
        live.crm.mood = "down"
        await live.submit(LI, "east", form, phone=ONE)
        live.crm.mood = "well"
        await live.crm.delete(RecordRef.parse(HERO), "wang.min")
        live.clock.ahead(minutes=10)
        await live.settle()
        live.clock.ahead(minutes=10)
        await live.settle()
        assert live.crm.writes == 0 and await life(live) == ["deleted"]
        assert await live.rows("outbox", "state = 'waiting'") == 1, "neither lost nor refused"
        await live.crm.restore(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        live.clock.ahead(minutes=10)
        await live.settle()
        assert await live.there("phone") == ONE


async def test_a_card_is_not_made_of_one_that_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await live.crm.delete(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        await live.say(LI, "east", NAME)
        await live.settle()
        assert live.cards("east") == []


# merged ----------------------------------------------------------------------------------------------------------


async def test_what_differs_is_proposed_once_on_the_one_it_became(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        mine = {name: state.value for name, state in (await live.s.ledger.states(HERO)).items() if state.value}
        theirs = {name: state.value for name, state in (await live.s.ledger.states(OTHER)).items() if state.value}
        await merge(live)
        found = await proposals(live)
        wanted = {name for name in mine.keys() & live.s.config.fields.keys() if mine[name] != theirs.get(name)}
        assert wanted and set(found) == wanted
        assert all(found[name] == [mine[name]] for name in wanted)
        assert {name: await live.value(name, OTHER) for name in theirs} == theirs, "a proposal changes nothing"
        assert await life(live) == [f"merged_into {OTHER}"]


async def test_of_two_that_were_merged_into_one_each_proposes_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        third = next(ref for ref in await live.s.mirror.keys("", 50) if ref not in (HERO, OTHER))
        values = {await live.value("phone", ref) for ref in (HERO, third)} - {None}
        await merge(live)
        await merge(live, third)
        assert len(values) == 2 and set((await proposals(live))["phone"]) == values


async def test_buttons_and_forms_of_the_one_are_answered_with_the_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        card = live.card("east")
        form = await live.open_form(LI, card)
        (edit,), (show,) = buttons(card.card, "edit"), buttons(card.card, "show_me")
        title = (await live.s.records.get(OTHER)).title  # type: ignore[union-attr]
        await merge(live)
        assert "Merged into another customer in the CRM" in str(card.card) and buttons(card.card, "edit") == []
        for button in (edit, show):
            assert title in str(await live.press(WANG, "east", button))
        before = await live.value("phone", OTHER)
        answer = await live.submit(WANG, "east", form, phone=ONE)
        await live.settle()
        assert f"merged into {title}" in answer["text"]
        assert await live.value("phone", OTHER) == before
        assert ONE in (await proposals(live))["phone"]
        assert len(await live.s.ledger.history(HERO, "phone")) == 1, "what was its own stays its own"


async def test_a_proposal_of_a_merge_is_taken_with_one_tap(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("east"))
        await merge(live)
        await live.submit(WANG, "east", form, phone=ONE)
        await live.settle()
        (offered,) = [each for each in live.cards("east") if buttons(each.card, "settle")]
        answer = await live.press(WANG, "east", buttons(offered.card, "settle")[0])
        assert answer["text"] == "Settled."
        await live.settle()
        assert await live.value("phone", OTHER) == ONE


async def test_one_that_is_parted_again_is_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        await merge(live)
        await live.crm.restore(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert await life(live) == [f"merged_into {OTHER}", "live"]
        form = await live.open_form(LI, live.card("east"))
        assert (await live.submit(LI, "east", form, phone=TWO))["text"] == "Saved."
        await live.settle()
        assert await live.there("phone") == TWO


async def test_a_circle_of_merges_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await merge(live)
        await merge(live, OTHER, HERO)
        assert await live.s.records.heir(HERO) in (HERO, OTHER)


# erased ----------------------------------------------------------------------------------------------------------

WORDLESS = {"tests.gateway.moody": "tests.gateway.wordless"}


def erase(live: Live, *refs: str) -> None:
    assert isinstance(live.crm, Wordless)
    live.crm.erased = frozenset(RecordRef.parse(ref).id for ref in refs)


async def test_one_that_its_crm_erased_without_a_word_is_found_and_so_is_its_return(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=WORDLESS) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        card = live.card("east")
        erase(live, HERO)
        live.clock.ahead(minutes=2)
        await live.settle()
        await live.settle()
        assert await life(live) == ["deleted"] and await life(live, OTHER) == []
        assert "Deleted in the CRM: read only" in str(card.card) and buttons(card.card, "edit") == []
        assert await live.s.ledger.verify() is None
        erase(live)
        live.clock.ahead(minutes=2)
        await live.settle()
        await live.settle()
        assert await life(live) == ["deleted", "live"]
        assert "read only" not in str(card.card) and buttons(card.card, "edit")


async def test_a_write_to_one_that_was_erased_finds_it_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=WORDLESS) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("east"))
        erase(live, HERO)
        await live.submit(LI, "east", form, phone=ONE)
        await live.settle()
        await live.settle()
        assert await life(live) == ["deleted"]
        assert await live.value("phone") == ONE, "what was saved here is not lost"
        assert await live.rows("outbox", "state = 'refused'") == 1
        assert "Deleted in the CRM: read only" in str(live.card("east").card)


# with something open ---------------------------------------------------------------------------------------------


async def clash(live: Live) -> Message:
    """Two who saved unaware of each other; the card that asks."""
    await live.say(LI, "east", NAME)
    await live.settle()
    first = await live.open_form(LI, live.card("east"))
    second = await live.open_form(WANG, live.card("east"))
    await live.submit(LI, "east", first, phone=ONE)
    await live.submit(WANG, "east", second, phone=TWO)
    await live.settle()
    return next(each for each in live.cards("east") if buttons(each.card, "settle"))


async def test_a_conflict_of_one_that_is_gone_waits_and_is_settled_when_it_is_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        asked = await clash(live)
        button = buttons(asked.card, "settle")[0]
        writes = live.crm.writes
        await live.crm.delete(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert "deleted in the CRM" in (await live.press(WANG, "east", button))["text"]
        assert len(await live.s.ledger.conflicts()) == 1 and live.crm.writes == writes
        await live.crm.restore(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        asked = next(each for each in live.cards("east") if buttons(each.card, "settle"))
        assert (await live.press(WANG, "east", buttons(asked.card, "settle")[0]))["text"] == "Settled."
        await live.settle()
        assert await live.s.ledger.conflicts() == []
        assert await live.there("phone") == await live.value("phone")


async def test_a_merge_proposes_both_sides_of_an_open_conflict_and_nobody_is_asked_of_it_any_more(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as live:
        asked = await clash(live)
        live.clock.ahead(minutes=11)
        await live.settle()
        alert = live.card(f"d_{WANG}")
        assert buttons(alert.card, "decide")
        await merge(live)
        assert {*(await proposals(live))["phone"]} == {ONE, TWO}, "what two people saved is not out of reach"
        said = str(asked.card)
        assert "Merged into another customer in the CRM: read only" in said and "Take the value" not in said
        assert ONE in said and TWO in said and not buttons(asked.card, "settle")
        assert not buttons(alert.card, "decide") and "Merged into another" in str(alert.card)
        assert "settled" not in str(alert.card), "which it is not"


async def test_of_a_conflict_nobody_can_settle_nobody_is_reminded_until_somebody_can(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        asked = await clash(live)
        await live.crm.delete(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert "Deleted in the CRM: read only" in str(asked.card) and not buttons(asked.card, "settle")
        live.clock.ahead(minutes=30)
        await live.settle()
        assert live.cards(f"d_{WANG}") == live.cards(f"d_{LI}") == []
        await live.crm.restore(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert buttons(asked.card, "settle") and "read only" not in str(asked.card)
        live.clock.ahead(minutes=11)
        await live.settle()
        assert buttons(live.card(f"d_{WANG}").card, "decide")
