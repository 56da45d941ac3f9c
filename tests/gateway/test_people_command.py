"""`floatcard people`: dry run, counts and reasons; keys that a network changed; merging from the command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.clock import SystemClock
from gateway.config import load
from gateway.errors import Refused
from gateway.store.auditing import AuditStore
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from identity.model import Person
from tests.gateway.house import configured

HEAD = "id,name,email,roles,team,active,im\n"
ROWS = (
    HEAD
    + "1,Li Ting,LI@acme.com,rep;employee,east,yes,web/demo/user/u_li\n"
    + "2,Wang Min,wang@acme.com,manager,,,\n"
    + "3,,nobody@acme.com,,,,\n"
    + "4,Twin A,twin@acme.com,,,,\n"
    + "5,Twin B,twin@acme.com,,,,\n"
    + "6,Odd,odd@acme.com,,,perhaps,\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = configured(tmp_path, "http://127.0.0.1:1/demo/api")
    path.write_text(path.read_text("utf-8").replace("tests.gateway.moody", "local"), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["people", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def looked(folder: Path, look: Callable[[Any], Any]) -> Any:
    async def work() -> Any:
        store = Store.open(load(folder / "floatcard.toml").store)
        try:
            people = PeopleStore(store, SystemClock())
            await people.load()
            assert await AuditStore(store, SystemClock()).verify() is None
            found = look(people)
            return await found if asyncio.iscoroutine(found) else found
        finally:
            await store.close()

    return asyncio.run(work())


def names(folder: Path) -> set[str]:
    found: set[str] = looked(folder, lambda people: {each.name for each in people.persons()})
    return found


def test_a_dry_run_says_all_and_changes_nothing(folder: Path) -> None:
    (folder / "people.csv").write_text(ROWS, "utf-8")
    before = names(folder)
    code, told = run("import", "people.csv", "--dry-run")
    assert code == 1 and "2 new persons" in told and "3 not taken" in told and "1 not readable" in told
    assert "Nothing was written" in told and names(folder) == before
    for reason in ("line 4: It has neither", "line 5: Two of the directory", "line 7: active: write yes or no"):
        assert reason in told, told


def test_what_is_imported_is_there_and_a_newer_file_changes_it(folder: Path) -> None:
    (folder / "people.csv").write_text(ROWS, "utf-8")
    assert run("import", "people.csv")[0] == 1
    li: Person = looked(folder, lambda people: people.linked("im", "web/demo/user/u_li"))
    assert (li.name, li.team, li.emails) == ("Li Ting", "east", ("li@acme.com",)) and li.roles == {"rep", "employee"}
    (folder / "people.csv").write_text(HEAD + "1,Li T.,li@acme.com,rep,west,no,\n", "utf-8")
    code, told = run("import", "people.csv")
    assert code == 0 and "1 deactivated" in told
    (li,) = looked(folder, lambda people: [each for each in people.persons() if each.name == "Li T."])
    assert not li.active and li.team == "west"
    assert "Wang Min" in names(folder), "who is not in a file is left alone"


@pytest.mark.parametrize("text", ["", HEAD, "name,phone\nLi,1\n", "a,b\n1,2\n"])
def test_a_file_of_nobody_is_a_failure(folder: Path, text: str) -> None:
    (folder / "people.csv").write_text(text, "utf-8")
    with pytest.raises(Refused):
        run("import", "people.csv")


def test_the_crms_own_users_are_a_directory_too(folder: Path) -> None:
    with pytest.raises(Refused, match="not one person"):
        run("import", "--from", "local")
    assert CliRunner().invoke(app, ["people", "import"]).exit_code == 2


def test_keys_that_a_network_changed_follow(folder: Path) -> None:
    (folder / "people.csv").write_text(HEAD + "1,Li,a@b.c,,,,web/a/user/1\n2,Wang,w@b.c,,,,web/a/user/2\n", "utf-8")
    run("import", "people.csv")
    pairs = "web/a/user/1,web/a/user/2\nweb/a/user/2,web/a/user/1\nweb/a/user/9,web/a/user/8\n"
    (folder / "keys.csv").write_text(pairs, "utf-8")
    code, told = run("rekey", "keys.csv", "--dry-run")
    assert code == 1 and "2 moved, 1 not; nothing was written" in told and "web/a/user/9: nobody has it" in told
    run("rekey", "keys.csv")
    assert looked(folder, lambda people: people.linked("im", "web/a/user/1").name) == "Wang"
    (folder / "keys.csv").write_text("web/a/user/1,web/a/user/2\n", "utf-8")
    code, told = run("rekey", "keys.csv")
    assert code == 1 and "somebody's already" in told


def test_merged_and_taken_back_from_the_command(folder: Path) -> None:
    (folder / "people.csv").write_text(HEAD + "1,Li,a@b.c,,,,web/a/user/1\n2,Li too,w@b.c,,,,web/a/user/2\n", "utf-8")
    run("import", "people.csv")
    kept, gone = looked(folder, lambda people: [people.linked("im", f"web/a/user/{n}").id for n in (1, 2)])
    code, told = run("merge", kept, gone)
    assert code == 0 and "1 accounts moved" in told
    assert looked(folder, lambda people: people.linked("im", "web/a/user/2").id) == kept
    run("undo", told.split()[-1])
    assert looked(folder, lambda people: people.linked("im", "web/a/user/2").id) == gone


def test_split_and_taken_back_from_the_command(folder: Path) -> None:
    (folder / "people.csv").write_text(ROWS, "utf-8")
    run("import", "people.csv")
    [li] = [each.id for each in looked(folder, lambda people: people.persons()) if each.name == "Li Ting"]
    account = "web/demo/user/u_li"
    with pytest.raises(Refused, match="no account of this person"):
        run("split", li, "--name", "Li Na", "--account", "web/demo/user/none")
    code, told = run("split", li, "--name", "Li Na", "--account", account)
    assert code == 0 and "1 accounts are p_" in told
    new = looked(folder, lambda people: people.linked("im", account))
    assert new is not None and (new.name, new.roles) == ("Li Na", frozenset())
    assert run("undo", told.split()[-1])[0] == 0
    assert looked(folder, lambda people: people.linked("im", account)).id == li
