"""Old and new programs side by side on one database, while and after it is migrated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect

from gateway.store import migrate, sql
from gateway.store.connect import address
from gateway.store.lasting import APPEND_ONLY
from gateway.store.schema import complete
from tests.engines.postgresql import Postgresql
from tests.gateway.store.earlier import earlier, load, row
from tests.gateway.store.older import columns
from tests.gateway.store.outside import look, outside
from tests.gateway.store.world import World

ROOT = Path(__file__).resolve().parents[3]
OLD = migrate.RELEASED


class Gateway:
    """A process that edits. `acknowledged` once it has ended."""

    def __init__(self, url: str, name: str, *schema: str) -> None:
        command = [sys.executable, "-m", "tests.gateway.store.older", url, name, *schema]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
        )
        self.acknowledged: list[str] = []

    def ready(self) -> Gateway:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def edits(self, count: int) -> None:
        """Waits until it was acknowledged that many more."""
        assert self._process.stdout is not None
        self.acknowledged += [self._process.stdout.readline().strip() for _ in range(count)]

    def stop(self) -> list[str]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self.acknowledged += self._process.stdout.read().split()
        assert self._process.wait(30) == 0
        self._process.stdout.close()
        return self.acknowledged


async def test_the_old_ones_edit_on_while_a_new_one_migrates_and_edits_beside_them(postgresql: Postgresql) -> None:
    url = postgresql.fresh()
    load(url, OLD)
    before = look(url, "SELECT count(*) FROM edit")[0]
    old = [Gateway(url, "old-1", OLD), Gateway(url, "old-2", OLD)]
    for each in old:
        each.ready().edits(10)
    assert look(url, "SELECT version_num FROM alembic_version")[0] == OLD
    new = Gateway(url, "new-1").ready()
    assert look(url, "SELECT version_num FROM alembic_version")[0] == migrate.head()
    for each in (*old, new):
        each.edits(20)
    acknowledged = old[0].stop()
    again = Gateway(url, "old-1-again", OLD).ready()  # one that crashed may come back before it is replaced
    again.edits(10)
    for each in (old[1], new, again):
        acknowledged += each.stop()
    assert all(acknowledged) and len(acknowledged) > 80
    with outside(url) as connection:
        edits = [one[0] for one in sql.ask(connection, "SELECT id FROM edit")]
        inbox = [one[0] for one in sql.ask(connection, "SELECT edit FROM inbox")]
        decided = [one[0] for one in sql.ask(connection, "SELECT cause_edit FROM decision WHERE cause = 'edit'")]
    assert len(edits) == before + len(acknowledged)
    assert set(acknowledged) <= set(edits)
    assert sorted(inbox) == sorted(edits)
    assert all(decided.count(edit) == 1 for edit in acknowledged)
    world = World.open(url)
    assert await world.ledger.verify() is None
    await world.store.close()


LASTING = (*APPEND_ONLY, "subject_key", "shard_head")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("number", earlier())
def test_every_table_takes_what_an_old_program_writes_and_reads(
    number: str, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/a.db" if engine == "sqlite" else request.getfixturevalue("postgresql").fresh()
    migrate.prepare(address(url))
    with outside(url) as connection:
        if migrate.reads(connection) > number:  # a program of then is refused by now: the database says so itself
            said = sql.first(connection, "SELECT value FROM floatcard_meta WHERE key = ?", (migrate.READS,))[0]
            assert engine == "sqlite" and said > number
            return
        for name, known in columns(number).items():
            values = row(complete().tables[name], 9)
            text = f"INSERT INTO {name} ({', '.join(known)}) VALUES ({', '.join('?' * len(known))})"
            assert sql.change(connection, text, [values[column] for column in known]) == 1, name
            assert sql.ask(connection, f"SELECT {', '.join(known)} FROM {name}"), name
            if name in LASTING:
                continue  # no program ever changed or removed a row of it
            assert sql.change(connection, f"UPDATE {name} SET {known[-1]} = {known[-1]}") >= 1, name
            assert sql.change(connection, f"DELETE FROM {name}") >= 1, name


def test_what_old_programs_read_whole_rows_of_has_no_column_more(postgresql_url: str) -> None:
    """Those of schema 0001 asked for `*` of a field's state, and took its columns as they came."""
    with outside(postgresql_url) as connection:
        there = [column["name"] for column in inspect(connection).get_columns("field_state")]
    assert there == columns("0001")["field_state"]
