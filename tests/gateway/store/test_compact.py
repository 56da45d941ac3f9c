"""`floatcard compact`: the empty pages of an SQLite file go back to its disk, and nothing else changes."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.store import compact as compacting
from gateway.store.compact import compact
from gateway.store.lasting import missing
from tests.engines.postgresql import Postgresql
from tests.gateway.house import configured
from tests.gateway.store.outside import everything, look, outside
from tests.gateway.store.world import ACME, World
from tests.gateway.test_cli import CHAT, floatcard

ROOT = Path(__file__).resolve().parents[3]
SEEN = """
INSERT INTO seen (once, at) WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 80000)
SELECT printf('%064d', n), n FROM s
"""
LEFT = 16_000
"""More than SQLite would copy in memory."""


@pytest.fixture
async def emptied(tmp_path: Path) -> str:
    """A store in which something was decided, and from which much went by age."""
    url = f"sqlite:///{tmp_path}/floatcard.db"
    world = World.open(url)
    await world.vault.check(world.store)
    for n in range(20):
        await world.ledger.ingest(world.edit(f"138 0000 {n:04}", seen=None))
    await world.store.close()
    with outside(url) as connection:
        connection.exec_driver_sql(SEEN)
    with outside(url) as connection:
        connection.exec_driver_sql(f"DELETE FROM seen WHERE at > {LEFT}")
    return url


def path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def test_what_became_empty_is_given_back_and_all_else_stays(emptied: str) -> None:
    held, marks = everything(emptied), look(emptied, "SELECT * FROM pragma_application_id")
    before = path(emptied).stat().st_size
    done = compact(emptied)
    assert done.before == before and done.after == path(emptied).stat().st_size < before / 2
    assert sorted(each.name for each in path(emptied).parent.iterdir()) == ["floatcard.db"]
    assert everything(emptied) == held
    assert look(emptied, "SELECT * FROM pragma_application_id") == marks
    assert look(emptied, "SELECT * FROM pragma_journal_mode") == ("wal",)
    with outside(emptied) as connection:
        assert missing(connection) == []
    world = World.open(emptied)
    again = await world.ledger.ingest(world.edit("138 0000 9999", seen=None, once="after"))
    state = await world.ledger.state(ACME, "phone")
    assert again.first and state is not None and state.value == "138 0000 9999"
    assert await world.ledger.verify() is None
    await world.store.close()
    assert compact(emptied).after <= done.after + 65_536


async def test_one_that_is_in_use_is_left_alone(emptied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "BUSY_S", 0.1)
    world = World.open(emptied)
    await world.ledger.state(ACME, "phone")  # who is there need not write, nor even be at it
    size = path(emptied).stat().st_size
    with pytest.raises(Misconfigured, match="is in use; stop the gateway"):
        compact(emptied)
    await world.ledger.ingest(world.edit("138 0000 9999", seen=None, once="meanwhile"))
    await world.store.close()
    assert path(emptied).stat().st_size >= size
    compact(emptied)


@contextmanager
def bounded(size: int) -> Iterator[None]:
    """No file of this process grows past so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, told)


async def test_without_room_the_file_stays_as_it_was(emptied: str) -> None:
    held = everything(emptied)
    for size in (100_000, 1_500_000, 3_000_000):
        with bounded(size), pytest.raises(Misconfigured, match="the disk that holds the database"):
            compact(emptied)
        assert everything(emptied) == held
    assert compact(emptied).after < len(held) * 4


COUNTED = """
import contextlib, os, signal, sqlite3, sys
from gateway.store.compact import compact
steps, last = 0, int(sys.argv[2])
class Connection(sqlite3.Connection):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.set_progress_handler(self.step, 1000)
    def step(self):
        global steps
        steps += 1
        if steps == last:
            for fd in os.listdir("/proc/self/fd"):
                with contextlib.suppress(FileNotFoundError):  # which the listing itself had open
                    print(os.readlink(f"/proc/self/fd/{fd}"), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
connect = sqlite3.connect
sqlite3.connect = lambda *args, **more: connect(*args, **{"factory": Connection, **more})
compact(sys.argv[1])
print(steps)
"""
"""Compacts, and kills itself at a step of SQLite's own work, saying which files are open then."""


def counted(url: str, last: int) -> tuple[int, list[str]]:
    command = [sys.executable, "-c", COUNTED, url, str(last)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are read from /proc")
async def test_killed_in_the_midst_it_is_as_it_was_and_nothing_of_it_lay_elsewhere(emptied: str) -> None:
    held, before = everything(emptied), path(emptied).stat().st_size
    twin = path(emptied).with_name("twin.db")
    shutil.copy(path(emptied), twin)
    code, (steps,) = counted(f"sqlite:///{twin}", -1)
    assert code == 0 and int(steps) > 50
    seen: set[str] = set()
    for part in (0.05, 0.3, 0.6, 0.9, 0.99):
        code, opened = counted(emptied, int(int(steps) * part))
        assert code == -signal.SIGKILL and path(emptied).stat().st_size == before
        seen |= {each for each in opened if each.startswith("/") and "/dev/" not in each}
        assert everything(emptied) == held
    folder = str(path(emptied).parent)
    assert any("etilqs" in each for each in seen), "it had a temporary file"
    assert all(each.startswith(folder) for each in seen if "etilqs" in each or "floatcard" in each)
    world = World.open(emptied)
    assert await world.ledger.verify() is None
    await world.store.close()
    assert compact(emptied).after < before / 2


def test_another_kind_of_store_is_told_what_to_do(postgresql: Postgresql, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="autovacuum"):
        compact(postgresql.url("postgres"))
    with pytest.raises(Misconfigured, match="is not there"):
        compact(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(Misconfigured, match="holds nothing yet"):
        compact(f"sqlite:///{tmp_path}/empty.db")
    assert (tmp_path / "empty.db").stat().st_size == 0
    (tmp_path / "other.db").write_bytes(b"no database, but text" * 100)
    with pytest.raises(Misconfigured, match="is not a database this program can read"):
        compact(f"sqlite:///{tmp_path}/other.db")


async def test_the_command(emptied: str) -> None:
    folder = path(emptied).parent
    configured(folder, CHAT)
    done = floatcard(folder, "compact")
    assert done.code == 0, done.err
    before, after = (int(word) for word in done.out.split() if word.isdigit())
    assert after < before
    world = World.open(emptied)
    await world.ledger.state(ACME, "phone")
    refused = floatcard(folder, "compact")
    await world.store.close()
    assert refused.code == 2 and "is in use" in refused.err
