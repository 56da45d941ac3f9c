"""The database's file: its disk full, locked by another program, read-only; the network comes again, nobody loses.
PostgreSQL's disk as well."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select

from gateway.errors import Misconfigured
from gateway.metrics import REGISTRY
from gateway.store.engine import Store
from gateway.store.faults import StoreUnavailable
from gateway.store.tables import floatcard_meta
from tests.engines.postgresql import Postgresql
from tests.engines.redis import Redis
from tests.faults.house import Faulty, faulty


def _pragma(connection: Connection, items: Sequence[str]) -> list[None]:
    for item in items:
        connection.exec_driver_sql(f"PRAGMA {item}").close()
    return [None] * len(items)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextlib.asynccontextmanager
async def read_only(live: Faulty) -> AsyncIterator[None]:
    """As a disk remounted read-only is seen: SQLITE_READONLY for every write."""
    with contextlib.suppress(StoreUnavailable):  # in force at once, it spoils the transaction it came in
        await live.s.store.write(_pragma, "query_only=ON")
    try:
        yield
    finally:
        live.s.store._writing.dispose()


async def through(
    live: Faulty, street: str, mend: contextlib.AbstractAsyncContextManager[None], *, kept: bool = False
) -> None:
    """People work while nothing can be written: they are told to come again, and see what is there. `kept`: what they
    say waits in Redis."""
    form, refused, failed = await live.ready_form(), live.refused, unwritten()
    async with mend:
        work = asyncio.gather(live.talk(4), live.save(form, street))
        if kept:
            await live.until(lambda: _is(unwritten() > failed + 3), "tried in vain")
        else:
            await live.until(lambda: _is(live.refused > refused + 3), "turned away")
        assert await live.value("address") != street
        async with live.session.get(f"{live.url}/healthz") as answer:
            assert answer.status == 200
    await work
    await live.healed()
    assert await live.value("address") == street


async def _is(value: bool) -> bool:
    return value


def unwritten() -> float:
    return REGISTRY.get_sample_value("floatcard_commits_failed_total", {"why": "full"}) or 0.0


@contextlib.asynccontextmanager
async def held(path: Path) -> AsyncIterator[None]:
    with locked(path):
        yield


async def test_a_file_that_is_locked_or_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.connect.BUSY_MS", 200)
    async with faulty(tmp_path) as live:
        await through(live, "locked", held(tmp_path / "floatcard.db"))
        await through(live, "read-only", read_only(live))


@pytest.fixture
def small_disk() -> Iterator[tuple[Path, bool]]:
    """A folder on a disk of 8 MB, and whether it is one: without the right to mount it is an ordinary folder."""
    folder = Path(tempfile.mkdtemp(prefix="fc-disk-", dir="/tmp"))
    words = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", str(folder)]
    mounted = (
        shutil.which("mount") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )
    yield folder, mounted
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir() if mounted else shutil.rmtree(folder)


def fill(ballast: Path) -> None:
    """Until its disk has no byte left."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4_096)


@contextlib.asynccontextmanager
async def full(live: Faulty, folder: Path, mounted: bool) -> AsyncIterator[None]:
    """To the last byte, by what somebody else keeps there; without a disk of our own by SQLite's own limit."""
    if mounted:
        # the log's file keeps the place it once took, and in it people go on for a while
        with contextlib.closing(sqlite3.connect(folder / "floatcard.db")) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        fill(folder / "ballast")
    else:
        await live.s.store.write(_pragma, "max_page_count=1")
    try:
        yield
    finally:
        if mounted:
            (folder / "ballast").unlink()
        else:
            live.s.store._writing.dispose()


async def test_a_full_disk(tmp_path: Path, small_disk: tuple[Path, bool]) -> None:
    folder, mounted = small_disk
    async with faulty(tmp_path, database=folder / "floatcard.db") as live:
        await through(live, "after the disk was full", full(live, folder, mounted))


NO_ROOM = """
CREATE SCHEMA disk;
CREATE TABLE disk.is_full (since timestamptz);
CREATE FUNCTION disk.written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM disk.is_full) THEN
    RAISE EXCEPTION 'could not extend file "base/5/16384": no space' USING ERRCODE = '53100';
  END IF;
  RETURN NULL;
END $$;
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TRIGGER written BEFORE INSERT OR UPDATE ON %I EXECUTE FUNCTION disk.written()', one);
  END LOOP;
END $$
"""


@contextlib.asynccontextmanager
async def no_room(postgresql: Postgresql) -> AsyncIterator[None]:
    """The server answers every write as one does whose disk is full."""
    await asyncio.to_thread(postgresql.run, "INSERT INTO disk.is_full VALUES (now())", "on_small")
    try:
        yield
    finally:
        await asyncio.to_thread(postgresql.run, "DELETE FROM disk.is_full", "on_small")


@pytest.fixture
def on_small(postgresql: Postgresql, _migrated: str) -> Iterator[str]:
    """The address of a database whose disk may be said to be full. A disk that is would stop the whole server, which
    others use."""
    postgresql.run(f"CREATE DATABASE on_small TEMPLATE {_migrated}")
    postgresql.run(NO_ROOM, "on_small")
    yield postgresql.url("on_small")
    postgresql.run("DROP DATABASE on_small WITH (FORCE)")


@contextlib.asynccontextmanager
async def broken() -> AsyncIterator[None]:
    """What the disk answers to a write is an error, and not that it is full: no file may grow past its first bytes."""
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)


async def test_a_disk_with_errors(tmp_path: Path) -> None:
    async with faulty(tmp_path) as live:
        async with broken():
            with pytest.raises(StoreUnavailable, match="reports an error; look at the disk and its mount"):
                await live.s.store.write(_touch, "anything")
        await through(live, "after the disk had errors", broken())


@pytest.mark.parametrize("queue", ["store", "redis"])
async def test_a_full_disk_under_postgresql(
    tmp_path: Path, postgresql: Postgresql, redis_server: Redis, on_small: str, queue: str
) -> None:
    redis = redis_server if queue == "redis" else None
    async with faulty(tmp_path, on_small, postgresql, redis) as live:
        async with no_room(postgresql):
            with pytest.raises(StoreUnavailable, match="is full; free some space, nothing acknowledged is lost"):
                await live.s.store.write(_touch, "anything")
        await through(live, "after the disk was full", no_room(postgresql), kept=redis is not None)


def _touch(connection: Connection, items: Sequence[str]) -> list[None]:
    connection.execute(
        insert(floatcard_meta), [{"key": f"{item} {time.monotonic_ns()}", "value": ""} for item in items]
    )
    return [None] * len(items)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of nobody's, and we are nobody: who is root may write everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="fc-nobody-", dir="/tmp"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65_534, 65_534)
        os.seteuid(65_534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


async def test_a_file_that_may_not_be_written_is_said_at_the_start(nobody: Path) -> None:
    path = nobody / "floatcard.db"
    await Store.open(f"sqlite:///{path}").close()
    path.chmod(0o444)
    nobody.chmod(0o555)
    with pytest.raises(Misconfigured, match="give this process write access to the file and to its folder"):
        Store.open(f"sqlite:///{path}")
    path.chmod(0o644)
    nobody.chmod(0o755)
    await Store.open(f"sqlite:///{path}").close()


def damage(path: Path, from_: int = 4096) -> None:
    """Everything from there on, as a rule past the first page; what is in the log is written back before."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(from_)
        file.write(b"\xff" * (size - from_))


@pytest.mark.parametrize(
    ("from_", "said"),
    [(4096, "damaged"), (0, "not a database this program can read; .* restore the last backup")],
)
async def test_a_damaged_file_is_said(tmp_path: Path, from_: int, said: str) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    await store.close()
    damage(tmp_path / "a.db", from_)
    with pytest.raises(Misconfigured, match=said):
        Store.open(f"sqlite:///{tmp_path}/a.db")


@pytest.mark.parametrize("from_", [0, 4096])
async def test_a_file_that_is_damaged_under_a_gateway_is_said(tmp_path: Path, from_: int) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    await store.write(_touch, "anything")
    damage(tmp_path / "a.db", from_)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="damaged; stop the gateway and restore the last backup"):
            await store.read(lambda connection: connection.execute(select(floatcard_meta)).all())
        with pytest.raises(StoreUnavailable, match="damaged; stop the gateway and restore the last backup"):
            await store.write(_touch, "anything")
    await store.close()


async def test_whoever_waited_through_a_slow_fault_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.connect.BUSY_MS", 300)
    monkeypatch.setattr("gateway.store.writer.SLOW_S", 0.1)
    store = Store.open(f"sqlite:///{tmp_path}/a.db", batch=1)
    tried: list[object] = []

    def counted(connection: Connection) -> None:
        tried.append(connection)

    event.listen(store._writing, "begin", counted)
    with locked(tmp_path / "a.db"):
        told = await asyncio.gather(
            *(store.write(_pragma, "user_version=1") for _ in range(20)), return_exceptions=True
        )
    assert [type(each) for each in told] == [StoreUnavailable] * 20
    assert len(tried) <= 3, "twenty do not wait for the lock one after the other"
    await store.write(_pragma, "optimize")
    await store.close()
