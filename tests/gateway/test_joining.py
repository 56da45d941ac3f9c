"""`floatcard crm join` and `part` beside a running gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli import joining
from gateway.errors import Misconfigured, Refused
from tests.gateway.house import HERO, PHONE
from tests.gateway.several import Several, several


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Several]:
    async with several(tmp_path) as world:
        yield world


async def test_two_are_joined_after_a_look_and_parted(world: Several) -> None:
    live = world.live
    config = live.folder / "floatcard.toml"
    await world.in_erp(tel="0512 7777 0005")
    await live.settle()
    asked: list[str] = []

    def no(text: str) -> bool:
        asked.append(text)
        return False

    said = await joining.join(config, HERO, world.erp_ref, no)
    assert said == "Nothing was joined." and "Huaxing (ERP)" in asked[0] and "7777 0005" in asked[0]
    await live.settle()
    assert live.s.records.joined.of(world.erp_ref) == world.erp_ref
    await joining.join(config, HERO, world.erp_ref, lambda _: True)
    await live.settle()
    assert live.s.records.joined.of(world.erp_ref) == HERO
    assert [case.field for case in await live.s.ledger.conflicts()] == ["phone"], "what differed is asked, not written"
    assert (await live.there("phone"), await world.there("erp", "phone")) != ("0512 7777 0005", f"{PHONE} 6288 0016")
    with pytest.raises(Refused):
        await joining.join(config, world.erp_ref, world.erp_ref, lambda _: True)
    assert "customer of its own" in await joining.part(config, world.erp_ref)
    await live.settle()
    assert live.s.records.joined.of(world.erp_ref) == world.erp_ref
    with pytest.raises(Refused):
        await joining.part(config, world.erp_ref)
    with pytest.raises(Refused):
        await joining.join(config, HERO, "erp:account:77", lambda _: True)
    assert await live.rows("audit", "what IN ('joined', 'parted')") == 2


async def test_whoever_alone_has_the_same_value_is_joined(world: Several) -> None:
    live = world.live
    config = live.folder / "floatcard.toml"
    asked: list[str] = []

    def yes(text: str) -> bool:
        asked.append(text)
        return True

    said = await joining.join_by(config, "local", "erp", "phone", yes)
    assert said.startswith("1 joined") and f"{HERO} = {world.erp_ref}" in asked[0], "0512 … and +86 512 … are one"
    twin = world.hub.put("companies", name="Another", phone=f"{PHONE} 6288 0016")
    assert twin
    await live.settle()
    said = await joining.join_by(config, "local", "hub", "phone", lambda _: True)
    assert "Nothing was joined" in said and "more than two have it: 1" in said
    with pytest.raises(Misconfigured):
        await joining.join_by(config, "local", "none", "phone", lambda _: True)
