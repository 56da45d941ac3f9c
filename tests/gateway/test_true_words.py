"""What people are told of where a value stands is so at that moment."""

from __future__ import annotations

from pathlib import Path

from gateway.story import worded
from gateway.teller import Line, Teller
from tests.gateway.fake_chat import Message, buttons
from tests.gateway.house import LI, NAME, WANG, Live, opened

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
