"""The CRM's feed: nothing of it is passed over, and nothing in it stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.model import Record, RecordRef
from gateway import sweep
from gateway.errors import Refused, Retry
from tests.gateway.house import HERO, LI, Live, opened

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


async def refused(ref: RecordRef) -> Record:
    raise Refused("Reconnect the CRM.")


async def looked_at(live: Live, times: int) -> None:
    for _ in range(times):
        live.clock.ahead(hours=2)
        await live.house.schedule.once()


async def test_a_webhook_does_not_stand_in_for_the_read_that_is_owed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed has gone on past the record: nobody else reads it."""
    async with opened(tmp_path) as live:
        await live.settle()
        await live.natively("city", "昆山")
        monkeypatch.setattr(sweep.Sweep, "_observe", unanswered)
        monkeypatch.setattr(sweep, "PATIENCE_MS", 0)
        await live.house.sweeps["local"].once()
        monkeypatch.undo()
        assert await live.rows("due", "kind = 'held'") == 1
        await sweep.heard(live.s, [RecordRef.parse(HERO)])
        monkeypatch.setattr(live.crm, "get", refused)
        await looked_at(live, 8)
        assert await live.rows("due", "kind = 'held'") == 1, "the webhook's is dropped, the other is not"
        monkeypatch.undo()
        assert await live.value("city") != "昆山"
        await looked_at(live, 1)
        assert await live.value("city") == "昆山"
        assert await live.rows("due", "kind = 'held'") == 0


async def unanswered(*_: object) -> bool:
    """A write of ours to that record is."""
    return False


@pytest.mark.parametrize("moods", [(Refused("no"),) * 5, (Retry(1.0, "down"), Refused("no"), Refused("no"))])
async def test_what_a_webhook_named_is_asked_for_again_when_the_crm_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moods: tuple[Exception, ...]
) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await live.natively("city", "昆山")
        await sweep.heard(live.s, [RecordRef.parse(HERO)])
        for mood in moods:

            async def get(ref: RecordRef, mood: Exception = mood) -> Record:
                raise mood

            monkeypatch.setattr(live.crm, "get", get)
            await looked_at(live, 1)
            assert await live.rows("due", f"key = 'hook:{HERO}'") == await live.rows("due", "kind = 'held'") == 1
        monkeypatch.undo()
        await looked_at(live, 1)
        assert await live.value("city") == "昆山"
        assert await live.rows("due", "kind = 'held'") == 0
