"""Faults at start: every one at once, with file, key and reason; nothing is opened half, and no secret is printed."""

from __future__ import annotations

import gc
import shutil
import sqlite3
from pathlib import Path

import pytest

from gateway.app import open_house
from gateway.config import check, load
from gateway.errors import Misconfigured
from tests.gateway.house import LI, MASTER, NAME, SECRET, Hands, configured, opened

CHAT = "http://127.0.0.1:1/demo/api"


def write(tmp_path: Path, *lines: str, **replaced: str) -> Path:
    path = configured(tmp_path, CHAT, "\n".join(lines))
    text = path.read_text("utf-8")
    for old, new in replaced.items():
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def told(path: Path) -> dict[str, str]:
    return {key: reason for _, key, reason in check(path)}


def test_the_demos_own_configuration_has_no_fault(tmp_path: Path) -> None:
    assert check(write(tmp_path)) == []


def test_every_fault_is_found_at_once(tmp_path: Path) -> None:
    lines = """
        [server]
        port = 99999
        colour = "red"
        [mentions]
        cool_down = "half an hour"
        [retention]
        once = "1d"
        [kinds]
        account = "nowhere"
        [policies.odd]
        mode = "authoritative"
        [fields.size]
        label = { en = "Size" }
        type = "choice"
        policy = "missing"
        normaliser = "telepathy"
        [channels.other]
        type = "carrier-pigeon"
        [channels.slack]
        type = "slack"
        bot_token = "xoxb-in-the-file"
        [crms.second]
        type = "local"
        database = "nowhere"
        surprise = 1
    """
    path = write(tmp_path, *(line.strip() for line in lines.splitlines()))
    text = path.read_text("utf-8").replace('zone = "Asia/Shanghai"', 'zone = "Middle/Earth"\ntypo = 1')
    path.write_text(text.replace('deployment = "demo"', 'deployment = "Not A Name"'), "utf-8")
    found = told(path)
    assert set(found) >= {
        "deployment",
        "typo",
        "zone",
        "server.port",
        "server.colour",
        "mentions.cool_down",
        "retention.once",
        "kinds.account",
        "policies.odd.authority",
        "fields.size.options",
        "fields.size.policy",
        "fields.size.normaliser",
        "channels.other.type",
        "channels.slack.bot_token",
        "crms.second.database",
        "crms.second.surprise",
    }
    assert found["typo"] == found["server.colour"] == "unknown key"
    assert all(found.values())
    assert "xoxb" not in str(found)
    with pytest.raises(Misconfigured) as refused:
        load(path)
    assert len(refused.value.faults) >= 16


def test_a_fault_hides_no_reference_to_what_it_is_in(tmp_path: Path) -> None:
    path = write(tmp_path, "[policies.mine]", 'mode = "democracy"', "[fields.size]", 'policy = "mine"')
    found = told(path)
    assert set(found) == {"policies.mine.mode", "fields.size.label"}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('"in the file itself"', "never in the file itself"),
        ('"env:FLOATCARD_NOT_SET"', "no variable FLOATCARD_NOT_SET"),
        ('"file:not-there.key"', "cannot be read"),
        ('"file:web.key"', "32 bytes in hex"),
        ("7", "valid string"),
    ],
)
def test_a_master_key_that_is_none_is_told_once_and_never_shown(tmp_path: Path, key: str, words: str) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text("utf-8").replace('"file:master.key"', key), "utf-8")
    (tmp_path / "web.key").write_text("short and secret!!")
    (fault,) = [each for each in check(path) if each[1] == "master_key"]
    assert words in fault[2]
    assert "short and secret" not in str(check(path))


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    config = load(write(tmp_path))
    assert MASTER not in repr(config)
    assert MASTER not in str(config.model_dump())


@pytest.mark.parametrize("text", ["", "deployment = ", "a = 1\na = 2", "\ufeff", "=\x00"])
def test_what_is_no_toml_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "floatcard.toml"
    path.write_text(text, "utf-8")
    assert check(path), "at least one fault"
    path.write_bytes(b"\xff\xfe")
    ((file, _, reason),) = check(path)
    assert file == str(path) and "TOML" in reason
    path.unlink()
    assert "no such file" in check(path)[0][2]
    path.mkdir()
    assert "not readable" in check(path)[0][2]


def test_a_template_with_an_unknown_tag_is_named(tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "customer.xml.j2").write_text('<card summary="x"><marquee text="y"/></card>')
    (cards / "alert.xml.j2").write_text("{% if %}")
    path = write(tmp_path)
    text = path.read_text("utf-8").replace("demo = true\n", f'demo = true\ncards_dir = "{cards}"\n')
    path.write_text(text, "utf-8")
    found = {Path(file).name: reason for file, _, reason in check(path)}
    assert set(found) == {"customer.xml.j2", "alert.xml.j2"}
    assert "marquee" in found["customer.xml.j2"]


def test_a_policy_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "mine.cedar").write_text('@id("a") permit (principal, action, resource) when { principal.shoe };')
    path = write(tmp_path)
    text = path.read_text("utf-8").replace("demo = true\n", f'demo = true\npolicies_dir = "{folder}"\nnope = 1\n')
    path.write_text(text, "utf-8")
    found = check(path)
    assert any("mine.cedar" in file for file, _, _ in found)
    assert ("nope", "unknown key") in {(key, reason) for _, key, reason in found}, "both at once"


# the database ----------------------------------------------------------------------------------------------------


async def refused(tmp_path: Path, path: Path | None = None) -> str:
    """What `open_house` says. Whatever it opened before, it closed: a warning of what stayed open fails the test."""
    with pytest.raises(Misconfigured) as fault:
        await open_house(load(path or write(tmp_path)), Hands())
    gc.collect()
    return "\n".join(reason for _, _, reason in fault.value.faults)


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "floatcard.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (id INTEGER)")
    other.commit()
    other.close()
    before = path.read_bytes()
    assert "belongs to another program" in await refused(tmp_path)
    assert path.read_bytes() == before


async def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "floatcard.db").write_bytes(b"a spreadsheet, perhaps" * 100)
    assert "not a database" in await refused(tmp_path)
    assert (tmp_path / "floatcard.db").read_bytes().startswith(b"a spreadsheet")


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text("utf-8").replace("/floatcard.db", "/no/such/folder/floatcard.db"), "utf-8")
    assert "check that it is running, its path and its rights" in await refused(tmp_path, path)


async def test_the_gateways_database_is_no_crm(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    path = write(tmp_path)
    path.write_text(path.read_text("utf-8").replace("/crm.db", "/floatcard.db"), "utf-8")
    assert await refused(tmp_path, path)


async def test_another_master_key_than_the_databases(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    path = write(tmp_path)
    (tmp_path / "master.key").write_text("22" * 32)
    said = await refused(tmp_path, path)
    assert "key" in said and "22" * 32 not in said and MASTER not in said and SECRET not in said
    (tmp_path / "master.key").write_text(MASTER)
    async with opened(tmp_path):
        pass


async def test_a_policy_fault_found_late_closes_what_was_opened(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "mine.cedar").write_text("nonsense")
    path = write(tmp_path)
    text = path.read_text("utf-8").replace("demo = true\n", f'demo = true\npolicies_dir = "{folder}"\n')
    path.write_text(text, "utf-8")
    await refused(tmp_path, path)
    shutil.rmtree(folder)


async def test_a_second_gateway_on_the_same_file_is_refused_and_the_first_works_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert "another gateway works on this database" in await refused(tmp_path, live.folder / "floatcard.toml")
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert len(live.cards("deal")) == 1
    async with opened(tmp_path) as live:
        await live.settle()
