"""The commands as their own processes: what they print, and what they exit with."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.demo import DemoProcess, free_port
from tests.gateway.house import HERO, LI, MASTER, SECRET, configured, opened
from tests.gateway.test_edits import ONE, floated

CHAT = "http://127.0.0.1:1/demo/api"
ENV = {**os.environ, "FLOATCARD_LOG": "WARNING", "COLUMNS": "80", "PYTHONWARNINGS": "error"}


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def floatcard(folder: Path, *words: str, stdin: str | bytes = "") -> Ended:
    """Run in `folder`. Whatever goes wrong is told in words, never by a traceback."""
    command = [sys.executable, "-m", "gateway.cli", *words]
    given = stdin if isinstance(stdin, bytes) else stdin.encode()
    env = {**ENV, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, env=env, timeout=60, check=False)
    ended = Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    assert "Traceback" not in ended.err, ended.err
    assert SECRET not in ended.out + ended.err and MASTER not in ended.out + ended.err
    return ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = configured(tmp_path, CHAT)
    path.write_text(path.read_text("utf-8").replace("tests.gateway.moody", "local"), "utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A house in which something was decided."""
    import asyncio

    folder = tmp_path_factory.mktemp("lived")

    async def live() -> None:
        async with opened(folder) as house:
            card = await floated(house)
            await house.submit(LI, "deal", await house.open_form(LI, card), phone=ONE)
            await house.settle()

    asyncio.run(live())
    path = configured(folder, CHAT)
    path.write_text(path.read_text("utf-8").replace("tests.gateway.moody", "local"), "utf-8")
    yield folder


def copied(lived: Path, tmp_path: Path) -> Path:
    for path in lived.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    toml = tmp_path / "floatcard.toml"
    toml.write_text(toml.read_text("utf-8").replace(str(lived), str(tmp_path)), "utf-8")
    return tmp_path


def commands() -> list[list[str]]:
    import typer

    from gateway.cli.main import app

    root = typer.main.get_command(app)
    found: list[list[str]] = [[]]
    for name, command in getattr(root, "commands", {}).items():
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    return found


def test_every_command_has_a_help_that_says_what_it_does(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from gateway.cli.main import app

    for words in commands():
        shown = CliRunner().invoke(app, [*words, "--help"])
        assert shown.exit_code == 0 and "Usage" in shown.output, words
        assert len(shown.output.splitlines()) > 5, words
    assert {"demo", "run", "check", "import", "mentions", "resolve", "audit", "token", "login"} <= {
        words[0] for words in commands() if words
    }


def test_help_from_outside_and_a_command_nobody_knows(tmp_path: Path) -> None:
    shown = floatcard(tmp_path, "--help")
    assert shown.code == 0 and "import" in shown.out
    assert floatcard(tmp_path, "frobnicate").code == 2


def test_check(folder: Path) -> None:
    assert floatcard(folder, "check").out == "floatcard.toml: no fault found.\n"
    path = folder / "floatcard.toml"
    path.write_text(path.read_text("utf-8") + "\n[server]\nport = 0\ncolour = 'red'\nbody_limit = 1\n", "utf-8")
    found = floatcard(folder, "check")
    assert found.code == 2 and found.out == ""
    lines = found.err.splitlines()
    assert lines[0].startswith("floatcard.toml: server.") and len(lines) == 2, "one fault, one line"
    assert {line.split(": ")[1] for line in lines} == {"server.colour", "server.body_limit"}
    elsewhere = floatcard(folder, "check", "--config", "missing.toml")
    assert elsewhere.code == 2 and "no such file" in elsewhere.err


def test_import_reads_what_can_be_read_and_names_the_rest(folder: Path) -> None:
    rows = ["name,phone,city", "甲乙实业,021 5555 0000,上海", "丙丁贸易,not a phone,北京", ",010 1,北京", '"broken', ""]
    (folder / "customers.csv").write_text("\n".join(rows), "utf-8")
    planned = floatcard(folder, "import", "customers.csv", "--dry-run")
    assert planned.code == 1 and "rows: 1 readable, " in planned.out and "nothing was written" in planned.out
    assert "line 3: Phone: not a phone" in planned.err and "line 4: " in planned.err
    assert not (folder / "crm.db").exists()
    done = floatcard(folder, "import", "customers.csv")
    assert done.code == 1 and done.out.startswith("1 created, 0 changed, 0 unchanged, ")
    assert "line 3: Phone: not a phone" in done.err and "line 4: " in done.err
    again = floatcard(folder, "import", "customers.csv")
    assert again.out.startswith("0 created, 0 changed, 1 unchanged, ")


def test_import_takes_no_option_the_field_does_not_have(folder: Path) -> None:
    path = folder / "floatcard.toml"
    offered = [line for line in path.read_text("utf-8").splitlines() if "丢单" not in line]
    path.write_text("\n".join(offered), "utf-8")
    (folder / "customers.csv").write_text("name,stage\nFoo,Won\nBar,Lost\n", "utf-8")
    planned = floatcard(folder, "import", "customers.csv", "--dry-run")
    assert planned.code == 1 and "2 rows: 1 readable, 1 not" in planned.out
    done = floatcard(folder, "import", "customers.csv")
    assert (done.code, done.out) == (1, "1 created, 0 changed, 0 unchanged, 1 not readable\n")
    assert planned.err == done.err == "line 3: Stage: lost is not one of lead, qualified, negotiation, won.\n"


def test_import_reads_gb18030(folder: Path) -> None:
    (folder / "customers.csv").write_bytes("名称,电话\n华东示例公司,021 5555 0000\n".encode("gb18030"))
    done = floatcard(folder, "import", "customers.csv")
    assert (done.code, done.out) == (0, "1 created, 0 changed, 0 unchanged, 0 not readable\n")
    database = sqlite3.connect(folder / "crm.db")
    assert database.execute("SELECT name FROM account").fetchall() == [("华东示例公司",)]
    database.close()


def test_import_of_what_is_no_file_of_customers(folder: Path) -> None:
    (folder / "empty.csv").write_text("")
    (folder / "noise.csv").write_bytes(bytes(range(256)) * 20)
    for name in ("missing.csv", ".", "empty.csv", "noise.csv"):
        ended = floatcard(folder, "import", name)
        assert ended.code in (1, 2) and ended.err.strip(), name
    ended = floatcard(folder, "import", "empty.csv", "--crm", "nowhere")
    assert ended.code == 2 and "crms.nowhere" in ended.err and len(ended.err.splitlines()) == 1


def test_mentions_of_ones_own_list_in_ones_own_messages(tmp_path: Path) -> None:
    customers = [{"id": "1", "name": "华星医疗", "aliases": ["Huaxing Medical"]}, {"id": "2", "name": "Acme & Sons"}]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, customers)) + "\n")
    messages = [
        {"id": "a", "text": "明天去华星医疗"},
        {"id": "b", "text": "call Acme & Sons"},
        {"id": "c", "text": "-"},
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, messages)) + "\nnonsense\n")
    done = floatcard(tmp_path, "mentions", "--dictionary", "d.jsonl", "--messages", "m.jsonl")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [[one["customer_id"] for one in each["mentions"]] for each in found] == [["1"], ["2"], []]
    assert found[0]["mentions"][0] == {"start": 3, "end": 7, "customer_id": "1"}
    assert done.code == 1 and "line 4" in done.err
    missing = floatcard(tmp_path, "mentions", "--dictionary", "no.jsonl", "--messages", "m.jsonl")
    assert missing.code == 2 and "no.jsonl" in missing.err


def test_resolve(tmp_path: Path) -> None:
    edits = [
        {"id": "a", "source": "web", "value": "1", "parents": [], "time": 1, "kind": "set"},
        {"id": "b", "source": "crm", "value": "2", "parents": [], "time": 2, "kind": "set"},
    ]
    case = json.dumps({"name": "two", "policy": {"mode": "review"}, "edits": edits})
    done = floatcard(tmp_path, "resolve", stdin=case + "\n")
    answer = json.loads(done.out)
    assert (done.code, answer["reason"], answer["conflict"], answer["losers"]) == (0, "review", True, ["a", "b"])
    words = floatcard(tmp_path, "resolve", "--explain", stdin=case)
    assert words.code == 0 and "two" in words.out and "web" in words.out
    broken = floatcard(tmp_path, "resolve", stdin=b"nonsense\n\xff\n" + case.encode() + b"\n")
    lines = broken.out.splitlines()
    assert broken.code == 1 and "line 1" in lines[0] and json.loads(lines[-1])["name"] == "two"


def test_audit_verify_finds_what_was_tampered_with(lived: Path, tmp_path: Path) -> None:
    folder = copied(lived, tmp_path)
    sound = floatcard(folder, "audit", "verify")
    assert sound.code == 0 and "none altered, missing or reordered" in sound.out
    root = floatcard(folder, "audit", "publish")
    (folder / "root.json").write_text(root.out)
    met = floatcard(folder, "audit", "verify", "--root", "root.json")
    assert met.code == 0 and "the published root is met" in met.out

    database = sqlite3.connect(folder / "floatcard.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")  # as whoever owns the file can
    shard, seq = database.execute("SELECT shard, max(seq) FROM decision GROUP BY shard ORDER BY 2 DESC").fetchone()
    before = database.execute("SELECT at FROM decision WHERE shard = ? AND seq = ?", (shard, seq)).fetchone()[0]
    database.execute("UPDATE decision SET at = at + 1 WHERE shard = ? AND seq = ?", (shard, seq))
    database.commit()
    found = floatcard(folder, "audit", "verify")
    assert found.code == 1 and f"shard {shard}, decision {seq}" in found.out

    database.execute("UPDATE decision SET at = ? WHERE shard = ? AND seq = ?", (before, shard, seq))
    database.execute("DELETE FROM decision WHERE shard = ? AND seq = ?", (shard, seq))
    database.commit()
    database.close()
    cut = floatcard(folder, "audit", "verify", "--root", "root.json")
    assert cut.code == 1, "a cut tail is found against what was published outside"


def test_audit_of_what_is_no_root_and_with_another_key(lived: Path, tmp_path: Path) -> None:
    folder = copied(lived, tmp_path)
    (folder / "root.json").write_text("[]")
    for name in ("root.json", "missing.json"):
        ended = floatcard(folder, "audit", "verify", "--root", name)
        assert ended.code == 2 and name in ended.err
    (folder / "master.key").write_text("22" * 32)
    ended = floatcard(folder, "audit", "verify")
    assert ended.code == 2 and "master_key" in ended.err


def test_a_token_is_printed_once_and_stored_as_a_hash(lived: Path, tmp_path: Path) -> None:
    folder = copied(lived, tmp_path)
    made = floatcard(folder, "token", "reports", "--scope", "read", "--person", "p_wangmin")
    assert made.code == 0 and made.out.startswith("fc_") and made.err == ""
    assert made.out.strip().encode() not in (folder / "floatcard.db").read_bytes()
    wrong = [
        ["--scope", "everything"],
        ["--scope", "edit"],
        ["--scope", "edit", "--system", "web"],
        ["--scope", "edit", "--system", "local"],
        ["--scope", "read", "--person", "nobody"],
        ["--scope", "edit", "--system", "plugin", "--actor", "nobody"],
    ]
    for words in wrong:
        ended = floatcard(folder, "token", "t", *words)
        assert ended.code == 2 and ended.out == "" and ended.err.startswith("floatcard token: "), words


def test_a_login_link_is_for_admins(lived: Path, tmp_path: Path) -> None:
    folder = copied(lived, tmp_path)
    made = floatcard(folder, "login", "p_zhaolei")
    assert made.code == 0 and "/console/login?link=" in made.out
    for person in ("p_liting", "nobody"):
        ended = floatcard(folder, "login", person)
        assert ended.code == 2 and person in ended.err


def test_a_taken_port_and_a_folder_that_is_none(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = floatcard(tmp_path, "demo", "--folder", "data", "--port", port)
    assert ended.code == 2 and ended.out == ""
    (line,) = ended.err.splitlines()
    assert port in line and "choose another port" in line
    (tmp_path / "file").write_text("")
    ended = floatcard(tmp_path, "demo", "--folder", "file/data", "--port", port)
    assert ended.code == 2 and "--folder" in ended.err
    assert floatcard(tmp_path, "demo", "--port", "99999999").code == 2


def test_run_of_a_configuration_with_faults_serves_nothing(folder: Path) -> None:
    path = folder / "floatcard.toml"
    path.write_text(path.read_text("utf-8") + "\n[sever]\nport = 1\n", "utf-8")
    ended = floatcard(folder, "run")
    assert (ended.code, ended.err) == (2, "floatcard.toml: sever: unknown key\n")
    assert not (folder / "floatcard.db").exists()
    assert HERO


def test_a_demo_at_work_is_not_forgotten_under_its_feet(tmp_path: Path) -> None:
    demo = DemoProcess(tmp_path / "data")
    demo.start()
    try:
        again = floatcard(tmp_path, "demo", "--folder", "data", "--port", str(free_port()), "--fresh")
        assert again.code == 2 and "a demo works here" in again.err
        beside = floatcard(tmp_path, "demo", "--folder", "data", "--port", str(free_port()))
        assert beside.code == 2 and "another gateway works on this database" in beside.err
    finally:
        assert demo.stop() == 0


def test_a_gateway_that_runs_loads_nothing_to_draw_tables_with() -> None:
    """It would keep it for as long as it runs."""
    code = "import sys, gateway.cli.main; print([name for name in sys.modules if name.partition('.')[0] == 'rich'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
