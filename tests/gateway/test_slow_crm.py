"""A CRM so slow that a claim could run out under it: what could not be begun in time goes back, and is not in doubt."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from crm.model import Absent, Record, RecordRef
from gateway import schedule, writeback
from gateway.store.due import Due
from gateway.sweep import heard
from tests.gateway.house import LI, opened
from tests.gateway.moody import Crm
from tests.gateway.test_edits import ONE, floated


async def test_what_could_not_be_begun_in_time_waits_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        outbox = live.house.writebacks["local"]
        monkeypatch.setattr(writeback, "IN_ONE_GO_S", -1.0)
        assert await outbox.once() == 1
        assert (live.crm.writes, await live.rows("outbox", "state = 'waiting' AND lease = 0")) == (0, 1)
        monkeypatch.undo()
        assert await outbox.once() == 1
        assert (live.crm.writes, await live.there("phone")) == (1, ONE)


async def test_many_records_to_be_read_in_a_slow_crm_keep_nothing_else_that_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = asyncio.Event()

    async def get(self: Crm, ref: RecordRef) -> Record:
        await answers.wait()
        raise Absent("The CRM has no customer {record}.", record=ref.key)

    async with opened(tmp_path) as live:
        await live.settle()
        monkeypatch.setattr(Crm, "get", get)
        monkeypatch.setattr(schedule, "_AT_HAND_S", 0.01)
        refs = [RecordRef("local", "account", f"x{n}") for n in range(300)]
        await heard(live.s, refs)
        live.clock.ahead(seconds=1)
        now = live.clock.now()
        await live.s.due.put(Due("later", "staged", now, {"kind": "direct"}))
        await live.house.schedule.once()
        assert await live.rows("due", "key = 'later'") == 0, "three hundred are before it, and the CRM says nothing"
        assert await live.rows("due", "kind = 'held'") == 300
        assert live.house.schedule._reading is not None and not live.house.schedule._reading.done()
        answers.set()
        async with asyncio.timeout(30):
            while await live.rows("due", "kind = 'held'"):
                await live.house.schedule.once()
