"""What grows stays flat over a year; what must be remembered is; the ledger keeps everything and verifies."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import text as sql_text

from gateway.config import check
from gateway.retention import Retention
from gateway.store import aging
from tests.gateway.house import HERO, LI, NAME, Live, configured, opened

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
SPANS, DAYS = (52, 7) if SOAK else (24, 15)
"""A year, in so many spans of so many days."""
EACH = 20 if SOAK else 2
"""Messages in a span; one edit beside them."""
GROWING = ("seen", "trail", "inbox", "outbox", "slot", "slot_record", "floated", "named", "job", "due", "owed")
LEDGER = ("edit", "decision", "value")
KEEP = '[retention]\nslots = "45d"\ninbox = "45d"\n'
DAY_H = 24


async def a_span(live: Live, number: int) -> None:
    for _ in range(EACH):
        live.clock.ahead(hours=DAYS * DAY_H / EACH)
        await live.say(LI, "deal", NAME)
        await live.settle()
    card = [each for each in live.cards("deal") if each.card["name"] == "customer"][-1]
    await live.submit(LI, "deal", await live.open_form(LI, card), phone=f"+86 512 6288 {1000 + number}")
    await live.settle()


async def sizes(live: Live, tables: tuple[str, ...]) -> dict[str, int]:
    return {table: await live.rows(table) for table in tables}


async def test_a_year_stays_flat_and_the_ledger_keeps_all(tmp_path: Path) -> None:
    seen: list[dict[str, int]] = []
    async with opened(tmp_path, extra=KEEP) as live:
        work = Retention(live.s)
        before = await sizes(live, LEDGER)
        for number in range(SPANS):
            await a_span(live, number)
            await work.once()
            seen.append(await sizes(live, GROWING))
        third, last = seen[SPANS // 3], seen[-1]
        for table in GROWING:
            assert last[table] <= third[table] + EACH, (table, [span[table] for span in seen])
        assert last["seen"] >= EACH, "what came in the last month is there"
        after = await sizes(live, LEDGER)
        assert all(after[table] >= before[table] + SPANS for table in LEDGER), "every edit of the year"
        assert await live.s.ledger.verify() is None
        assert len(await live.s.ledger.history(HERO, "phone", 1000)) >= SPANS
        assert await live.counted("floatcard_removed_total", what="names") > 0


async def test_what_comes_again_within_thirty_days_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=KEEP) as live:
        said = live.event("message", LI, "deal", message="m-old", text=NAME)
        assert (await live.post(said))[0] == 200
        await live.settle()
        form = await live.open_form(LI, live.card("deal"))
        body = {"data": form["data"], "values": {each["name"]: each["value"] for each in form["fields"]}}
        body["values"]["phone"] = "+86 512 6288 1111"
        body["tokens"] = {each["name"]: each["token"] for each in form["fields"]}
        edit = live.event("form", LI, "deal", message="", **body)
        assert (await live.post(edit))[0] == 200
        await live.settle()
        cards, decisions = len(live.cards("deal")), await live.rows("decision")
        live.clock.ahead(hours=29 * DAY_H)
        await Retention(live.s).once()
        for again in (said, edit):
            assert (await live.post(again))[0] == 200
        await live.settle()
        assert (len(live.cards("deal")), await live.rows("decision")) == (cards, decisions)
        await live.s.store.write(
            lambda connection, _: [connection.execute(sql_text("DELETE FROM seen"))] and [None], None
        )
        assert (await live.post(edit))[0] == 200
        await live.settle()
        assert await live.rows("decision") == decisions, "the ledger's own inbox knows it too"


COPIES = (
    "INSERT INTO outbox SELECT 'w-' || s, target, record, field, value, image, decision, heads, label, s, "
    "precondition, tries, 0, lease, owner, version, overwrote_unseen, why, 0 FROM outbox, (SELECT 'waiting' AS s UNION "
    "SELECT 'sent' UNION SELECT 'refused' UNION SELECT 'done') LIMIT 4"
)
"""An ancient write in each state."""
GONE = (
    "INSERT INTO outbox SELECT 'w-gone', 'gone', record, field, value, image, decision, heads, label, state, "
    "precondition, tries, 0, lease, owner, version, overwrote_unseen, why, 0 FROM outbox WHERE id = 'w-done'"
)


async def test_what_is_still_of_use_stays_however_old(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=KEEP) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("deal"))
        await live.submit(LI, "deal", form, phone="+86 512 6288 1111")
        await live.settle()
        await live.s.store.write(lambda connection, _: [connection.execute(sql_text(COPIES))] and [None], None)
        await live.s.store.write(lambda connection, _: [connection.execute(sql_text(GONE))] and [None], None)
        await live.s.mirror.advance("gone", "", 0)
        assert await live.rows("outbox", "id LIKE 'w-%'") == 5
        live.clock.ahead(hours=44 * DAY_H)
        await Retention(live.s).once()
        kept = [
            state for state in ("waiting", "sent", "refused", "done") if await live.rows("outbox", f"id = 'w-{state}'")
        ]
        assert kept == ["waiting", "sent", "refused"]
        assert not await live.rows("outbox", "target = 'gone'"), "of a CRM that is configured no more"
        assert len(live.cards("deal")) == await live.rows("slot", "message IS NOT NULL AND purpose = 'card'") == 1


async def test_an_edit_whose_job_is_parked_is_known_for_as_long_as_that_may_be_replayed(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=KEEP) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        form = await live.open_form(LI, live.card("deal"))
        await live.submit(LI, "deal", form, phone="+86 512 6288 1111")
        await live.settle()
        parked = sql_text(
            "INSERT INTO job (topic, lane, once, body, tries, starts, state, why, at) "
            f"VALUES ('event', 'press:1', 'p-1', x'', 5, 0, 'parked', 'KeyError', {live.clock.now()})"
        )
        await live.s.store.write(lambda connection, _: [connection.execute(parked)] and [None], None)
        answers = await live.rows("inbox")
        live.clock.ahead(hours=300 * DAY_H)
        await Retention(live.s).once()
        assert await live.rows("inbox") == answers > 0
        live.clock.ahead(hours=66 * DAY_H)
        for _ in range(2):  # the hour after nothing is parked any more
            await Retention(live.s).once()
        assert (await live.rows("job"), await live.rows("inbox")) == (0, 0)


async def test_it_goes_in_small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aging, "BATCH", 3)
    breaths: list[float] = []

    async def breath(wait: float) -> None:
        breaths.append(wait)

    async with opened(tmp_path) as live:
        for _ in range(10):
            await live.say(LI, "deal", "nothing in particular")
        await live.settle()
        steps = await live.rows("trail")
        live.clock.ahead(hours=31 * DAY_H)
        monkeypatch.setattr(asyncio, "sleep", breath)
        gone = await Retention(live.s).once()
        assert gone["trail"] == steps >= 10
        assert len(breaths) >= -(-steps // 3)
        assert await live.rows("trail") == 0


def test_less_than_thirty_days_is_refused(tmp_path: Path) -> None:
    path = configured(tmp_path, "http://127.0.0.1:1", '[retention]\ninbox = "29d"\nonce = "1d"\n')
    assert [key for _, key, _ in check(path)] == ["retention.once", "retention.inbox"]


async def test_marks_out_of_order_are_refused(tmp_path: Path) -> None:
    path = configured(tmp_path, "http://127.0.0.1:1", "[server]\nwaiting_cards = 9\nwaiting_alerts = 8\n")
    assert [key for _, key, _ in check(path)] == ["server.waiting"]
