"""The names' file: a start reads it, what changed since is made again, and one of no use is made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crm.model import RecordRef
from gateway.cli.main import app
from gateway.mentioning import kept
from tests.gateway.house import HERO, LI, NAME, Live, opened
from tests.gateway.mentioning.told import said


def spec(tmp_path: Path) -> str:
    return f'[mentions]\nindex = "{(tmp_path / "names.idx").as_posix()}"'


async def keep(live: Live) -> None:
    await live.house.schedule.once()
    await live.s.records.keep_names()


def found(live: Live, text: str) -> list[str]:
    return [one.ref for mention in live.s.records.names.find(text) for one in mention.candidates]


async def test_a_start_reads_the_file_and_what_changed_since(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=spec(tmp_path)) as live:
        await keep(live)
        assert (tmp_path / "names.idx").exists()
        live.clock.ahead(minutes=10)
        await live.crm.set_native(RecordRef.parse(HERO), "name", "星河影像", "zhao.lei")
        await live.settle()
        clock = live.clock
    async with opened(tmp_path, clock, extra=spec(tmp_path)) as live:
        assert found(live, "星河影像") == [HERO]
        await said(live, LI, "deal", "星河影像怎么样")
        assert live.card("deal").card["summary"] == "星河影像"
        assert found(live, "罗一鸣") == [] and live.s.records.contacts.find("罗一鸣") != []


@pytest.mark.parametrize("spoil", ["cut", "rules", "stranger"])
async def test_a_file_of_no_use_is_made_anew(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "names.idx"
    async with opened(tmp_path, extra=spec(tmp_path)) as live:
        await keep(live)
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-7])
    elif spoil == "rules":
        about = json.loads((tmp_path / "names.idx.at").read_text())
        (tmp_path / "names.idx.at").write_text(json.dumps({**about, "rules": "others"}))
    else:
        path.write_bytes(b"hello")
    assert kept.read(path) is None
    async with opened(tmp_path, extra=spec(tmp_path)) as live:
        assert HERO in found(live, NAME)


@pytest.mark.parametrize("slips", ["kept", "broken", "none"])
async def test_slips_are_known_after_a_start_from_the_file(tmp_path: Path, slips: str) -> None:
    async with opened(tmp_path, extra=spec(tmp_path)) as live:
        live.clock.ahead(minutes=10)
        await keep(live)
        clock = live.clock
    file = tmp_path / "names.idx.slips"
    if slips == "broken":
        file.write_bytes(b"hello")
    elif slips == "none":
        file.unlink()
    async with opened(tmp_path, clock, extra=spec(tmp_path)) as live:
        if slips != "kept":
            assert live.s.records.suggestions.suggest("明天去华兴医疗") is None, "they come with the first chores"
            await keep(live)
        found = live.s.records.suggestions.suggest("明天去华兴医疗")
        assert found is not None and found.refs == (HERO,)
        await live.s.records.call(HERO, "华星医疗", "never", "p_zhaolei")
        assert live.s.records.suggestions.suggest("明天去华兴医疗") is None, "what changed since goes before"


async def test_nothing_is_written_when_nothing_changed_or_nobody_asked(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=spec(tmp_path)) as live:
        await keep(live)
        assert not await live.s.records.keep_names()
    async with opened(tmp_path) as live:
        assert not await live.s.records.keep_names()


async def test_a_file_built_elsewhere_is_taken(tmp_path: Path) -> None:
    customers = tmp_path / "customers.jsonl"
    customers.write_text(json.dumps({"id": HERO, "name": "云外仪器", "aliases": []}) + "\nbroken\n", "utf-8")
    ran = CliRunner().invoke(app, ["index", "build", str(customers), str(tmp_path / "names.idx")])
    assert ran.exit_code == 0 and "1 customers" in ran.output and "line 2" in ran.output
    async with opened(tmp_path, extra=spec(tmp_path)) as live:
        assert HERO in found(live, "云外仪器"), "as the file says, until the CRM says otherwise"


def test_messages_are_explained_in_words(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(
        '{"id":"hx","name":"华星医疗","aliases":[]}\n{"id":"sl","name":"顺利","aliases":[]}'
    )
    (tmp_path / "m.jsonl").write_text(
        '{"id":"1","text":"明天去华星医疗"}\n{"id":"2","text":"一切顺利\\u001b[2J"}\n{"id":3}'
    )
    files = ["--dictionary", str(tmp_path / "c.jsonl"), "--messages", str(tmp_path / "m.jsonl")]
    ran = CliRunner().invoke(app, ["mentions", *files, "--explain"], env={"LANG": "zh_CN.UTF-8", "LC_ALL": ""})
    assert ran.exit_code == 1, "a line could not be read"
    assert "华星医疗: 出卡片 hx (把握" in ran.output
    assert "顺利: 保持安静 (把握" in ran.output and "反对：常用词" in ran.output
    assert "\x1b" not in ran.output
