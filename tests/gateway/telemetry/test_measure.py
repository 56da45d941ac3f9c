"""What is looked up for a scrape: true, rarely asked for, and never in the way."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, literal, select

from gateway import logs, measure, metrics
from gateway.bus.model import Delivery, Job
from gateway.errors import Retry
from gateway.measure import backlog
from gateway.only import Only
from gateway.store.backup import take
from gateway.store.due import LEASE_MS, REDRAW, Due, DueStore
from gateway.store.leases import LeaseStore
from gateway.store.measure import measured
from gateway.store.tables_ledger import absent, outbox
from tests.gateway.house import LI, NAME, Live, opened
from tests.gateway.moody import Crm
from tests.gateway.store.world import quick
from tests.gateway.telemetry.spans import kept
from tests.gateway.test_edits import both_edit


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "EVERY_S", 0.0)


@pytest.mark.usefixtures("always")
async def test_what_is_not_written_yet_is_counted_with_its_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert await live.counted("floatcard_outbox_rows") == 0
        monkeypatch.setattr(Crm, "mood", "down")
        await live.submit(LI, "deal", await live.open_form(LI, live.card("deal")), stage="won")
        await live.quiet()
        live.clock.ahead(minutes=3)
        assert await live.counted("floatcard_outbox_rows", crm="local", state="waiting") == 1
        assert await live.counted("floatcard_outbox_age_seconds", crm="local") == 180
        monkeypatch.setattr(Crm, "mood", "well")
        await live.settle()
        assert await live.counted("floatcard_outbox_age_seconds") == 0
        assert await live.counted("floatcard_swept_timestamp_seconds", crm="local") == live.clock.now() / 1000
        assert await live.counted("floatcard_calls_total", side="crm", method="apply", outcome="ok") > 0
        assert await live.counted("floatcard_calls_total", side="channel", method="send", outcome="ok") > 0


@pytest.mark.usefixtures("always")
async def test_conflicts_and_what_is_late_are_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await both_edit(live)
        assert await live.counted("floatcard_conflicts_open") == 1
        assert await live.counted("floatcard_due_overdue") == 0
        live.clock.ahead(hours=1)
        assert await live.counted("floatcard_due_overdue") >= 1
        assert await live.counted("floatcard_due_overdue_seconds") >= 3000
        assert await live.counted("floatcard_store_bytes") > 10_000
        assert await live.counted("floatcard_build_info", store="sqlite", bus="store") == 1


async def test_what_fails_again_and_again_is_late_though_it_is_held(store_url: str) -> None:
    store = quick(store_url)
    now, due = 1_000_000_000, DueStore(store)
    try:
        for kind in ("reminder", REDRAW):
            await due.put(Due(kind, kind, now, {}))
        for _ in range(3):
            assert {each.kind for each in await due.take(now)} == {"reminder", REDRAW}
            found = await measured(store, now)
            now += LEASE_MS
        assert (found.overdue, found.late) == (1, 120.0), "the reminder; all cards may take as long"
    finally:
        await store.close()


async def test_a_write_of_a_record_that_is_gone_has_no_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        monkeypatch.setattr(Crm, "mood", "down")
        await live.submit(LI, "deal", await live.open_form(LI, live.card("deal")), stage="won")
        await live.quiet()
        live.clock.ahead(minutes=3)
        store = live.house.services.store
        assert (await measured(store, live.clock.now())).oldest == {"local": 180.0}

        def gone(connection: Connection, items: Sequence[None]) -> list[None]:
            those = select(outbox.c.record, outbox.c.target, literal(1))
            connection.execute(absent.insert().from_select(["record", "target", "at"], those))
            return [None] * len(items)

        await store.write(gone, None)
        found = await measured(store, live.clock.now())
        assert found.oldest == {} and found.outbox == {("local", "waiting"): 1}


async def test_commits_that_the_store_does_not_take_are_counted(tmp_path: Path) -> None:
    store = quick(f"sqlite:///{tmp_path}/s.db")

    def counted() -> float:
        return metrics.REGISTRY.get_sample_value("floatcard_commits_failed_total", {"why": "full"}) or 0.0

    fault = sqlite3.OperationalError("database or disk is full")
    fault.sqlite_errorcode = sqlite3.SQLITE_FULL

    def broken(connection: Connection, items: Sequence[None]) -> list[None]:
        raise fault

    before = counted()
    try:
        for _ in range(2):
            with pytest.raises(Retry):
                await store.write(broken, None)
        assert counted() == before + 2
    finally:
        await store.close()


async def test_a_store_of_either_kind_tells_its_state(store_url: str) -> None:
    from gateway.store.engine import Store

    store = Store.open(store_url)
    try:
        found = await measured(store, 1_000)
        assert (found.outbox, found.oldest, found.overdue, found.late, found.conflicts) == ({}, {}, 0, 0.0, 0)
        assert found.bytes > 10_000
    finally:
        await store.close()


async def scrape(live: Live) -> float:
    return await live.counted("floatcard_store_up")


@pytest.mark.usefixtures("always")
async def test_a_store_that_is_away_or_hangs_keeps_no_scrape_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*given: Any) -> Any:
        raise Retry(1, "away")

    async def hangs(*given: Any) -> Any:
        await asyncio.sleep(3600)

    async def bug(*given: Any) -> Any:
        raise ValueError("a bug")

    monkeypatch.setattr(measure, "PATIENCE_S", 0.05)
    async with opened(tmp_path) as live:
        assert await scrape(live) == 1
        for broken in (away, bug, hangs):
            with monkeypatch.context() as patch, kept() as log:
                patch.setattr(measure, "measured", broken)
                assert (await scrape(live) == 0) or broken is bug
            assert bool(log.saying("could not be measured")) == (broken is bug)


@pytest.mark.usefixtures("always")
async def test_a_store_that_only_takes_long_to_count_is_not_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = asyncio.Event()

    async def slow(*given: Any) -> Any:
        await ends.wait()
        return await measured(*given)

    monkeypatch.setattr(measure, "PATIENCE_S", 0.05)
    async with opened(tmp_path) as live:
        await until_told(live, (1, 1))
        monkeypatch.setattr(measure, "measured", slow)
        for _ in range(3):
            ends.clear()
            assert await scrape(live) == 1, "it was asked just now"
            ends.set()
            await asyncio.sleep(0.3)
        ends.clear()
        await until_told(live, (0, 1))  # nor did it answer until it was asked again
        ends.set()


@pytest.mark.usefixtures("always")
async def test_a_queue_that_is_away_is_told_beside_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> tuple[int, int | None]:
        raise Retry(1, "away")

    async with opened(tmp_path) as live:
        assert await live.counted("floatcard_queue_up") == 1
        with monkeypatch.context() as patch:
            patch.setattr(live.s.bus, "aside", away)
            assert await live.counted("floatcard_queue_up") == 0
            assert await scrape(live) == 1
        assert await live.counted("floatcard_queue_up") == 1


@pytest.mark.usefixtures("always")
async def test_a_queue_or_a_store_that_hangs_is_not_taken_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*given: Any) -> Any:
        await asyncio.sleep(3600)

    monkeypatch.setattr(measure, "PATIENCE_S", 0.05)
    async with opened(tmp_path) as live:
        await until_told(live, (1, 1))
        monkeypatch.setattr(live.s.bus, "aside", hangs)
        await until_told(live, (1, 0))
        monkeypatch.setattr(measure, "measured", hangs)
        await until_told(live, (0, 0))


async def until_told(live: Live, wanted: tuple[float, float]) -> None:
    """Of the store and the queue, within some scrapes: what answers may be slower than this test's patience."""
    for _ in range(100):
        told = await live.counted("floatcard_store_up"), await live.counted("floatcard_queue_up")
        if told == wanted:
            return
    raise AssertionError(told)


@pytest.mark.usefixtures("always")
async def test_when_the_store_was_last_backed_up_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert await live.counted("floatcard_backup_timestamp_seconds") == 0
        before = time.time() - 1
        await asyncio.to_thread(take, live.s.config.store, tmp_path / "one.backup", {})
        assert await live.counted("floatcard_backup_timestamp_seconds") >= before


async def test_the_store_is_asked_once_for_many_scrapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def counted(store: Any, now: int) -> Any:
        asked.append(now)
        return await measured(store, now)

    monkeypatch.setattr(measure, "measured", counted)
    async with opened(tmp_path) as live:
        await asyncio.gather(*(scrape(live) for _ in range(8)))
        assert len(asked) == 1


def test_what_waits_is_told_by_class_of_lane() -> None:
    def waiting(lane: str, at: int) -> Delivery:
        return Delivery(1, Job("event", lane, lane, b""), 1, at=at)

    lanes = [("room:web/deal", 1_000), ("room:web/east", 4_000), ("press:x", 9_000), ("record:y", 5_000), ("odd", 0)]
    counts, ages = backlog([waiting(*each) for each in lanes], 10_000)
    assert counts == {"room": 2, "press": 1, "other": 2}
    assert ages == {"room": 9.0, "press": 1.0, "other": 5.0}


async def test_a_loop_that_is_kept_busy_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LAG_EVERY_S", 0.01)
    before = _sum(metrics.LOOP_LAG)
    task = asyncio.create_task(measure.watch_loop())
    await asyncio.sleep(0)
    time.sleep(0.2)  # what is to be noticed
    while _sum(metrics.LOOP_LAG) - before < 0.15:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _sum(histogram: Any) -> float:
    (family,) = histogram.collect()
    return float(next(each.value for each in family.samples if each.name.endswith("_sum")))


def _held(lease: str) -> float:
    (family,) = metrics.LEASE.collect()
    return sum(each.value for each in family.samples if each.labels["lease"] == lease)


async def test_a_lease_is_told_while_it_is_held(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        begun, over = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            begun.set()
            await over.wait()

        task = asyncio.create_task(Only(LeaseStore(live.s.store), "me").run("a test", work))
        await begun.wait()
        assert _held("a test") == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert _held("a test") == 0


async def test_ready_means_store_and_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> int:
        raise Retry(1, "away")

    async def status(live: Live) -> tuple[int, str]:
        async with live.session.get(f"{live.url}/readyz") as answer:
            return answer.status, (await answer.json())["status"]

    async with opened(tmp_path) as live:
        assert await status(live) == (200, "ready")
        with monkeypatch.context() as patch:
            patch.setattr(live.s.bus, "epoch", away)
            assert await status(live) == (503, "the queue does not answer")
        with monkeypatch.context() as patch:
            patch.setattr(live.s.due, "next_at", away)
            assert await status(live) == (503, "the store does not answer")
        assert await status(live) == (200, "ready")


# -- the process's own log


@pytest.fixture
def whole() -> Iterator[io.StringIO]:
    """The log as a process has it, and everything put back."""
    root, written = logging.getLogger(), io.StringIO()
    before = (list(root.handlers), root.level, sys.excepthook, threading.excepthook)
    logs.set_up("json", "INFO", "gateway-1", written)
    yield written
    logging.captureWarnings(False)
    root.handlers[:], sys.excepthook, threading.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])


def test_what_nobody_caught_is_a_line_without_its_message(whole: io.StringIO) -> None:
    def fails() -> None:
        raise ValueError("canary")

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    try:
        raise KeyError("canary")
    except KeyError as why:
        sys.excepthook(type(why), why, why.__traceback__)
    lines = [json.loads(each) for each in whole.getvalue().splitlines()]
    assert [each["error"][0]["type"] for each in lines] == ["ValueError", "KeyError"]
    assert {each["instance"] for each in lines} == {"gateway-1"} and "canary" not in whole.getvalue()
    assert all(each["level"] == "CRITICAL" and "fails" in str(each["error"]) for each in lines[:1])


def test_every_line_is_counted_by_its_level(whole: io.StringIO) -> None:
    before = metrics.LINES.labels("error")._value.get()
    logging.getLogger("floatcard.test").error("well")
    assert metrics.LINES.labels("error")._value.get() == before + 1


def test_hostile_text_is_one_line(whole: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("floatcard.test")
    # A report with a lone surrogate in it cannot leave a worker of the test run.
    ours = [each for each in logging.root.handlers if not type(each).__module__.startswith("_pytest")]
    monkeypatch.setattr(logging.root, "handlers", ours)
    log.warning("a name: %s", "x\ny\0\u202e\ud800 <script>")
    log.warning("with", extra={"crm": "x\ninjected", "record": "\ud800\0"})
    lines = [json.loads(each) for each in whole.getvalue().splitlines()]
    assert len(lines) == 2 and lines[0]["says"] == "a name: x?y??? <script>" and lines[1]["crm"] == "?"
