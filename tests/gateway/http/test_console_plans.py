"""No page of the console reads a table that grows from one end to the other, nor asks more the longer the lists are.

The pages are those of the console's own routes; how long they take with 100,000 customers is `benchmarks/console`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from benchmarks.console.made import FULL, SMALL, Sizes
from benchmarks.console.pages import addresses, of
from benchmarks.console.seed import seed
from gateway.app import open_house
from gateway.clock import ShiftedClock
from gateway.demo.people import settle_in
from gateway.demo.run import prepare
from gateway.http.console import Console
from gateway.store import sql
from tests.engines import postgresql as postgresql_
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.world import World, open_world

GROWING = (
    *("mirror", "edit", "decision", "value", "subject_key", "field_state", "conflict", "outbox", "inbox", "rendering"),
    *("alert", "slot", "slot_record", "floated", "trail", "audit", "job", "seen", "choice", "member", "account"),
)
WHOLE = {
    ("member", "/console"): "whom nobody is linked to is found by looking at every member once",
    ("account", "/console"): "the same of who spoke",
    ("member", "/console/identities"): "the same",
    ("account", "/console/identities"): "the same",
    ("alert", "/console/alerts"): "counted by state, from the index alone",
    ("slot", "/console/rooms/stages"): "counted by room, from the index alone",
    ("conflict", "/console/customers"): "of the open ones, each customer once",
}
"""What is read whole nevertheless, and why that may be."""
MOST = 300
"""Statements of one page: 50 rows at most, each with what is known of its customer, five or six of them."""
LOOKS = 20
"""What the gateway does besides is heard as well: a page that seems to ask too much is looked at again."""


@dataclass(slots=True)
class Heard:
    statements: int = 0
    plans: set[str] = field(default_factory=set)


_LISTENING: list[tuple[Sequence[Engine], Callable[[Any, str, Any], None]]] = []


@pytest.fixture(autouse=True, scope="module")
def _ear() -> Iterator[None]:
    """Put to every engine before there are any: a listener that comes or goes while another thread is asking breaks
    what it asks."""

    def executed(connection: Connection, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:
        for engines, noted in _LISTENING[-1:]:
            if statement.startswith("SELECT") and connection.engine in engines:
                noted(cursor, statement, parameters)

    event.listen(Engine, "before_cursor_execute", executed)
    yield
    event.remove(Engine, "before_cursor_execute", executed)


@contextmanager
def noting(engines: Sequence[Engine], noted: Callable[[Any, str, Any], None]) -> Iterator[None]:
    _LISTENING.append((engines, noted))
    try:
        yield
    finally:
        _LISTENING.pop()


@contextmanager
def listening(engines: Sequence[Engine], monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    heard, plain = Heard(), sql.ask

    def noted(cursor: Any, text: str, parameters: Any) -> None:
        heard.statements += 1
        for row in cursor.connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall():
            heard.plans.add(f"{row[3]} <- {' '.join(text.split())[:160]}")

    def ask(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        if text.startswith("SELECT"):
            noted(connection.connection.cursor(), text, parameters)
        return plain(connection, text, parameters)

    with monkeypatch.context() as patched, noting(engines, noted):
        patched.setattr(sql, "ask", ask)
        yield heard


def scanned(plans: set[str]) -> set[tuple[str, str]]:
    """Tables that are read from one end to the other, each with the statement."""
    found = set()
    for plan in plans:
        read = re.match(r"SCAN (\w+)", plan)
        named = read and re.search(rf"(?:FROM|JOIN) (\w+) (?:AS )?{read[1]}\b", plan.partition("<-")[2])
        for name in {read[1], named[1] if named else read[1]} if read else ():
            if name in GROWING and "LIMIT" not in plan:
                found.add((name, plan))
    return found


def may(table: str, path: str) -> bool:
    """The page itself, or one below it; below the overview is every other."""
    return any(
        table == each and (path == page or (page != "/console" and path.startswith(f"{page}/"))) for each, page in WHOLE
    )


async def furnish(folder: Path, sizes: Sizes, store: str = "") -> None:
    config = prepare(folder, 8300)
    house = await open_house(config.model_copy(update={"store": store or config.store}), ShiftedClock())
    await settle_in(house.services.people)
    await seed(house, sizes)
    await house.close()


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lived-in") / "house"
    asyncio.run(furnish(folder, SMALL))
    return folder


@pytest.fixture
async def busy(lived_in: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(Path(shutil.copytree(lived_in, tmp_path / "house"))) as opened:
        yield opened


async def looked_at(world: World) -> list[str]:
    s = world.house.services
    async with asyncio.timeout(60):  # a first start draws every card, which is not the pages'
        while await s.store.read(lambda connection: sql.ask(connection, "SELECT 1 FROM due WHERE kind = 'redraw'")):
            await asyncio.sleep(0.1)
    [case, *_] = await s.ledger.conflicts(limit=1)
    routes = Console(s, world.house.spine, world.tokens).routes()
    return addresses(routes, of("local:account:c41", "web/room00020", "p42", case.id, "vale", "pc-none"))


async def test_every_page_searches_and_asks_a_bounded_number_of_times(
    busy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    s, pages = busy.house.services, await looked_at(busy)
    engines, wrong, counts = [s.store._writing, *_reading(s.store)], list[str](), dict[str, int]()
    async with Visitor(busy) as visitor:
        await visitor.enter()
        for address in pages:
            for _ in range(LOOKS):
                with listening(engines, monkeypatch) as heard:
                    status, told, _ = await visitor.get(address)
                assert status == 200, (address, told)
                counts[address] = heard.statements
                path = address.partition("?")[0]
                wrong += [f"{address}: {plan}" for table, plan in scanned(heard.plans) if not may(table, path)]
                if heard.statements <= MOST:
                    break
                await asyncio.sleep(0.5)
    assert wrong == [], "\n".join(wrong)
    assert max(counts.values()) <= MOST, sorted(counts.items(), key=lambda each: -each[1])[:5]
    assert sum(count > 0 for count in counts.values()) > len(counts) / 2, "they were listened to"


def _reading(store: Any) -> list[Engine]:
    return [each for each in vars(store).values() if isinstance(each, Engine) and each is not store._writing]


def test_a_table_read_whole_is_found() -> None:
    assert scanned({"SCAN e <- SELECT e.id FROM edit e WHERE e.record > 'x'"})
    assert scanned({"SCAN mirror <- SELECT mirror.ref FROM mirror"})
    assert not scanned({"SEARCH edit USING INDEX edit_field (record=?) <- SELECT 1 FROM edit"})
    assert not scanned({"SCAN room <- SELECT key FROM room"})


# The same on PostgreSQL ---------------------------------------------------------------------------------------------

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
"""With 100,000 customers and the plans PostgreSQL chooses itself; else with few, and it may read a table from one end
to the other only where no index would do: of few rows it always would."""
LARGE = {"mirror", "edit", "decision", "value", "subject_key", "field_state", "trail", "audit", "seen", "slot", "job"}
"""Of those that grow; the others of `GROWING` are a few thousand rows in a deployment of that size."""


@contextmanager
def explaining(monkeypatch: pytest.MonkeyPatch, engines: Sequence[Engine]) -> Iterator[Heard]:
    heard, plain = Heard(), sql.ask

    def noted(cursor: Any, text: str, parameters: Any) -> None:
        heard.statements += 1
        driver = cursor.connection
        driver.execute(f"SET LOCAL enable_seqscan = {'on' if SOAK else 'off'}")
        [(told,)] = driver.execute(f"EXPLAIN (FORMAT JSON) {text}", parameters or None).fetchall()
        driver.execute("SET LOCAL enable_seqscan = on")
        for node in nodes(told[0]["Plan"]):
            if node.get("Relation Name") in LARGE and whole(node) and "LIMIT" not in text:
                heard.plans.add(f"{node['Node Type']} {node['Relation Name']} <- {' '.join(text.split())[:300]}")

    def ask(connection: Connection, text: str, parameters: Sequence[Any] = ()) -> list[Any]:
        if text.startswith("SELECT"):
            noted(connection.connection.cursor(), sql._spelt(text, "postgresql"), parameters)
        return plain(connection, text, parameters)

    with monkeypatch.context() as patched, noting(engines, noted):
        patched.setattr(sql, "ask", ask)
        yield heard


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def whole(node: dict[str, Any]) -> bool:
    """Read from one end to the other, be it through an index."""
    by_index = node["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    return node["Node Type"] == "Seq Scan" or by_index


async def test_no_page_reads_a_large_table_from_end_to_end_on_postgresql(
    postgresql: postgresql_.Postgresql, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(tmp_path / "house", FULL if SOAK else SMALL, postgresql_url)
    async with open_world(tmp_path / "house", store=postgresql_url) as world:
        await world.house.services.store.write(_analyzed, None)
        engines, wrong, asked = _engines(world.house.services.store), list[str](), 0
        pages = await looked_at(world)
        async with Visitor(world) as visitor:
            await visitor.enter()
            for address in pages:
                with explaining(monkeypatch, engines) as heard:
                    status, told, _ = await visitor.get(address)
                assert status == 200, (address, told)
                asked += heard.statements
                path = address.partition("?")[0]
                wrong += [
                    f"{address}: {plan}" for plan in heard.plans if not may(plan.split(" <- ")[0].split()[-1], path)
                ]
    assert wrong == [], "\n".join(wrong)
    assert asked > len(pages), "they were listened to"


def _engines(store: Any) -> list[Engine]:
    return [each for each in vars(store).values() if isinstance(each, Engine)]


def _analyzed(connection: Connection, items: Sequence[None]) -> list[None]:
    connection.exec_driver_sql("ANALYZE")
    return [None] * len(items)
