"""Whoever saved a value that later lost hears of it, alone, once, and only what they may see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import CHEN, HERO, LI, WANG, Live, opened
from tests.gateway.test_edits import ONE, THREE, TWO, both_edit, choice, conflict, customer, floated

MINE, THEIRS = "mine@example.com", "theirs@example.com"


def told(live: Live, person: str) -> list[Message]:
    return [card for card in live.cards(f"d_{person}") if card.card["name"] == "notice"]


async def beaten(live: Live, *, moved: bool = True) -> None:
    """Li saves an e-mail address; the CRM had another by then, and its own value rules."""
    form = await live.open_form(LI, await floated(live))
    await live.natively("email", THEIRS)
    await live.submit(LI, "deal", form, email=MINE)
    if moved:
        await live.settle()


async def test_who_loses_to_the_crm_is_told_once_and_takes_theirs_after_all(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await beaten(live)
        assert await live.value("email") == THEIRS
        (note,) = told(live, LI)
        assert all(each in text(note.card) for each in (MINE, THEIRS, "[CRM]", "E-mail"))
        assert [room for room in live.chat.rooms if room != f"d_{LI}" and MINE in str(live.cards(room))] == []
        await live.natively("stage", "won")
        await live.settle()
        assert [each.id for each in told(live, LI)] == [note.id] and await live.rows("due", "kind = 'lost'") == 0
        (mine,) = buttons(note.card, "settle")
        assert (await live.press(LI, f"d_{LI}", mine))["text"] == "Settled."
        await live.settle()
        assert await live.value("email") == await live.there("email") == MINE
        assert told(live, LI) == [], "it stands after all"


async def test_the_note_says_what_stands_by_now_and_an_old_button_beats_nobody_unseen(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await beaten(live)
        (old,) = buttons(told(live, LI)[0].card, "settle")
        await live.natively("email", "newer@example.com")
        await live.settle()
        (note,) = told(live, LI)
        assert "newer@example.com" in text(note.card) and THEIRS not in text(note.card)
        await live.press(LI, f"d_{LI}", old)
        await live.settle()
        state = await live.s.ledger.state(HERO, "email")
        assert state is not None and "newer@example.com" in (state.value, *(each.value for each in state.challengers))


async def test_the_side_a_settlement_passed_over_is_told_and_not_who_settled(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        assert told(live, LI) == told(live, WANG) == [], "undecided is no loss"
        await live.press(WANG, "deal", await choice(live, card, TWO))
        await live.settle()
        (note,) = told(live, LI)
        assert ONE in text(note.card) and TWO in text(note.card) and "王敏" in text(note.card)
        assert told(live, WANG) == []
        await live.press(WANG, "deal", buttons(conflict(live).card, "undo")[0])
        await live.settle()
        assert told(live, LI) == [], "open again: the conflict's own card says so"


async def test_who_is_undone_by_another_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.submit(LI, "deal", await live.open_form(LI, await floated(live)), phone=THREE)
        await live.settle()
        await live.press(WANG, "deal", buttons(customer(live).card, "undo")[0])
        await live.settle()
        (note,) = told(live, LI)
        assert THREE in text(note.card) and "王敏" in text(note.card)


async def test_what_somebody_built_on_did_not_lose(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.submit(LI, "deal", await live.open_form(LI, await floated(live)), phone=ONE)
        await live.settle()
        await live.submit(WANG, "deal", await live.open_form(WANG, customer(live)), phone=TWO)
        await live.settle()
        assert told(live, LI) == []


RESTRICTED = {'type = "email"': 'type = "email"\nsensitivity = "restricted"'}


async def test_who_may_not_see_the_field_any_more_reads_no_value(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=RESTRICTED) as live:
        await beaten(live, moved=False)
        li = live.s.people.person("p_liting")
        assert li is not None
        (crm,) = [link for link in live.s.people.links(li.id) if link.kind == "crm"]
        await live.s.people.unlink(crm.id, "test")
        await live.settle()
        (note,) = told(live, LI)
        assert "what you saved does not stand" in text(note.card) and not buttons(note.card, "settle")
        assert MINE not in str(note.card) and THEIRS not in str(note.card)
        await live.s.people.link(li.id, "crm", crm.key, step="admin", evidence="", made_by="test")
        await live.settle()
        assert THEIRS in text(told(live, LI)[0].card)
        await live.s.people.put(replace(li, active=False))
        await live.settle()
        assert told(live, LI) == told(live, CHEN) == []
