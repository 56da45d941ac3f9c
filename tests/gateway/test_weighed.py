"""What is said of a decision is what it decided, and how it is by now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cards.words import Reader
from gateway.console import audit
from gateway.console.seeing import Eyes
from gateway.store.console import ConsoleStore
from gateway.store.ledger import Challenger
from gateway.store.ledger.redecide import LABORATORY
from gateway.weighed import chosen
from identity.model import Person
from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import HERO, LI, NAME, WANG, Live, opened

OLD, ONE, TWO = "+86 512 6288 0016", "+86 512 6288 1001", "+86 512 6288 1002"


async def disputed(live: Live) -> str:
    """Two change one number at once; the code of the decision."""
    await live.say(LI, "deal", NAME)
    await live.settle()
    (card,) = [each for each in live.cards("deal") if each.card["name"] == "customer"]
    first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
    await live.submit(LI, "deal", first, phone=ONE)
    await live.settle()
    await live.submit(WANG, "deal", second, phone=TWO)
    await live.settle()
    return await decision(live)


async def decision(live: Live) -> str:
    state = await live.s.ledger.state(HERO, "phone")
    assert state is not None
    return state.decision


def conflict(live: Live) -> Message:
    return next(each for each in live.cards("deal") if each.card["name"] == "conflict")


async def press(live: Live, name: str) -> None:
    await live.press(LI, "deal", buttons(conflict(live).card, name)[-1])
    await live.settle()


async def why(live: Live, code: str) -> list[tuple[str, str]]:
    """(label, text) of each line, in English."""
    await live.say(WANG, "deal", f"/why {code}", addressed=True, locale="en")
    await live.settle()
    told = live.chat.whispers("deal", WANG)[-1].card
    return [(str(each["title"]), str(each["text"])) for each in _rows(told)]


def _rows(card: Any) -> Iterator[dict[str, Any]]:
    if isinstance(card, dict):
        if "title" in card and "text" in card:
            yield card
        for each in card.values():
            yield from _rows(each)
    elif isinstance(card, list):
        for each in card:
            yield from _rows(each)


def eyes(live: Live) -> Eyes:
    li = live.s.people.linked("im", f"web/demo/user/{LI}")
    assert li is not None
    mine: Person = replace(li, roles=li.roles | {"admin"})
    return Eyes(live.s, mine, Reader("en", live.s.config.zone, live.clock.now()))


async def rows(live: Live) -> list[audit.Row]:
    found, _ = await audit.page(ConsoleStore(live.s.store), HERO, "", "", 50)
    return await audit.told(eyes(live), found)


async def test_nobody_stands_and_nobody_is_beaten_while_nobody_has_decided(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        code = await disputed(live)
        told = await why(live, code)
        sides = [words for label, words in told if label == "Undecided"]
        assert len(sides) == 2 and ONE in "".join(sides) and TWO in "".join(sides), told
        assert all("waits for a person" in words for words in sides)
        assert [ONE in words for words in sides if "is shown meanwhile" in words] == [True]
        assert [OLD in words for label, words in told if label == "Before"] == [True]
        assert not {"Stands", "Beaten"} & {label for label, _ in told}
        (now,) = [words for label, words in told if label == "Now"]
        assert "Nobody has decided yet" in now and ONE in now and "is in the CRM" in now
        found = await audit.found(eyes(live), ConsoleStore(live.s.store), code, "", "", "")
        assert found.explained is not None and found.explained.value == ONE and found.explained.undecided
        assert not any(side.stands for side in found.explained.sides)
        whispered = [text(each.card) for each in live.chat.whispers("deal", WANG)]
        assert any("Nobody has decided yet" in each for each in whispered)
        await press(live, "settle")
        (now,) = [words for label, words in await why(live, code) if label == "Now"]
        assert "stands now" in now and await decision(live) in now
        whispered = [text(each.card) for each in live.chat.whispers("deal", WANG)]
        assert [each.count("stands now") for each in whispered] == [1, 1], "what was told before says it too"
        assert not any("Nobody has decided yet" in each for each in whispered)


async def test_a_settlement_says_who_chose_what_among_which(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await disputed(live)
        await press(live, "settle")
        value = await live.value("phone")
        told = dict(await why(live, await decision(live)))
        assert "settled it, choosing" in told["Decided"] and ONE in told["Decided"] and TWO in told["Decided"]
        assert str(value) in told["Stands"]
        newest = next(row for row in await rows(live) if row.did == "settled")
        assert newest.reason == told["Decided"]


async def test_one_undo_is_one_row_that_says_what_is_so_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await disputed(live)
        await press(live, "settle")
        before = await rows(live)
        await press(live, "undo")
        undone = [row for row in await rows(live) if row.did == "undone"]
        assert len(undone) == 1 and len(await rows(live)) == len(before) + 1, undone
        (row,) = undone
        assert row.conflict and ONE in row.value and TWO in row.value and OLD not in row.value
        assert "nobody has decided" in row.reason and ONE in row.reason
        store = ConsoleStore(live.s.store)
        assert await store.audit_count(HERO) == len(before) + 1
        latest, _ = await store.latest({}, 5_000)
        assert len([each for each in latest if each.kind == "revert" and each.record == HERO]) == 1
        assert ONE in text(conflict(live).card) and TWO in text(conflict(live).card)


def test_what_a_change_of_policy_kept_was_chosen_by_nobody() -> None:
    kept = Challenger("e1", "resolve", ONE, "floatcard", LABORATORY.watermark, "person", "p_zhaolei", 1)
    assert chosen(cast("Any", None), Reader("en", "UTC", 0), "phone", kept, {"e0": kept}) == ""
