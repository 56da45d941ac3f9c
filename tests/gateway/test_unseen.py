"""What an editor had not seen is not dismissed: the other side of a conflict, and a proposal."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.fake_chat import Message, buttons
from tests.gateway.house import HERO, LI, WANG, Live, opened

ONE, TWO, THREE = "+86 512 6288 1001", "+86 512 6288 1002", "+86 512 6288 1003"


async def floated(live: Live) -> Message:
    await live.say(LI, "deal", "华星医疗")
    await live.settle()
    return live.card("deal")


def customer(live: Live) -> Message:
    (found,) = [each for each in live.chat.cards("deal") if each.card["name"] == "customer"]
    return found


async def test_a_form_opened_while_undecided_does_not_settle_what_it_did_not_show(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
        await live.submit(LI, "deal", first, phone=ONE)
        await live.submit(WANG, "deal", second, phone=TWO)
        await live.settle()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and state.conflict is not None

        third = await live.open_form(LI, customer(live))  # shows what stands, not the other side
        answer = await live.submit(LI, "deal", third, phone=THREE)
        assert answer["tone"] == "warning"
        await live.settle()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and state.conflict is not None
        assert TWO in [each.value for each in state.challengers]


async def test_a_proposal_is_shown_where_it_was_made_and_taken_with_one_tap(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        await live.submit(LI, "deal", form, amount="500000")
        await live.settle()
        shown = proposal(live)
        assert "500,000" in str(shown.card) and "480,000" in str(shown.card)
        (take,) = buttons(shown.card, "settle")
        answer = await live.press(WANG, "deal", take, message=shown.id)
        assert answer["text"] == "Settled."
        await live.settle()
        assert await live.value("amount") == await live.there("amount") == "500000"
        assert buttons(proposal(live).card, "settle") == []
        again = await live.press(WANG, "deal", take, message=shown.id)
        assert again["text"] == "This proposal is decided already."


async def test_another_save_leaves_the_proposal_open(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=LENIENT, changed={'policy = "finance"': 'policy = "lenient"'}) as live:
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), amount="500000")
        await live.natively("amount", "490000")
        await live.settle()
        state = await live.s.ledger.state(HERO, "amount")
        assert state is not None
        assert (state.value, [each.value for each in state.proposed]) == ("490000", ["500000"])


LENIENT = """
[policies.lenient]
mode = "master_wins"
propose_only = ["web"]
"""


def proposal(live: Live) -> Message:
    found = [each for each in live.chat.cards("deal") if each.card["name"] == "conflict"]
    assert len(found) == 1
    return found[0]
