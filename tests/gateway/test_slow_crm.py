"""A CRM so slow that a claim could run out under it: what could not be begun in time goes back, and is not in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import writeback
from tests.gateway.house import LI, opened
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
