"""A conflict is somebody's: its owner is asked, then the manager; a conflict opened again is told of again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.store.console import ConsoleStore
from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import HERO, LI, WANG, Live, opened
from tests.gateway.test_edits import ONE, TWO, both_edit, choice, conflict


def asked(live: Live, person: str) -> list[Message]:
    return [card for card in live.cards(f"d_{person}") if "wait for you to decide" in text(card.card)]


async def whose(live: Live) -> str:
    (case,) = await live.s.ledger.conflicts()
    return (await ConsoleStore(live.s.store).owner(case.id))[0]


async def test_the_owner_is_asked_then_the_manager(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        assert (await whose(live), asked(live, LI)) == ("", [])
        live.clock.ahead(minutes=6)
        await live.settle()
        assert await whose(live) == "p_liting"
        (note,) = asked(live, LI)
        assert ONE not in str(note.card) and TWO not in str(note.card)
        sides = await live.press_on(LI, note, "decide")
        assert len(buttons(sides["card"], "settle")) == 2
        live.clock.ahead(minutes=5)
        await live.settle()
        assert await whose(live) == "p_wangmin" and len(asked(live, LI)) == 1
        await live.press(WANG, "deal", await choice(live, card, TWO))
        await live.settle()
        assert asked(live, LI) == []


async def test_whom_a_person_asked_stays_asked(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await both_edit(live)
        (case,) = await live.s.ledger.conflicts()
        await ConsoleStore(live.s.store).assign([case.id], "p_zhaolei", "p_wangmin", live.clock.now())
        live.clock.ahead(minutes=11)
        await live.settle()
        assert await whose(live) == "p_zhaolei" and asked(live, LI) == []


async def test_a_conflict_that_is_open_again_is_told_of_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        live.clock.ahead(minutes=11)
        await live.settle()
        await live.press(WANG, "deal", await choice(live, card, TWO))
        await live.settle()
        (over,) = [each for each in live.cards(f"d_{WANG}") if each.card["name"] == "alert"]
        assert not buttons(over.card, "decide")
        await live.press(LI, "deal", buttons(conflict(live).card, "undo")[0])
        await live.settle()
        live.clock.ahead(minutes=11)
        await live.settle()
        (again,) = [each for each in live.cards(f"d_{WANG}") if each.card["name"] == "alert"]
        assert again.id == over.id and buttons(again.card, "decide")
        assert (await live.s.ledger.conflicts())[0].record == HERO


async def test_whom_a_person_asked_after_the_manager_stays_asked(tmp_path: Path) -> None:
    """A conflict is looked for every five minutes; whoever was reminded of it is not reminded again."""
    async with opened(tmp_path) as live:
        await both_edit(live)
        live.clock.ahead(minutes=11)
        await live.settle()
        assert await whose(live) == "p_wangmin"
        (case,) = await live.s.ledger.conflicts()
        await ConsoleStore(live.s.store).assign([case.id], "p_liting", "p_wangmin", live.clock.now())
        told = len(asked(live, LI)) + len(asked(live, WANG))
        for _ in range(3):
            live.clock.ahead(minutes=6)
            await live.settle()
        chat, clock = live.chat, live.clock
        assert await whose(live) == "p_liting"
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert await whose(live) == "p_liting", "a start is no reminder either"
        assert len(asked(live, LI)) + len(asked(live, WANG)) == told


async def test_a_reminder_that_a_crash_left_out_is_set_within_minutes_and_told_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await both_edit(live)
        await live.s.store.write(_forgotten, None)
        live.clock.ahead(minutes=6)
        await live.settle()
        live.clock.ahead(minutes=6)
        await live.settle()
        assert await whose(live) == "p_wangmin"
        assert await live.rows("alert", "rule = 'conflict_open'") == 1


async def test_a_reminder_of_what_is_open_again_that_a_crash_left_out_is_set(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        live.clock.ahead(minutes=11)
        await live.settle()
        await live.press(WANG, "deal", await choice(live, card, TWO))
        await live.settle()
        assert await live.rows("alert", "state = 'over'") == 1
        await live.press(LI, "deal", buttons(conflict(live).card, "undo")[0])
        await live.settle()
        await live.s.store.write(_forgotten, None)
        for _ in range(3):
            live.clock.ahead(minutes=6)
            await live.settle()
        assert await live.rows("alert", "state = 'open'") == 1


@pytest.mark.parametrize("minutes", [1, 6])
async def test_whoever_a_crash_left_unasked_is_asked_within_minutes_and_once(tmp_path: Path, minutes: int) -> None:
    """It came when the managers' reminder was set, and the owner's was not yet."""
    async with opened(tmp_path) as live:
        await both_edit(live)
        (case,) = await live.s.ledger.conflicts()
        await live.s.due.cancel(f"asked:{case.id}")
        live.clock.ahead(minutes=minutes)
        await live.house.spine.show_conflicts()
        live.clock.ahead(minutes=6 - minutes)
        await live.settle()
        assert await whose(live) == "p_liting" and len(asked(live, LI)) == 1
        await ConsoleStore(live.s.store).assign([case.id], "p_wangmin", "p_liting", live.clock.now())
        told = len(asked(live, LI)) + len(asked(live, WANG))
        for _ in range(3):
            live.clock.ahead(minutes=1)
            await live.house.spine.show_conflicts()
            await live.settle()
        assert await whose(live) == "p_wangmin"
        assert len(asked(live, LI)) + len(asked(live, WANG)) == told


def _forgotten(connection: Connection, items: Sequence[None]) -> list[None]:
    connection.exec_driver_sql("DELETE FROM due WHERE kind IN ('conflict', 'asked')")
    return list(items)
