"""`floatcard backup` and `floatcard restore` as their own processes, on a house in which something was decided."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.postgresql import Postgresql
from tests.gateway.house import LI, configured, opened
from tests.gateway.store.outside import look, outside, tamper
from tests.gateway.test_cli import CHAT, Ended, floatcard
from tests.gateway.test_edits import ONE, floated

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The house's folder, and the backup that was taken while its gateway ran."""
    import asyncio

    folder = tmp_path_factory.mktemp("lived")
    taken: list[Ended] = []

    async def live() -> None:
        async with opened(folder) as house:
            card = await floated(house)
            await house.submit(LI, "deal", await house.open_form(LI, card), phone=ONE)
            await house.settle()
            embedded(folder)
            taken.append(await asyncio.to_thread(floatcard, folder, "backup", "b"))

    asyncio.run(live())
    assert taken[0].code == 0, taken[0].err
    assert "b: written; taken" in taken[0].out and "rows of store" in taken[0].out and "rows of local" in taken[0].out
    yield folder, folder / "b"


def embedded(folder: Path) -> Path:
    """Its configuration, with the CRM itself in place of the test's moody one."""
    path = configured(folder, CHAT)
    path.write_text(path.read_text("utf-8").replace("tests.gateway.moody", "local"), "utf-8")
    return path


def counts(folder: Path) -> list[tuple[int, ...]]:
    queries = [
        ("floatcard.db", "SELECT (SELECT count(*) FROM edit), (SELECT count(*) FROM decision), count(*) FROM inbox"),
        ("crm.db", "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM applied), count(*) FROM note"),
    ]
    return [tuple(look(f"sqlite:///{folder / name}", query)) for name, query in queries if (folder / name).exists()]


def test_a_house_comes_back_and_its_chain_is_sound(backed: tuple[Path, Path], tmp_path: Path) -> None:
    folder, file = backed
    embedded(tmp_path)
    assert floatcard(tmp_path, "backup", str(file), "--verify").out.startswith(f"{file}: sound;")
    done = floatcard(tmp_path, "restore", str(file))
    assert done.code == 0, done.err
    assert "restored; taken" in done.out and "none altered, missing or reordered" in done.out
    assert counts(tmp_path) == counts(folder)
    assert counts(tmp_path)[0][0] > 0
    again = floatcard(tmp_path, "restore", str(file))
    assert again.code == 2 and "never overwrites" in again.err


def test_a_chain_that_was_broken_before_the_backup_is_told(backed: tuple[Path, Path], tmp_path: Path) -> None:
    folder, _ = backed
    broken, new = tmp_path / "broken", tmp_path / "new"
    shutil.copytree(folder, broken)
    new.mkdir()
    embedded(broken)
    embedded(new)
    assert tamper(f"sqlite:///{broken / 'floatcard.db'}", "UPDATE decision SET reason = 'x'") > 0
    assert floatcard(broken, "backup", "again").code == 0
    done = floatcard(new, "restore", str(broken / "again"))
    assert done.code == 1
    assert "decision 1:" in done.out


def test_another_key_is_refused(backed: tuple[Path, Path], tmp_path: Path) -> None:
    embedded(tmp_path)
    (tmp_path / "master.key").write_text("ab" * 32)
    done = floatcard(tmp_path, "restore", str(backed[1]))
    assert done.code == 2 and "is not the key this database was made with" in done.err
    assert not (tmp_path / "crm.db").exists()


def test_a_sqlite_house_moves_to_postgresql(backed: tuple[Path, Path], tmp_path: Path, postgresql: Postgresql) -> None:
    path, url = embedded(tmp_path), postgresql.fresh()
    text = path.read_text("utf-8")
    store = next(line for line in text.splitlines() if line.startswith("store"))
    path.write_text(text.replace(store, f'store = "{url}"'), "utf-8")
    done = floatcard(tmp_path, "restore", str(backed[1]))
    assert done.code == 0, done.err
    with outside(url) as connection:
        edits = connection.exec_driver_sql("SELECT count(*) FROM edit").scalar_one()
    assert edits == counts(backed[0])[0][0]
    assert (done := floatcard(tmp_path, "backup", "back")).code == 0, done.err
    path.write_text(text, "utf-8")
    (tmp_path / "crm.db").unlink()
    done = floatcard(tmp_path, "restore", "back")
    assert done.code == 0, done.err
    assert counts(tmp_path) == counts(backed[0]), "and back again"


SLOWLY = """
import sys, time
from gateway.store import backup_file
line = backup_file.Out.line
def slow(self, what):
    line(self, what)
    print("line", flush=True)
    time.sleep(0.2)
backup_file.Out.line = slow
from gateway.cli.main import main
sys.argv = ["floatcard", "backup", "cut"]
main()
"""


def test_a_backup_that_is_killed_leaves_nothing_under_its_name(backed: tuple[Path, Path]) -> None:
    folder, _ = backed
    command = [sys.executable, "-c", SLOWLY]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"line\n"
        process.send_signal(signal.SIGKILL)
    assert not (folder / "cut").exists()
    assert len(list(folder.glob(".cut.*.part"))) == 1
