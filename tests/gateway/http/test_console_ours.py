"""What the house itself wrote is read in one's own language, and a wrong address has a page with a way back."""

from __future__ import annotations

import pytest

from cards.words import Reader
from gateway.console.ours import _NOTES, evidence, note
from identity.explain import where
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.world import World

READER = Reader("zh-CN", "UTC", 0)


async def test_every_note_of_our_own_policies_is_translated_and_no_other(world: World) -> None:
    access = world.house.services.access
    notes = [each.note for each in where(access.policies, access) if each.note]
    assert set(notes) == _NOTES
    assert len(notes) > 8 and not [each for each in notes if note(READER, each) == each]
    assert note(READER, "chosen in the console") == "chosen in the console"
    async with Visitor(world) as visitor:
        await visitor.enter()
        assert "公司自己工作区的正式成员" in (await visitor.get("/console/policies/access?lang=zh-CN"))[1]
        assert "演示目录" in (await visitor.get("/console/identities"))[1]


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("said by p_a in slack", "由 p_a 在 slack 中指定"),
        ("said by Ada over the phone", "said by Ada over the phone"),
        ("imported from HR export.csv", "从 HR export.csv 导入"),
        ("{who}", "{who}"),
        ("", ""),
    ],
)
def test_evidence_of_ours_is_said_and_an_admins_own_stays(kept: str, read: str) -> None:
    assert evidence(READER, kept) == read


async def test_a_wrong_address_is_told_with_a_way_back(world: World) -> None:
    async with Visitor(world) as visitor:
        assert "/console/enter" in (await visitor.get("/console/nowhere"))[1], "a stranger is only asked to sign in"
        await visitor.enter()
        for path in ("/console/nowhere", "/console/audit/x/y", "/console/%3Cscript%3E"):
            status, page, told = await visitor.get(f"{path}?lang=zh-CN")
            assert status == 404 and "没有这个页面" in page and 'href="/console"' in page, path
            assert "default-src 'none'" in told.headers["Content-Security-Policy"] and "<script>" not in page
