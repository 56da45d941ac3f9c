"""Managers and admins are reached where they are: alerts acknowledged and snoozed, and somebody nobody has mapped."""

from __future__ import annotations

from pathlib import Path

from crm.model import RecordRef
from tests.channels.matrix.home import ROOM, World, around, two
from tests.channels.matrix.server import number
from tests.gateway.house import NAME, WANG, ZHAO, Json

MANAGER, ADMIN, NEW = "@wang:example.org", "@zhao:example.org", "@new:example.org"
CLOUD = RecordRef.parse("local:account:yunqi-textile")


async def only_here(world: World, who: str, demo: str, person: str) -> None:
    await world.known(who, demo)
    (web,) = [link for link in world.live.s.people.links(person) if link.key.startswith("web/")]
    await world.live.s.people.unlink(web.id, "test")


def alone(world: World, who: str) -> tuple[str, Json]:
    ((id_, content),) = world.home.cards(two(who)).items()
    return id_, content


def can(content: Json, action: str) -> bool:
    return action in [each["action"] for each in content.get("org.floatcard.card", {}).get("presses", ())]


async def test_an_alert_is_snoozed_comes_again_and_is_acknowledged_in_place(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await only_here(world, MANAGER, WANG, "p_wangmin")
        (risk,) = (await world.live.crm.get(CLOUD)).related["risk"]
        await world.live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
        await world.live.settle()
        alert, content = alone(world, MANAGER)
        assert "云栖纺织" in content["body"]
        for action in ("snooze", "acknowledge"):
            assert can(content, action)
            await world.say(number(content, action), two(MANAGER), to=alert, at=2**50, who=MANAGER)
            await world.live.settle()
            content = world.home.cards(two(MANAGER))[alert]
            assert not can(content, action), "painted in place"
            world.live.clock.ahead(hours=2)
            await world.live.settle()
            content = world.home.cards(two(MANAGER))[alert]
        assert not can(content, "snooze") and not can(content, "acknowledge")


async def test_an_admin_hears_of_somebody_nobody_mapped_and_says_who_it_is(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await only_here(world, ADMIN, ZHAO, "p_zhaolei")
        world.home.rooms[ROOM].append(NEW)
        world.home.names[NEW] = "陈伟 Chen Wei"
        await world.say(NAME, who=NEW)
        await world.live.settle()
        notice, content = alone(world, ADMIN)
        await world.say(number(content, "map"), two(ADMIN), to=notice, at=2**50, who=ADMIN)
        await world.live.settle()
        person = world.live.s.people.linked("im", f"matrix/example.org/user/{NEW}")
        assert person is not None and person.id == "p_chenwei"
