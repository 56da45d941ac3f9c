"""The edits of a field are found whichever spans of the ledger they came in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect

from gateway.clock import SystemClock
from gateway.store import spans, sql
from gateway.store.console import ConsoleStore
from gateway.store.erasing import EraseStore
from gateway.store.pasts import Pasts, Range, Scope, fields
from tests.gateway.store import earlier
from tests.gateway.store.outside import look, outside, tamper
from tests.gateway.store.world import ACME, NOBODY, World

ASTRAY = "its edit is in a span its field knows nothing of"
FIELDS = ("phone", "tier", "owner")
EDITS = 60


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "LENGTH", 4)


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    """Of one customer, whose edits are of one chain: a hand's breadth of every field in each span."""
    opened = World.open(store_url, targets=NOBODY)
    heads: dict[str, tuple[str, ...]] = {}
    for n in range(EDITS):
        name = FIELDS[n % len(FIELDS)]
        done = await opened.ledger.ingest(
            opened.edit(f"{name} {n}", name=name, seen=heads.get(name, ()), who=f"p{n % 7}")
        )
        heads[name] = done.heads
    yield opened
    await opened.store.close()


def stand(url: str) -> list[int]:
    """The spans that there are edits in."""
    with outside(url) as connection:
        return [row[0] for row in sql.ask(connection, "SELECT DISTINCT span FROM edit ORDER BY span")]


async def values(world: World, name: str, page: int) -> list[Any]:
    """Of the whole history, read in pages."""
    found: list[Any] = []
    before = None
    while rows := await world.ledger.history(ACME, name, page, before):
        found += [row.edit.value for row in rows]
        before = rows[-1].n
    return found


async def test_edits_stand_in_the_spans_they_came_in(world: World, store_url: str) -> None:
    sqlite = store_url.startswith("sqlite")
    assert stand(store_url) == (list(range(1, 2 + EDITS // 4)) if sqlite else [0])
    if sqlite:
        its = look(store_url, "SELECT spans FROM field_state WHERE field = 'tier'")[0]
        assert its == "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]"


@pytest.mark.parametrize("page", [1, 7, 50])
async def test_a_history_goes_on_from_span_to_span(world: World, page: int) -> None:
    for at, name in enumerate(FIELDS):
        assert await values(world, name, page) == [f"{name} {n}" for n in range(at, EDITS, 3)][::-1]


async def test_what_stood_before_an_edit_may_be_in_another_span(world: World) -> None:
    rows = await world.ledger.history(ACME, "tier")
    for row, older in pairwise(rows):
        before = await world.ledger.before(ACME, "tier", row.edit.edit)
        assert before is not None
        assert before.value == older.edit.value


async def test_who_says_nothing_of_what_they_saw_follows_their_own_last_edit(world: World) -> None:
    told = await world.ledger.history(ACME, "phone")
    own = next(row for row in told if row.edit.actor == "p3")
    assert told.index(own) > 1, "others edited since"
    await world.ledger.ingest(world.edit("again", who="p3", seen=None))
    newest = (await world.ledger.history(ACME, "phone", 1))[0]
    assert newest.parents == (own.edit.edit,)


async def test_a_long_disagreement_is_decided_from_the_edits_of_every_span(world: World) -> None:
    """Whoever names an edit that is long not the newest has the whole history looked at."""
    first = (await world.ledger.history(ACME, "owner"))[-1].edit.edit
    done = await world.ledger.ingest(world.edit("beside", name="owner", parents=frozenset({first}), seen=None, who="z"))
    assert len(done.heads) == 2
    assert await world.ledger.verify() is None


async def test_the_console_and_an_erasure_count_all_of_a_customers_edits(world: World) -> None:
    console = ConsoleStore(world.store)
    assert await console.audit_count(record=ACME) == EDITS
    assert len(await console.of_record(ACME, None, 100)) == EDITS
    weight = await EraseStore(world.store, world.vault, SystemClock()).erase(ACME, "p1")
    assert weight is not None
    assert weight.edits == EDITS


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_ledger_from_before_there_were_spans_goes_on(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/a.db" if engine == "sqlite" else request.getfixturevalue("postgresql").fresh()
    earlier.load(url, "0001")
    world = World.open(url, targets=NOBODY)
    old = [row.n for row in await world.ledger.history(ACME, "f1")]
    assert len(old) > 3
    world.clock.at += 10**9
    for n in range(20):
        await world.ledger.ingest(world.edit(f"new {n}", name="f1", seen=None, once=f"new-{n}"))
    found = [row.n for row in await world.ledger.history(ACME, "f1")]
    assert found == list(range(len(old) + 20, 0, -1))
    assert await world.ledger.verify() is None
    await world.store.close()
    with outside(url) as connection:
        index = next(each for each in inspect(connection).get_indexes("edit") if each["name"] == "edit_field")
    sqlite = engine == "sqlite"
    assert index["column_names"] == (["span", "record", "field", "n"] if sqlite else ["record", "field", "n"])
    assert index["unique"]
    assert stand(url)[0] == 0
    assert (len(stand(url)) > 3) is sqlite


@pytest.mark.parametrize("by", [1, -1, 40])
async def test_an_edit_in_a_span_that_is_not_its_own_is_a_fault_or_makes_no_difference(
    world: World, store_url: str, by: int
) -> None:
    if store_url.startswith("postgresql"):
        assert stand(store_url) == [0]
        return  # nobody looks at it there
    before = [row.n for row in await world.ledger.history(ACME, "tier")]
    assert tamper(store_url, "UPDATE edit SET span = span + ? WHERE field = 'tier' AND n = 7", by) == 1
    fault = await world.ledger.verify()
    after = [row.n for row in await world.ledger.history(ACME, "tier")]
    assert (fault is None) is (after == before)
    assert by != 40 or fault is not None


@pytest.mark.parametrize("said", ["[0]", "[0,1,2,3]", "[", "{}", "7", '["0","1"]', '{"0":0,"1":1}'])
async def test_a_field_that_does_not_know_where_its_edits_are_is_a_fault(
    world: World, store_url: str, said: str
) -> None:
    if store_url.startswith("postgresql"):
        assert stand(store_url) == [0]
        return  # it is not asked there
    assert tamper(store_url, "UPDATE field_state SET spans = ? WHERE field = 'tier'", said) == 1
    fault = await world.ledger.verify()
    assert fault is not None
    garbled = not re.fullmatch(r"\[[\d,]+\]", said)
    assert fault.what == ("its field does not say in which spans it has edits" if garbled else ASTRAY)


async def test_edits_of_a_field_are_searched_for_in_its_spans_and_read_in_their_order(
    world: World, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: dict[str, list[str]] = {}
    plain = sql.ask

    def ask(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        if " edit e " in text and "field_state s" in text:
            plans[text] = [str(row[-1]) for row in plain(connection, f"EXPLAIN QUERY PLAN {text}", parameters)]
        return plain(connection, text, parameters)

    monkeypatch.setattr(sql, "ask", ask)
    oldest = (await world.ledger.history(ACME, "tier", 50))[-1].edit.edit
    await world.ledger.ingest(world.edit("own last", name="tier", seen=None, who="p1"))
    await world.ledger.ingest(world.edit("all of them", name="tier", seen=None, parents=frozenset({oldest})))
    if store_url.startswith("postgresql"):
        assert plans == {}, "no other table is asked for where edits are"
        return
    assert len(plans) == 3
    assert not any("TEMP B-TREE" in step for plan in plans.values() for step in plan), plans
    pasts = Pasts(store_url)
    with pasts.look() as connection:
        for part in (Range("a", "z"), Range("a"), Range(records=(ACME,))):
            told = list(fields(connection, world.vault, Scope(FIELDS, part.records, 0), part))
            assert sum(len(each.edits) for each in told) == EDITS + 2
            assert all(len(each.values()) == len(each.edits) for each in told)
    pasts.close()
    assert len(plans) == 7
    for plan in plans.values():
        assert "SEARCH e USING INDEX edit_field (span=? AND record=? AND field=?)" in plan, plans
