"""The CRM's feed: nothing of it is passed over, and nothing in it stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.model import RecordRef
from gateway import sweep
from tests.gateway.house import HERO, LI, opened

OTHER = "local:account:yh-shenzhen"


async def test_a_held_record_keeps_everything_behind_it_until_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "PAGE", 1)
    async with opened(tmp_path) as live:
        await live.settle()
        await live.say(LI, "deal", "华星医疗")
        await live.settle()
        form = await live.open_form(LI, live.card("deal"))
        await live.submit(LI, "deal", form, phone="+86 512 6288 7777")
        await live.quiet()
        (row,) = await live.s.ledger.claim("local", live.clock.now())  # on its way, and not answered yet
        await live.natively("city", "昆山")
        await live.natively("city", "福州", record=OTHER)

        assert await live.house.sweeps["local"].once() == 0
        assert await live.value("city", OTHER) != "福州"

        await live.s.ledger.later(row, 0)
        live.clock.ahead(minutes=1)
        await live.settle()
        assert await live.value("city") == "昆山"
        assert await live.value("city", OTHER) == "福州"
        assert await live.there("phone") == "+86 512 6288 7777"


async def test_an_erased_customer_does_not_stop_the_feed(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        assert await live.s.ledger.erase(HERO)
        await live.natively("city", "昆山")
        await live.natively("city", "福州", record=OTHER)
        await live.settle()
        assert await live.value("city", OTHER) == "福州"
        cursor = await live.s.mirror.cursor("local")
        assert [record async for record, _ in live.crm.changes(cursor)] == []


async def test_of_a_customer_deleted_there_the_card_that_is_up_stays_and_no_new_one_comes(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", "华星医疗")
        await live.settle()
        assert len(live.cards("deal")) == 1
        await live.crm.delete(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert len(live.cards("deal")) == 1
        await live.say(LI, "deal", "华星医疗")
        await live.settle()
        assert len(live.cards("deal")) == 1
