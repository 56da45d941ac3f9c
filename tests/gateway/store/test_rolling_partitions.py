"""The tables that docs/scaling.md has an operator partition, with the statements it prints."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.store import migrate
from gateway.store.backup import take
from gateway.store.connect import address
from tests.engines.postgresql import Postgresql
from tests.gateway.store.outside import look, outside
from tests.gateway.store.world import World

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scaling.md"


def statements() -> str:
    found = re.search(r"^```sql\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


async def test_a_ledger_whose_tables_are_partitioned_works_as_before(postgresql: Postgresql, tmp_path: Path) -> None:
    url = postgresql.fresh()
    first = World.open(url)
    await first.vault.check(first.store)
    await first.ledger.ingest(first.edit("before"))
    await first.store.close()
    with outside(url) as connection:
        connection.exec_driver_sql(statements().replace("%", "%%"))
    migrate.prepare(address(url))
    world = World.open(url)
    world.clock.at += 1_000_000
    for n in range(20):
        await world.ledger.ingest(world.edit(n, record=f"local:account:{n % 7}", once=f"after-{n}"))
    again = await world.ledger.ingest(world.edit(3, record="local:account:3", once="after-3"))
    assert not again.first
    assert len(await world.ledger.claim("local", world.clock.at)) > 0
    state = await world.ledger.state("local:account:acme", "phone")
    assert state is not None and state.value == "before"
    assert await world.ledger.verify() is None
    await world.store.close()
    assert look(url, "SELECT count(*) FROM inbox")[0] == 21
    assert look(url, "SELECT count(DISTINCT tableoid) FROM inbox")[0] > 4
    assert take(url, tmp_path / "b", {}).rows["store"]["inbox"] == 21
