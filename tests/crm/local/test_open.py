"""Opening a file: ours, new, foreign, damaged, unwritable."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from crm.local import Config, Crm
from crm.local.database import APPLICATION_ID
from gateway.errors import Misconfigured, Refused, Retry


def opened(path: Path) -> Crm:
    return Crm("mine", Config(database=f"sqlite:///{path}", busy_timeout=0))


def foreign(path: Path, *statements: str) -> Path:
    raw = sqlite3.connect(path)
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()
    return path


@pytest.mark.parametrize(
    ("statements", "word"),
    [
        (("CREATE TABLE theirs (x)",), "another program"),
        (("PRAGMA application_id=252006673",), "another program"),
        (("CREATE TABLE t (x)", f"PRAGMA application_id={APPLICATION_ID}", "PRAGMA user_version=9"), "newer"),
    ],
)
def test_a_database_of_another_program_is_refused_untouched(
    tmp_path: Path, statements: tuple[str, ...], word: str
) -> None:
    path = foreign(tmp_path / "other.db", *statements)
    before = path.read_bytes()
    with pytest.raises(Misconfigured) as caught:
        opened(path)
    ((file, key, reason),) = caught.value.faults
    assert (file, key) == (str(path), "crms.mine.database")
    assert word in reason
    assert path.read_bytes() == before
    assert sorted(found.name for found in tmp_path.iterdir()) == ["other.db"]


def test_what_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("name,city\n" * 100)
    with pytest.raises(Misconfigured, match="no database"):
        opened(path)
    assert path.read_text() == "name,city\n" * 100


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="create it first"):
        opened(tmp_path / "none" / "crm.db")


@pytest.mark.parametrize("database", ["postgresql://x/y", "sqlite://", "sqlite:///", "sqlite:///:memory:", "crm.db"])
def test_what_is_no_file_is_a_fault_of_the_configuration(database: str) -> None:
    with pytest.raises(ValidationError):
        Config(database=database)


def test_an_unknown_setting_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"databse": "sqlite:///x.db"})


async def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    crm = opened(tmp_path / "crm.db")
    assert stat.S_IMODE((tmp_path / "crm.db").stat().st_mode) == 0o600
    await crm.close()


async def test_what_was_written_is_there_when_opened_again(tmp_path: Path) -> None:
    crm = opened(tmp_path / "crm.db")
    ref = await crm.create("甲", "x")
    before = await crm.get(ref)
    await crm.close()
    again = opened(tmp_path / "crm.db")
    assert await again.get(ref) == before
    await again.close()


async def test_a_full_disk_is_waited_for_and_loses_nothing(tmp_path: Path) -> None:
    crm = opened(tmp_path / "crm.db")
    ref = await crm.create("甲", "x")
    with crm.database.engine.connect() as conn:
        full = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count={full}")
    with pytest.raises(Retry, match="free some space"):
        for _ in range(100):
            await crm.add_note(ref, "x" * 10_000, "x", once=str(_))
    before = await crm.get(ref)
    crm.database.engine.dispose()
    await crm.add_note(ref, "there is room again", "x", once="room")
    assert (await crm.get(ref)).version == before.version + 1
    await crm.close()


async def test_a_damaged_file_tells_a_person(tmp_path: Path) -> None:
    crm = opened(tmp_path / "crm.db")
    for n in range(200):
        await crm.create(f"customer {n}", "x")
    await crm.close()
    data = bytearray((tmp_path / "crm.db").read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    (tmp_path / "crm.db").write_bytes(data)
    with pytest.raises((Refused, Misconfigured)) as caught:
        await opened(tmp_path / "crm.db").list("customer")
    assert "backup" in str(caught.value)


async def test_reading_goes_on_while_another_process_writes(tmp_path: Path) -> None:
    crm = opened(tmp_path / "crm.db")
    ref = await crm.create("甲", "x")
    other = sqlite3.connect(tmp_path / "crm.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE account SET name = 'unfinished'")
    assert (await crm.get(ref)).title == "甲"
    with pytest.raises(Retry):
        await crm.set_native(ref, "phone", "1", "x")
    other.close()
    assert await crm.set_native(ref, "phone", "1", "x") == 2
    await crm.close()
