"""A customer that its CRM has deleted, and one that came back."""

from __future__ import annotations

from pathlib import Path

from crm.model import RecordRef
from tests.gateway.house import HERO, LI, NAME, opened


async def test_its_cards_go_nobody_edits_it_and_its_past_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "east", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("east"))
        edits = await live.rows("edit")
        await live.crm.delete(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert [each for each in live.cards("east") if NAME in str(each.card)] == []
        assert HERO not in live.s.records.names.within(NAME, 10)
        status, _ = await live.try_submit(LI, "east", form, {"phone": "+86 512 6288 1001"})
        await live.settle()
        assert status == 200 and await live.rows("edit") == edits, "nothing is edited, nothing is cleared"
        assert await live.s.ledger.history(HERO, "phone")
        assert await live.rows("outbox") == 0

        await live.crm.restore(RecordRef.parse(HERO), "wang.min")
        await live.settle()
        assert HERO in live.s.records.names.within(NAME, 10)
