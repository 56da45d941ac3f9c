"""`floatcard audit sign`, `audit check` and `rotate-key`, as their own processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.house import MASTER
from tests.gateway.test_cli import copied, floatcard
from tests.gateway.test_cli import lived as _lived

lived = _lived
NEW = "33" * 32


@pytest.fixture
def folder(lived: Path, tmp_path: Path) -> Iterator[Path]:
    yield copied(lived, tmp_path)


def loose(folder: Path) -> sqlite3.Connection:
    """As whoever owns the file: the guards of the database are taken down first."""
    database = sqlite3.connect(folder / "floatcard.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")
    return database


def test_signed_heads_are_met_by_the_store_they_were_signed_over(folder: Path) -> None:
    signed = floatcard(folder, "audit", "sign")
    assert signed.code == 0, signed.err
    (folder / "heads.json").write_text(signed.out)
    met = floatcard(folder, "audit", "check", "heads.json")
    assert met.code == 0 and "Both chains are whole" in met.out


def test_a_decision_that_is_gone_and_guards_that_are_down_are_told(folder: Path) -> None:
    (folder / "heads.json").write_text(floatcard(folder, "audit", "sign").out)
    database = loose(folder)
    database.commit()
    found = floatcard(folder, "audit", "check", "heads.json")
    assert found.code == 1 and "guards no longer" in found.out
    database.execute("DELETE FROM decision WHERE seq = (SELECT max(seq) FROM decision)")
    database.commit()
    database.close()
    found = floatcard(folder, "audit", "check", "heads.json")
    assert found.code == 1 and "decision" in found.out


def test_heads_that_were_altered_are_missing_or_signed_by_another_are_refused(folder: Path) -> None:
    text = floatcard(folder, "audit", "sign").out
    (folder / "altered.json").write_text(text.replace('"day": "2', '"day": "1').replace('"day":"2', '"day":"1'))
    (folder / "heads.json").write_text(text)
    for name in ("altered.json", "missing.json"):
        ended = floatcard(folder, "audit", "check", name)
        assert ended.code == 2 and name in ended.err, (name, ended)
    ended = floatcard(folder, "audit", "check", "heads.json", "--key", "00" * 32)
    assert ended.code == 2 and "heads.json" in ended.err


def test_the_master_key_is_changed_and_what_was_signed_still_holds_with_its_public_key(folder: Path) -> None:
    (folder / "new.key").write_text(NEW)
    done = floatcard(folder, "rotate-key", "file:new.key")
    assert done.code == 0 and "wrapped anew" in done.out, done.err
    assert floatcard(folder, "audit", "verify").code == 2, "the old key opens nothing any more"
    (folder / "master.key").write_text(NEW)
    sound = floatcard(folder, "audit", "verify")
    assert sound.code == 0 and "none altered" in sound.out


def test_a_new_key_that_is_none_or_the_old_one_changes_nothing(folder: Path) -> None:
    for name, text in (("words.key", "zz" * 32), ("same.key", MASTER)):
        (folder / name).write_text(text)
        ended = floatcard(folder, "rotate-key", f"file:{name}")
        assert ended.code == 2 and "rotate-key" in ended.err, (name, ended)
    assert floatcard(folder, "rotate-key", "env:NOT_SET_ANYWHERE").code == 2
    assert floatcard(folder, "audit", "verify").code == 0
