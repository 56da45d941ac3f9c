"""`floatcard stages` and `floatcard applications` as their own processes, beside a store that was lived in."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gateway.cli import governing
from gateway.errors import Misconfigured, Refused
from gateway.store.tokens import Token, TokenStore
from tests.gateway.fake_chat import text
from tests.gateway.house import LI, NAME, configured, opened
from tests.gateway.test_cli import CHAT, floatcard


async def lived(folder: Path) -> Path:
    """The configuration of a house in which a card floated."""
    async with opened(folder) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        made = Token("sms", frozenset({"read"}), reads=frozenset({"phone"}), expires_at=live.clock.now() + 10**12)
        await TokenStore(live.s.store, live.clock).make(made)
    return folder / "floatcard.toml"


async def test_stages_from_the_command_line(tmp_path: Path) -> None:
    path = await lived(tmp_path)
    told = await governing.stages(path)
    assert "group/group: full (run 0)" in told and "shown 1, opened 0" in told
    done = await governing.decide(path, "group/group", "minimal", "p_zhaolei")
    assert "group/group is at minimal now (run 1)" in done and "minimal (run 1)" in await governing.stages(path)
    with pytest.raises(Refused, match="already"):
        await governing.decide(path, "group/group", "minimal", "p_zhaolei")
    with pytest.raises(Misconfigured, match="no active person with the role admin"):
        await governing.decide(path, "group/group", "full", "p_liting")
    assert "is at full now" in await governing.undo(path, "group/group", "p_zhaolei")


async def test_applications_from_the_command_line(tmp_path: Path) -> None:
    path = await lived(tmp_path)
    listed = await governing.applications(path)
    assert "web (channel): not granted nothing" in listed and "reads phone, last used never, ends 20" in listed
    assert "web phone" in await governing.reads(path, 400, None)
    assert "rows in" in await governing.reads(path, 400, tmp_path / "out.csv")
    rows = list(csv.reader((tmp_path / "out.csv").read_text("utf-8-sig").splitlines()))
    assert ["web", "phone"] in [row[:2] for row in rows] and rows[0][0] == "application"
    id_ = next(line.split()[0] for line in listed.splitlines() if "reads phone" in line)
    assert await governing.end(path, id_) == "A token of sms is ended."
    with pytest.raises(Misconfigured, match="no token"):
        await governing.end(path, id_)


def test_what_is_asked_for_wrongly_is_told_in_words(tmp_path: Path) -> None:
    path = configured(tmp_path, CHAT)
    path.write_text(path.read_text("utf-8").replace("tests.gateway.moody", "local"), "utf-8")
    refused = floatcard(tmp_path, "stages", "set", "group/group", "huge", "--by", "p_nobody")
    assert refused.code == 2 and "no active person with the role admin" in refused.err


async def test_a_running_gateway_follows_what_another_process_decides(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        path = tmp_path / "floatcard.toml"
        await governing.decide(path, "group/group", "minimal", "p_zhaolei")
        # The command has a clock of its own; other things of this house may be due before what it asked for.
        while "演示完成" in text(live.card("deal").card) and (at := await live.s.due.next_at()) is not None:
            live.clock.at = max(live.clock.at, at)
            await live.settle()
        assert "演示完成" not in text(live.card("deal").card)
