"""A source that was set back is told of by a card to managers and admins, in chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from crm.model import Record, RecordRef
from gateway.sources import new_epoch
from gateway.sweep import heard
from tests.gateway.fake_chat import Message, buttons
from tests.gateway.house import HERO, PHONE, Live, opened
from tests.gateway.test_sources import SOURCES, bearer, edit, first

SAID = "被回退了"
"""Of the card as its readers' language has it."""


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with opened(tmp_path, extra=SOURCES) as live:
        yield live


def told(live: Live) -> list[Message]:
    return [each for each in live.chat.messages.values() if not each.deleted and SAID in str(each.card)]


async def rewind(live: Live) -> None:
    """A backup of the CRM was put back: the record is older there than it was read to be."""
    there = await live.crm.get(RecordRef.parse(HERO))
    older = replace(there, version=there.version - 1)

    async def get(ref: RecordRef) -> Record:
        return older

    live.clock.ahead(seconds=5)
    live.crm.get = get  # type: ignore[method-assign]
    await heard(live.s, [RecordRef.parse(HERO)])
    await live.settle()


async def test_of_a_crm_each_is_told_once_and_that_it_is_over(live: Live) -> None:
    await live.settle()
    await rewind(live)
    up = told(live)
    wanted = {"p_wangmin", "p_zhaolei"} & {
        each.id for each in live.s.people.persons() if each.active and {"manager", "admin"} & set(each.roles)
    }
    assert len(up) >= len(wanted) >= 1, "a card for each who answers for sources"
    assert all(f"local {SAID}" in str(each.card) for each in up)
    assert all(buttons(each.card, "acknowledge") and not buttons(each.card, "show_me") for each in up)
    await rewind(live)
    assert len(told(live)) == len(up), "told again it is no news"
    assert await live.rows("alert", "rule = 'set_back'") == 1

    del live.crm.get
    await new_epoch(live.s, "local", "p_zhaolei")
    await live.settle()
    assert told(live) == [] and await live.rows("alert", "rule = 'set_back' AND state = 'over'") == 1


async def test_of_a_source_that_numbers_its_edits_too(live: Live) -> None:
    head = await bearer(live)
    await first(live, head)
    for number in (2, 3, 4):
        await edit(live, head, number, f"{PHONE} 1111 000{number}")
    live.clock.ahead(minutes=1)
    status, _ = await edit(live, head, 2, f"{PHONE} 9999 0002")
    assert status == 409
    await live.settle()
    up = told(live)
    assert up and all(f"erp · main {SAID}" in str(each.card) for each in up)
    await new_epoch(live.s, "erp", "p_zhaolei")
    await live.settle()
    assert told(live) == []


async def test_it_can_be_turned_off(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=SOURCES, changed={"[alerts]": "[alerts]\nset_back = false"}) as live:
        await live.settle()
        await rewind(live)
        assert told(live) == [] and await live.rows("alert") == 0
