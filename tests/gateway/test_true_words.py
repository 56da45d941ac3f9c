"""What people are told of where a value stands is so at that moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from cards.words import say
from crm.model import Record, RecordRef
from gateway import refusal
from gateway.errors import Refused
from gateway.handlers import view
from gateway.story import worded
from gateway.teller import Line, Teller
from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import HERO, LI, NAME, WANG, Live, opened
from tests.gateway.moody import Crm

ONE, TWO = "+86 512 6288 1001", "+86 512 6288 1002"
MASTER = {'policy = "ask"': 'policy = "default"'}


async def floated(live: Live) -> Message:
    await live.say(LI, "deal", NAME)
    await live.settle()
    return customer(live)


def customer(live: Live) -> Message:
    (found,) = [each for each in live.cards("deal") if each.card["name"] == "customer"]
    return found


async def story(live: Live, *steps: str) -> list[Line]:
    """The last of these steps, as the trail tells them, the newest last."""
    s = live.s
    teller = Teller(s.records, s.people, s.config, "en")
    return [await worded(teller, step) for step in await s.trail.latest(1000) if step.step.step in steps]


async def test_an_undo_that_the_crms_own_newer_value_beats_is_not_called_undone(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=MASTER) as live:
        await live.submit(LI, "deal", await live.open_form(LI, await floated(live)), phone=ONE)
        await live.settle()
        (undo,) = buttons(customer(live).card, "undo")
        await live.natively("phone", TWO)
        await live.settle()
        answer = await live.press(LI, "deal", undo)
        assert answer["tone"] == "warning" and "wins by this field's policy" in answer["text"], answer
        await live.settle()
        assert await live.value("phone") == await live.there("phone") == TWO
        told = (await story(live, "undone"))[-1].text
        assert "another value stands" in told and "from before again" not in told


async def test_a_conflict_that_is_open_again_is_told_as_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
        await live.submit(LI, "deal", first, phone=ONE)
        await live.submit(WANG, "deal", second, phone=TWO)
        await live.settle()
        (shown,) = [each for each in live.cards("deal") if each.card["name"] == "conflict"]
        await live.press(LI, "deal", buttons(shown.card, "settle")[0])
        await live.settle()
        (shown,) = [each for each in live.cards("deal") if each.card["name"] == "conflict"]
        answer = await live.press(LI, "deal", buttons(shown.card, "undo")[0])
        assert answer["text"] == "Undone. The conflict is open again."
        await live.settle()
        assert "nobody has decided yet" in (await story(live, "undone"))[-1].text


UNKNOWN = "saved here; sent to the CRM, and whether it took it is not known yet"


async def test_a_write_in_doubt_is_not_called_missing_in_the_crm_and_a_restart_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        chat, form = live.chat, await live.open_form(LI, await floated(live))
        live.crm.mood = "silent"
        await live.submit(LI, "deal", form, phone=ONE)
        await live.quiet()
        rows = await live.s.ledger.claim("local", live.clock.now(), 1)
        await live.s.ledger.unsure(rows[0])
        live.crm.mood = "down"
        await live.house.writebacks["local"].once()
        await live.quiet()
        assert UNKNOWN in text(customer(live).card), "it may be there by now"
    async with opened(tmp_path, chat=chat) as live:
        live.crm.mood = "down"
        await live.house.writebacks["local"].once()
        await live.quiet()
        assert UNKNOWN in text(customer(live).card)
        live.crm.mood = "well"
        await live.settle()
        assert "saved here, not yet in the CRM" in text(customer(live).card), "it was looked up, and is not there"
        live.clock.ahead(minutes=1)
        await live.settle()
        assert "in the CRM at" in text(customer(live).card)


async def test_a_doubt_that_nobody_can_clear_is_no_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def get(self: Crm, ref: RecordRef) -> Record:
        raise Refused("The CRM {crm} does not permit this: {words}", crm="local", words="403")

    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.submit(LI, "deal", form, phone=ONE)
        await live.quiet()
        monkeypatch.setattr(Crm, "get", get)
        live.crm.mood = "silent"
        await live.house.writebacks["local"].once()
        await live.quiet()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and state.write == "in_doubt"
        assert view.why_not(state, "en") == "The CRM local does not permit this: 403"
        assert view.why_not(state, "zh-CN") != view.why_not(state, "en"), "in the reader's language"
        told = text(customer(live).card)
        assert UNKNOWN in told and "refused" not in told
        assert "look there" in (await story(live, "crm_refused"))[-1].text


async def test_what_is_there_by_itself_is_not_said_to_be_there_since_an_older_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.submit(LI, "deal", await live.open_form(LI, await floated(live)), phone=ONE)
        await live.settle()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and (state.write, state.written_at) == ("in_crm", live.clock.now())
        form = await live.open_form(LI, customer(live))
        live.clock.ahead(hours=1)
        await live.natively("phone", TWO)
        await live.submit(LI, "deal", form, phone=TWO)
        await live.settle()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and state.value == TWO and state.conflict is None
        assert (state.write, state.written_at) == ("in_crm", 0)


def test_a_refusal_is_kept_for_readers_of_any_language() -> None:
    why = Refused("{field}: {value} is not one of {options}.", field="Stage", value="x", options=["a", "b"])
    text = refusal.kept(why)
    assert refusal.worded("en", text) == "Stage: x is not one of a and b."
    assert refusal.worded("zh-CN", text) == say("zh-CN", why.say, **why.facts) != refusal.worded("en", text)


@pytest.mark.parametrize("value", ["\udc00", "字" * 5_000, "\x00" * 90, "{field}"])
def test_no_hostile_fact_breaks_what_is_kept(value: str) -> None:
    text = refusal.kept(Refused("{field}: it may not be empty.", field=value))[:300]
    assert refusal.worded("zh-CN", text)


@pytest.mark.parametrize("text", ["\x1e", "\x1e[1]", '\x1e["a", [1]]', '\x1e["a", {"b": 1', "plain"])
def test_what_only_looks_like_a_kept_refusal_is_told_as_it_is(text: str) -> None:
    assert refusal.worded("en", text) == text


async def test_what_the_crm_does_not_hold_any_more_is_not_called_now_in_the_crm(tmp_path: Path) -> None:
    def conflict() -> Message:
        (found,) = [each for each in live.cards("deal") if each.card["name"] == "conflict"]
        return found

    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.natively("phone", TWO)
        await live.submit(LI, "deal", form, phone=ONE)
        await live.settle()
        there = say(conflict().card["locale"], "Now in the CRM")
        assert there in text(conflict().card) and await live.there("phone") == TWO
        for button in buttons(conflict().card, "settle"):
            if await live.s.ledger.value_of(live.s.buttons.read(button["data"])[1].text("e")) == ONE:
                assert (await live.press(LI, "deal", button))["text"] == "Settled."
        await live.settle()
        assert await live.there("phone") == ONE
        answer = await live.press(LI, "deal", buttons(conflict().card, "undo")[0])
        assert answer["text"] == "Undone. The conflict is open again."
        await live.settle()
        (columns,) = [block["columns"] for block in conflict().card["blocks"] if block["type"] == "columns"]
        assert await live.there("phone") == ONE and TWO in [each["value"] for each in columns]
        assert [each["value"] for each in columns if each["label"] == there] == [ONE]
