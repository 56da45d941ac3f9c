"""Each benchmark runs at a size that says nothing: it must not rot. No figure of it is looked at."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError

import pytest

from benchmarks.common import table
from benchmarks.float.measure import Engines
from benchmarks.store import bench, bench_pages, bulk
from benchmarks.store.bench import KEY, Ours, paced
from benchmarks.store.raw import Raw, captured
from gateway.store.engine import Store
from gateway.store.vault import Vault


async def test_edits_beside_raw_rows(tmp_path: Path) -> None:
    ours = Ours(f"sqlite:///{tmp_path}/ours.db")
    rate, times = await paced(ours.one, 4, 0.2)
    raw = Raw(tmp_path / "ours.db", tmp_path / "raw.db", captured(tmp_path / "ours.db"))
    also, _ = await paced(raw.one, 4, 0.2)
    await raw.close()
    await ours.close()
    assert rate > 0 and also > 0 and times == sorted(times)


async def test_a_loaded_ledger_is_edited_like_any_other(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/many.db")
    heads = await asyncio.to_thread(bulk.load, store._writing, 1000, Vault(KEY), 20)
    await store.close()
    ours = Ours(f"sqlite:///{tmp_path}/many.db", heads)
    for _ in range(20):
        await ours.one()
    last = await ours.ledger.history(ours.records[0], "phone", limit=1)
    await ours.close()
    assert len(heads) == 20
    assert last[0].n == bulk.PER_FIELD + 1
    assert last[0].reason == "causal"


async def test_a_long_ledger_beside_raw_in_one_as_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "RECORDS", 300)  # more than edit at once: each sees what stands
    monkeypatch.setattr(bench, "SETTLED_S", 0)
    heads, weighs = await bench.loaded(f"sqlite:///{tmp_path}/many.db", 300 * bulk.PER_FIELD)
    long = await bench.Long.on_sqlite(tmp_path, heads)
    rows = await bench.grown(long, len(heads), 1, 0.1)
    await long.close()
    assert [row[1:3] for row in rows] == [
        [pages, waiting] for pages in ("cold", "warm") for waiting in (f"{bench.RATE}/s", *bench.WAITING)
    ]
    assert all(len(row) == len(bench.LONG) for row in rows)
    assert "bytes an edit" in weighs


async def test_the_pages_an_edit_writes_are_those_of_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_pages, "SECONDS", 0.1)
    monkeypatch.setattr(bench_pages, "RECORDS", 200)  # more than edit at once: each sees what stands
    pages = await bench_pages.written(tmp_path / "ledger.db", 200 * bulk.PER_FIELD)
    assert {"inbox", "edit", "decision", "value", "field_state", "outbox", "edit_field"} <= pages.keys()
    assert "free" not in pages


def test_a_signed_event_is_taken_by_every_server_and_a_message_floats_its_card(tmp_path: Path) -> None:
    from benchmarks.wire import load
    from benchmarks.wire.bench import servers
    from benchmarks.wire.bodies import write

    with servers(["yardstick-uvloop", "bolt", "nonebot", "ours-sqlite"]) as found:
        for server in found:
            plan = server.plan
            write(tmp_path / "bodies", plan.kind, 20)
            result = asyncio.run(load._python(plan.port, plan.target, tmp_path / "bodies", 5.0))
            assert (result.requests, result.wrong) == (20, 0), plan.name
    assert len(found) == 4


def test_a_message_floats_its_card() -> None:
    from benchmarks.float.measure import Texts, drained, gateway
    from benchmarks.float.pace import send

    with gateway(20) as running:
        texts = Texts(20).some(4)
        told = asyncio.run(send(running.port, texts, 20))
        seen = drained(running, len(texts))
    assert set(seen) == set(told.due)
    assert told.wrong == 0


@pytest.mark.parametrize("engines", ["sqlite", "postgresql"])
def test_a_message_floats_its_card_behind_a_longer_past(engines: Engines) -> None:
    from benchmarks.float.bench import HEAD
    from benchmarks.float.bench_engines import both
    from benchmarks.float.measure import Texts, prepared

    with prepared(40, engines) as place:
        if place is None:
            pytest.skip("the wheel is missing")
        found = both(place, Texts(40, 4), (10,), 0.5, 10, 3)
    assert [(each[0], each[4]) for each in found] == [("10", "5 of 5"), ("30", "5 of 5")]
    assert all(len(each) == len(HEAD) + 1 for each in found)


def test_every_message_floats_a_card_in_ours_and_in_those_beside_it() -> None:
    from benchmarks.float.beside import BARE, BOLT, HEAD, OURS, beside

    rows = beside(rates=(10, 20), seconds=0.3, rounds=1, customers=20, rooms=4)
    assert [(row[1], row[0]) for row in rows] == [(rate, name) for rate in (10, 20) for name in (BARE, BOLT, OURS)]
    assert [row[4:6] for row in rows] == [("3 of 3", 0)] * 3 + [("6 of 6", 0)] * 3
    assert all(len(row) == len(HEAD) and 0 < row[2] <= row[3] for row in rows)


def test_edits_beside_messages_are_answered_and_are_in_the_ledger() -> None:
    from benchmarks.float.bench_edits import EDITS_A_SECOND, HEAD, rows

    ((_, cards, *_, sent, well, there, _, _, worst),) = rows(20, 4, [10], 0.5)
    assert (cards, sent, well, there) == ("5 of 5", EDITS_A_SECOND / 2, EDITS_A_SECOND / 2, EDITS_A_SECOND / 2)
    assert isinstance(worst, float)
    assert len(HEAD) == 10


def test_what_is_posted_beside_ours_is_the_card_of_ours() -> None:
    from benchmarks.float.beside import card
    from benchmarks.float.measure import Texts, asked, drained, gateway, poster
    from benchmarks.float.pace import send
    from benchmarks.wire.servers import TARGETS

    with gateway(20) as ours:
        shown = card(ours, Texts(20, 4))
    assert shown["blocks"]
    for module, target in (("bare", "yardstick"), ("bolt", "bolt")):
        with poster(f"benchmarks.float.{module}", TARGETS[target], shown) as running:
            told = asyncio.run(send(running.port, [("Good morning", "C0ROOM0003")], 1, running.target))
            assert set(drained(running, 1)) == set(told.due), module
            posted = asked(running, "card")
        assert posted["channel"] == "C0ROOM0003"
        assert {key: posted[key] for key in shown} == shown, module


def test_ours_starts_and_rests_beside_the_others() -> None:
    from benchmarks.start.beside import AGAIN, FIRST, HEAD, OTHERS, beside
    from benchmarks.wire.servers import WHAT

    with beside(rest=0) as others:
        others.round()
    rows = others.rows()
    assert [row[0] for row in rows] == [*(WHAT[name] for name in OTHERS), FIRST, AGAIN]
    assert rows[0][2] == rows[0][4] == 1.0
    assert all(len(row) == len(HEAD) and row[1] > 0 and row[3] > 1 for row in rows)


def test_a_start_ends_only_with_an_answer_to_a_signed_event(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.start import beside
    from benchmarks.wire.servers import planned

    monkeypatch.setattr(beside, "PATIENCE_S", 0)
    monkeypatch.setattr(beside, "one", lambda kind: ({"X-Slack-Signature": "v0=forged"}, b"{}"))
    with ExitStack() as opened:
        plan = planned("yardstick", opened)
        assert plan is not None
        with pytest.raises(HTTPError, match="401"):
            beside.start(plan, 0)


def test_what_lies_between_an_event_and_its_handler() -> None:
    from benchmarks.wire.inside import overhead

    assert overhead(count=64, rounds=1) > 0


def test_a_table_reads_as_markdown() -> None:
    assert table(["a", "b"], [[1.234, 1200]]) == "| a | b |\n| --- | --- |\n| 1.23 | 1,200 |"
