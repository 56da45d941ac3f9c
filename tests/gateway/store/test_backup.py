from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect

from gateway.errors import Misconfigured
from gateway.store import backup_file, migrate, sql
from gateway.store.backup import listed, look, take
from gateway.store.connect import address
from gateway.store.restore import restore
from gateway.store.schema import complete
from gateway.store.spans import PLACING
from gateway.store.tables_app import job
from gateway.store.vault import Vault
from tests.engines.postgresql import Postgresql
from tests.gateway.store import earlier
from tests.gateway.store.outside import look as row_of
from tests.gateway.store.outside import outside, tamper
from tests.gateway.store.world import KEY, World

New = Callable[[str], str]


@pytest.fixture
def new(request: pytest.FixtureRequest, tmp_path: Path) -> New:
    """The address of an empty database of that kind."""
    made: list[int] = []

    def made_of(kind: str) -> str:
        made.append(0)
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{len(made)}.db"
        server: Postgresql = request.getfixturevalue("postgresql")
        return server.fresh()

    return made_of


def check(connection: Connection) -> None:
    Vault(KEY).prove(connection, "backup")


def rows(url: str) -> dict[str, list[list[Any]]]:
    """Every row of every table, but for where it is found; booleans as SQLite has them."""
    with outside(url) as connection:
        seen = inspect(connection)
        names = {
            table: [each["name"] for each in seen.get_columns(table) if each["name"] not in PLACING.get(table, ())]
            for table in seen.get_table_names()
        }
        texts = {table: f"SELECT {listed(columns)} FROM {table}" for table, columns in names.items()}
        return {table: sorted(map(alike, sql.ask(connection, text)), key=repr) for table, text in texts.items()}


def alike(row: Sequence[Any]) -> list[Any]:
    """Who may work with a database is said by it, and not by the one it was taken from."""
    if row[0] == migrate.READS:
        return [row[0]]
    return [int(each) if isinstance(each, bool) else each for each in row]


def tables(url: str) -> list[str]:
    with outside(url) as connection:
        return inspect(connection).get_table_names()


KINDS = ["sqlite", "postgresql"]


@pytest.mark.parametrize("from_", KINDS)
@pytest.mark.parametrize("to", KINDS)
async def test_every_row_comes_back_on_either_database(new: New, tmp_path: Path, from_: str, to: str) -> None:
    source, target, file = new(from_), new(to), tmp_path / "b"
    await earlier.fill(source)
    there = rows(source)
    taken = take(source, file, {})
    assert file.stat().st_mode & 0o777 == 0o600
    assert look(file) == taken
    assert taken.size == file.stat().st_size
    assert restore(file, target, {}, check) == taken
    assert rows(target) == there
    assert taken.total == sum(len(each) for name, each in there.items() if name != "alembic_version")
    world = World.open(target)
    assert await world.ledger.verify() is None
    state = await world.ledger.state("local:account:acme", "f1")
    assert state is not None
    assert earlier.HOSTILE in str(state.value)
    await world.store.close()
    with outside(target) as connection:  # what counts itself counts on
        row = {name: value for name, value in earlier.row(job, 7).items() if name != "id"}
        key = connection.execute(job.insert().values(**row)).inserted_primary_key
        assert key is not None
        assert key[0] > there["job"][-1][0]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_backup_during_heavy_edits_is_a_prefix(new: New, tmp_path: Path, kind: str) -> None:
    world = World.open(new(kind))
    await world.vault.check(world.store)
    acknowledged: list[str] = []
    stop = asyncio.Event()

    async def person(who: int) -> None:
        while not stop.is_set():
            made = world.edit(f"v{len(acknowledged)}", name=f"f{who % 3}", who=f"p{who}", record=f"local:account:{who}")
            acknowledged.append((await world.ledger.ingest(made)).edit_id)
            await asyncio.sleep(0.005)

    people = [asyncio.create_task(person(n)) for n in range(8)]
    before = []
    for n in range(2):
        while len(acknowledged) < 60 * (n + 1):
            await asyncio.sleep(0.005)
        before.append(set(acknowledged))
        await asyncio.to_thread(take, str(world.store.url.render_as_string(False)), tmp_path / f"{n}", {})
    stop.set()
    await asyncio.gather(*people)
    await world.store.close()
    for n, known in enumerate(before):
        target = f"sqlite:///{tmp_path}/prefix{n}.db"
        restore(tmp_path / f"{n}", target, {}, check)
        with outside(target) as connection:
            edits = {row[0] for row in sql.ask(connection, "SELECT id FROM edit")}
            inbox = {row[0] for row in sql.ask(connection, "SELECT edit FROM inbox")}
            decided = [row[0] for row in sql.ask(connection, "SELECT cause_edit FROM decision WHERE cause = 'edit'")]
        assert known <= edits <= set(acknowledged)
        assert inbox == edits
        assert sorted(decided) == sorted(edits)
        again = World.open(target)
        assert await again.ledger.verify() is None
        await again.store.close()


async def test_an_earlier_schema_is_backed_up_as_it_is_and_restored_as_the_newest(new: New, tmp_path: Path) -> None:
    source, target = new("sqlite"), new("sqlite")
    earlier.load(source, "0001")
    taken = take(source, tmp_path / "b", {})
    assert taken.schema == "0001"
    assert row_of(source, "SELECT version_num FROM alembic_version")[0] == "0001"
    restore(tmp_path / "b", target, {}, check)
    assert row_of(target, "SELECT version_num FROM alembic_version")[0] == migrate.head()
    world = World.open(target)
    assert await world.ledger.verify() is None
    await world.store.close()


async def test_the_store_knows_its_newest_backup(new: New, tmp_path: Path) -> None:
    source = new("sqlite")
    migrate.prepare(address(source))
    taken = take(source, tmp_path / "b", {})
    assert row_of(source, "SELECT id, at, rows, bytes, schema FROM backup_taken") == (
        taken.id,
        taken.at,
        taken.total,
        taken.size,
        migrate.head(),
    )


# -- refusals


@pytest.fixture
async def file(new: New, tmp_path: Path) -> Path:
    source = new("sqlite")
    await earlier.fill(source)
    take(source, tmp_path / "b", {})
    return tmp_path / "b"


def refused(file: Path, target: str, **more: Any) -> str:
    with pytest.raises(Misconfigured) as why:
        restore(file, target, more.get("files", {}), more.get("check", check))
    return str(why.value)


@pytest.mark.parametrize("kind", KINDS)
def test_another_master_key_is_refused_before_anything_is_there(file: Path, new: New, kind: str) -> None:
    target = new(kind)
    other = Vault(bytes(32))
    assert "is not the key this database was made with" in refused(
        file, target, check=lambda connection: other.prove(connection, "backup")
    )
    assert tables(target) == []
    restore(file, target, {}, check)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_there_and_a_strangers_database_are_refused(file: Path, new: New, kind: str) -> None:
    ours, theirs = new(kind), new(kind)
    migrate.prepare(address(ours))
    tamper(theirs, "CREATE TABLE invoices (id INTEGER)")
    assert "holds a Floatcard store already" in refused(file, ours)
    assert "belongs to another program" in refused(file, theirs)
    assert tables(theirs) == ["invoices"]


def test_a_damaged_file_is_refused_wherever_it_is_damaged(file: Path, new: New, tmp_path: Path) -> None:
    whole = file.read_bytes()
    target = new("sqlite")
    for at in range(20, len(whole), max(1, len(whole) // 40)):
        (tmp_path / "d").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert "damaged or cut short" in refused(tmp_path / "d", target)
    for length in (19, 20, len(whole) // 2, len(whole) - 1):
        (tmp_path / "d").write_bytes(whole[:length])
        assert "damaged or cut short" in refused(tmp_path / "d", target)
    (tmp_path / "d").write_bytes(whole + b"\n")
    assert "damaged or cut short" in refused(tmp_path / "d", target)
    assert not Path(target.removeprefix("sqlite:///")).exists()


def test_a_foreign_and_a_newer_file_are_refused(file: Path, new: New, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("dear diary, " * 100)
    assert "is no backup" in refused(tmp_path / "f", new("sqlite"))
    (tmp_path / "f").write_bytes(b"")
    assert "is no backup" in refused(tmp_path / "f", new("sqlite"))
    (tmp_path / "f").write_bytes(file.read_bytes().replace(b"backup 1\n", b"backup 2\n", 1))
    assert "made by a newer Floatcard" in refused(tmp_path / "f", new("sqlite"))


def test_a_backup_of_a_newer_schema_is_refused(file: Path, new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "head", lambda: "0001")
    assert f"taken at schema {look(file).schema}, this program knows up to 0001" in refused(file, new("sqlite"))


def test_what_is_no_store_is_not_backed_up(new: New, tmp_path: Path) -> None:
    missing, empty, theirs = (f"sqlite:///{tmp_path}/{name}.db" for name in ("missing", "empty", "theirs"))
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    tamper(theirs, "CREATE TABLE invoices (id INTEGER)")
    for url, why in ((missing, "nothing to back up"), (empty, "nothing to back up"), (theirs, "another program")):
        with pytest.raises(Misconfigured, match=why):
            take(url, tmp_path / "b", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.db", "theirs.db"]


def test_a_newer_store_is_not_backed_up_by_half(new: New, tmp_path: Path) -> None:
    source = new("sqlite")
    migrate.prepare(address(source))
    tamper(source, "UPDATE alembic_version SET version_num='9999'")
    with pytest.raises(Misconfigured, match="back it up with that version"):
        take(source, tmp_path / "b", {})


def test_another_databases_journal_is_not_played_into_the_new_one(file: Path, tmp_path: Path) -> None:
    (tmp_path / "t.db-wal").write_bytes(b"old")
    assert "left of another database" in refused(file, f"sqlite:///{tmp_path}/t.db")


# -- the file itself


async def test_a_full_disk_is_said_and_leaves_no_file(
    new: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = new("sqlite")
    await earlier.fill(source)
    there = sorted(tmp_path.iterdir())

    def full(self: backup_file.Out, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Nearly(backup_file.Out):
        def end(self) -> None:
            full(self, b"")

    for name, broken in (("Out.write", full), ("Out", Nearly)):
        with monkeypatch.context() as patch:
            patch.setattr(f"gateway.store.backup_file.{name}", broken)
            with pytest.raises(OSError, match="No space left") as said:
                take(source, tmp_path / "b", {})
        assert said.value.filename == str(tmp_path / "b")
        assert sorted(tmp_path.iterdir()) == there


def test_a_file_that_is_there_is_never_written_over(file: Path, new: New, tmp_path: Path) -> None:
    before, source = file.read_bytes(), new("sqlite")
    restore(file, source, {}, check)
    with pytest.raises(Misconfigured, match="is there already"):
        take(source, file, {})
    assert file.read_bytes() == before


def peak(new: New, file: Path, count: int) -> int:
    """Bytes that Python had at most while that many rows of 4 kB went out and in again."""
    source = new("sqlite")
    migrate.prepare(address(source))
    with outside(source) as connection:
        blobs = [{"id": f"{n}", "subject": "s", "ciphertext": os.urandom(4000)} for n in range(count)]
        connection.execute(complete().tables["value"].insert(), blobs)
    del blobs
    tracemalloc.start()
    take(source, file, {})
    restore(file, new("sqlite"), {}, lambda _connection: None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert file.stat().st_size > count * 4000
    return peak


def test_memory_does_not_grow_with_the_store(new: New, tmp_path: Path) -> None:
    few, many = (peak(new, tmp_path / f"{count}", count) for count in (250, 2500))
    assert many < few + 4_000_000


# -- the CRM's own file


def crm_file(path: Path) -> Path:
    with sqlite3.connect(path) as made:
        made.execute("PRAGMA application_id=77")
        made.execute("PRAGMA user_version=3")
        made.execute("CREATE TABLE a (id TEXT PRIMARY KEY, b BLOB, n REAL)")
        made.execute("CREATE INDEX a_n ON a (n)")
        made.execute("INSERT INTO a VALUES ('华', x'00ff', 1.5), ('[', NULL, NULL)")
    made.close()
    return path


def test_a_crms_own_file_comes_back_with_its_marks(new: New, tmp_path: Path) -> None:
    source, there = new("sqlite"), crm_file(tmp_path / "crm.db")
    migrate.prepare(address(source))
    taken = take(source, tmp_path / "b", {"local": there, "later": tmp_path / "not-made-yet.db"})
    assert taken.rows["local"] == {"a": 2}
    back = tmp_path / "back.db"
    restore(tmp_path / "b", new("sqlite"), {"local": back}, lambda _connection: None)
    old, new_ = sqlite3.connect(there), sqlite3.connect(back)
    assert list(old.iterdump()) == list(new_.iterdump())
    assert new_.execute("PRAGMA application_id").fetchone() == (77,)
    assert new_.execute("PRAGMA user_version").fetchone() == (3,)
    old.close()
    new_.close()
    assert back.stat().st_mode & 0o777 == 0o600


def test_a_crms_file_with_no_place_or_a_taken_one_is_refused(new: New, tmp_path: Path) -> None:
    source, target, there = new("sqlite"), new("sqlite"), crm_file(tmp_path / "crm.db")
    migrate.prepare(address(source))
    take(source, tmp_path / "b", {"local": there})
    assert "has no such CRM" in refused(tmp_path / "b", target)
    assert "never overwrites" in refused(tmp_path / "b", target, files={"local": there})
    assert not Path(target.removeprefix("sqlite:///")).exists()


def test_a_restore_that_breaks_at_its_end_leaves_neither(
    new: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, there = new("sqlite"), new("sqlite"), crm_file(tmp_path / "crm.db")
    migrate.prepare(address(source))
    take(source, tmp_path / "b", {"local": there})

    def broken(*_: object) -> None:
        raise RuntimeError("the plug is pulled")

    with monkeypatch.context() as patch:
        patch.setattr(migrate, "finish", broken)
        with pytest.raises(RuntimeError):
            restore(tmp_path / "b", target, {"local": tmp_path / "back.db"}, lambda _connection: None)
    assert tables(target) == []
    assert not (tmp_path / "back.db").exists()
    restore(tmp_path / "b", target, {"local": tmp_path / "back.db"}, lambda _connection: None)


def test_a_restore_whose_store_is_not_committed_leaves_no_crms_file(
    new: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, there = new("sqlite"), crm_file(tmp_path / "crm.db")
    migrate.prepare(address(source))
    take(source, tmp_path / "b", {"local": there})

    def gone(connection: Connection, *_: object) -> None:
        driver: Any = connection.connection.driver_connection
        driver.close()  # what was to be committed last cannot be

    monkeypatch.setattr(migrate, "finish", gone)
    with pytest.raises(Exception, match="closed"):
        restore(tmp_path / "b", new("sqlite"), {"local": tmp_path / "back.db"}, lambda _connection: None)
    assert not (tmp_path / "back.db").exists()


def test_a_crm_called_as_the_store_is_costs_nobody_their_file(new: New, tmp_path: Path) -> None:
    """A configuration refuses the name; a backup of before may have it."""
    source, there = new("sqlite"), crm_file(tmp_path / "crm.db")
    migrate.prepare(address(source))
    take(source, tmp_path / "b", {"store": there})
    before = there.read_bytes()
    assert "never overwrites" in refused(tmp_path / "b", new("sqlite"), files={"store": there})
    assert there.read_bytes() == before
