from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from psycopg.errors import DeadlockDetected
from sqlalchemy import Column, Connection, Index, Integer, MetaData, Text, inspect
from sqlalchemy.exc import OperationalError

from gateway.errors import Misconfigured
from gateway.store import migrate, sql
from gateway.store.connect import address
from gateway.store.engine import Store
from gateway.store.schema import complete
from gateway.store.tables_ledger import OPEN
from tests.engines.postgresql import Postgresql
from tests.gateway.store.earlier import earlier, load
from tests.gateway.store.outside import difference, look, outside, tamper
from tests.gateway.store.world import World


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/floatcard.db"
    server: Postgresql = request.getfixturevalue("postgresql")
    return server.fresh()


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Of every table but Alembic's and the one the migration signs."""
    with outside(url) as connection:
        names = sorted(set(inspect(connection).get_table_names()) - {"alembic_version", "floatcard_meta"})
        return {
            name: sorted((tuple(row) for row in sql.ask(connection, f"SELECT * FROM {name}")), key=repr)
            for name in names
        }


def test_every_released_schema_is_kept_with_its_rows() -> None:
    assert earlier() == [f"{n:04d}" for n in range(1, int(migrate.RELEASED) + 1)]


@pytest.mark.parametrize("number", earlier())
async def test_every_row_of_an_earlier_schema_survives(empty_url: str, number: str) -> None:
    load(empty_url, number)
    before = rows(empty_url)
    assert sum(map(len, before.values())) > 150
    assert all(before.values()), "a table of the fixture is empty"
    world = World.open(empty_url)
    await world.vault.check(world.store)
    assert await world.ledger.verify() is None
    state = await world.ledger.state("local:account:acme", "f2")
    assert state is not None
    assert "华星" in str(state.value)
    done = await world.ledger.ingest(world.edit("after", name="f2", seen=state.heads, once="after"))
    assert done.edit_id in done.heads
    assert await world.ledger.verify() is None
    await world.store.close()
    after = rows(empty_url)
    for name, there in before.items():
        assert len(after[name]) >= len(there), name
        kept = {row[: len(there[0])] for row in after[name]}
        moved = {
            "conflict",
            "field_state",
            "shard_head",
            "outbox",
            "rendering",
        }  # the edit above changed a row of these
        assert name in moved or kept >= set(there), name


@pytest.mark.parametrize("number", earlier())
def test_the_tables_are_those_of_an_empty_start(empty_url: str, number: str) -> None:
    load(empty_url, number)
    migrate.prepare(address(empty_url))
    assert look(empty_url, "SELECT version_num FROM alembic_version")[0] == migrate.head()
    with outside(empty_url) as connection:
        said = sql.first(connection, "SELECT value FROM floatcard_meta WHERE key = ?", (migrate.READS,))[0]
        assert said == migrate.reads(connection)
        assert difference(connection) == []


@pytest.mark.parametrize("number", ["0000", *earlier()])
def test_an_index_of_some_rows_holds_those_alone(tmp_path: Path, number: str) -> None:
    url = f"sqlite:///{tmp_path}/floatcard.db"
    if number != "0000":
        load(url, number)
    migrate.prepare(address(url))
    indexes = [index for table in complete().sorted_tables for index in table.indexes]
    some = {str(index.name) for index in indexes if index.dialect_options["sqlite"]["where"] is not None}
    assert "outbox_record" in some
    with outside(url) as connection:
        rows = sql.ask(connection, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'")
        assert {name for (name,) in rows} == some
        held = sql.ask(connection, "SELECT count(*) FROM outbox INDEXED BY outbox_record WHERE " + OPEN.said)
        assert held == sql.ask(connection, "SELECT count(*) FROM outbox NOT INDEXED WHERE " + OPEN.said)


@pytest.mark.parametrize("number", earlier())
def test_a_migration_that_breaks_leaves_what_was(empty_url: str, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load(empty_url, number)
    before = rows(empty_url)

    def broken(_connection: object, _where: str) -> None:
        raise RuntimeError("the plug is pulled")

    with monkeypatch.context() as patch:
        patch.setattr(migrate, "_probe", broken)
        with pytest.raises(RuntimeError, match="plug"):
            migrate.prepare(address(empty_url))
    assert rows(empty_url) == before
    assert look(empty_url, "SELECT version_num FROM alembic_version")[0] == number
    migrate.prepare(address(empty_url))
    assert look(empty_url, "SELECT version_num FROM alembic_version")[0] == migrate.head()


async def test_a_newer_schema_that_only_adds_is_worked_with(empty_url: str) -> None:
    migrate.prepare(address(empty_url))
    tamper(empty_url, "UPDATE alembic_version SET version_num='9999'")
    tamper(empty_url, "ALTER TABLE inbox ADD COLUMN later TEXT")
    world = World.open(empty_url)
    await world.ledger.ingest(world.edit("x"))
    assert await world.ledger.verify() is None
    await world.store.close()
    assert look(empty_url, "SELECT version_num FROM alembic_version")[0] == "9999"


@pytest.mark.parametrize("needs", ["9998", None])
def test_a_newer_schema_that_needs_a_newer_program_is_refused(empty_url: str, needs: str | None) -> None:
    migrate.prepare(address(empty_url))
    tamper(empty_url, "UPDATE alembic_version SET version_num='9999'")
    tamper(empty_url, "DELETE FROM floatcard_meta WHERE key = ?", migrate.READS)
    if needs is not None:
        tamper(empty_url, "INSERT INTO floatcard_meta (key, value) VALUES (?, ?)", migrate.READS, needs)
    with pytest.raises(Misconfigured, match="newer Floatcard") as refused:
        Store.open(empty_url)
    assert f"schema {needs or '9999'} or newer" in str(refused.value)
    assert "backup taken before" in str(refused.value)


def test_there_is_no_way_down() -> None:
    for script in ScriptDirectory(str(migrate.MIGRATIONS)).walk_revisions():
        with pytest.raises(RuntimeError, match="backup taken before the upgrade"):
            script.module.downgrade()


async def test_a_migration_that_would_hold_everybody_up_gives_up(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.fresh()
    load(url, "0001")
    monkeypatch.setattr(migrate, "WAIT_S", 1)
    monkeypatch.setattr(migrate, "_upgrade", lambda connection: connection.exec_driver_sql("LOCK TABLE edit"))
    with outside(url) as reader:
        reader.exec_driver_sql("SELECT count(*) FROM edit")
        with pytest.raises(Misconfigured, match="another program holds"):
            await asyncio.to_thread(migrate.prepare, address(url))
    assert look(url, "SELECT version_num FROM alembic_version")[0] == "0001"


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations of the test's own, with the released ones in it."""
    (tmp_path / "m" / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako", *(f"versions/schema_{number}.py" for number in earlier())):
        (tmp_path / "m" / name).write_bytes((migrate.MIGRATIONS / name).read_bytes())
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path / "m")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    return tmp_path / "m" / "versions"


def drafted(extra: Column[int] | Index, table: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `new` writes when that table has one thing more."""
    other = MetaData(naming_convention=complete().naming_convention)
    for each in complete().sorted_tables:
        each.to_metadata(other)
    if isinstance(extra, Column):
        other.tables[table].append_column(extra)
    monkeypatch.setattr("gateway.store.schema.complete", lambda: other)
    return migrate.new().read_text()


def test_the_committed_migration_is_what_the_tables_ask_for(drafts: Path) -> None:
    there = Path(migrate.__file__).parent / "migrations" / "versions"
    assert migrate.new().read_text() == (there / f"schema_{int(migrate.RELEASED) + 1:04d}.py").read_text()


def test_what_only_adds_keeps_the_readers(drafts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = drafted(Column("more", Integer, server_default="0", nullable=False), "inbox", monkeypatch)
    assert 'reads = "0001"' in text
    assert 'sa.Column("more"' in text


def test_what_changes_raises_them(drafts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete().tables["inbox"].c.edit, "type", Text())
    assert 'reads = "0002"' in migrate.new().read_text()


@pytest.mark.parametrize(
    ("table", "name", "reads"), [("trail", "ix_trail_at", "0001"), ("decision", "decision_id", "0002")]
)
def test_an_index_may_be_taken_away_under_old_programs_unless_it_refuses_twins(
    drafts: Path, table: str, name: str, reads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = complete().tables[table]
    monkeypatch.setattr(there, "indexes", {each for each in there.indexes if each.name != name})
    text = migrate.new().read_text()
    assert "drop_index" in text and name in text
    assert f'reads = "{reads}"' in text


def test_a_column_without_a_value_for_what_is_there_is_refused(drafts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = migrate.new().read_text()
    with pytest.raises(SystemExit, match=r"inbox\.more has no value .* server_default"):
        drafted(Column("more", Integer, nullable=False), "inbox", monkeypatch)
    assert (drafts / "schema_0002.py").read_text() == before


@pytest.mark.parametrize(("times", "made"), [(2, True), (9, False)])
def test_a_migration_that_met_somebody_who_edits_is_begun_anew(
    times: int, made: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL tells whoever waits for each other so: all of it is rolled back, and nothing was wrong with it."""
    bring, met = migrate._bring, iter(range(times))

    def interrupted(connection: Connection, where: str) -> None:
        bring(connection, where)
        if next(met, None) is not None:
            raise OperationalError("ALTER TABLE", {}, DeadlockDetected("deadlock detected"))

    monkeypatch.setattr(migrate, "_bring", interrupted)
    url = address(f"sqlite:///{tmp_path}/a.db")
    if made:
        migrate.prepare(url)
    else:
        with pytest.raises(Misconfigured):
            migrate.prepare(url)
    monkeypatch.undo()
    tables = look(str(url), "SELECT count(*) FROM sqlite_master WHERE type = 'table'")[0]
    assert (tables > 0) is made
