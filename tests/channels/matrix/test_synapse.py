"""The whole product against software nobody here wrote: a real Synapse, two people on their own clients, a stranger."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nio  # type: ignore[import-untyped]
import pytest

from channels.matrix.cards import KEY
from crm.local.crm import LocalCrm
from crm.local.sample import load_sample
from crm.model import RecordRef
from gateway.app import House, open_house
from gateway.config import load
from gateway.demo.people import settle_in
from gateway.demo.run import TEMPLATE
from gateway.http.health import Health
from gateway.http.server import application, listen
from tests.browser.demo import free_port
from tests.channels.matrix.server import Seat, Synapse, number, seated, synapse, until
from tests.gateway.http.visiting import Browser

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

HERO = "local:account:hx-medical"
PHONE, THEIRS, MINE = "+86 512 6288 0016", "+86 512 6288 0100", "+86 512 6288 0200"
SECRETS = ("6288 00", "6288 01", "6288 02", "竞品", "星湖街", "采购")
"""Of the hero's: its numbers, its notes and risk, its address."""
MATRIX = """[channels.matrix]
type = "matrix"
url = "{url}"
user = "@floatcard:localhost"
access_token = "file:token.key"
strangers = ["@eve*"]
wait = 2
"""


def configured(folder: Path, server: Synapse, token: str, port: int) -> Path:
    (folder / "master.key").write_text("11" * 32)
    (folder / "token.key").write_text(token)
    text = TEMPLATE.read_text("utf-8").replace('"sqlite:///', f'"sqlite:///{folder.as_posix()}/')
    channel = MATRIX.format(url=server.url)
    text = re.sub(r"\[channels\.web\].*?(?=\[crms)", lambda _: channel + "\n", text, flags=re.DOTALL)
    text = text.replace('deployment = "demo"\n', f'deployment = "demo"\npublic_url = "http://127.0.0.1:{port}"\n')
    path = folder / "floatcard.toml"
    path.write_text(text.replace("demo = true\n", ""), "utf-8")
    return path


@contextlib.asynccontextmanager
async def gateway(folder: Path, server: Synapse, token: str) -> AsyncIterator[House]:
    """A whole one, as it is in production, with the sample company in it."""
    port = free_port()
    house = await open_house(load(configured(folder, server, token, port)))
    crm = house.services.crms["local"]
    assert isinstance(crm, LocalCrm)
    await load_sample(crm, time.time_ns() // 1_000_000)
    people = house.services.people
    await settle_in(people)
    for name in ("liting", "chenwei"):
        key = f"matrix/localhost/user/@{name}:localhost"
        await people.link(f"p_{name}", "im", key, step="admin", evidence="this test", made_by="p_zhaolei")
    await house.relink()
    health = Health(house.services, house.worker)
    served = await listen(application(house, health), health, "127.0.0.1", port)
    await house.start()
    try:
        yield house
    finally:
        await served.stop()
        await house.close()


@dataclass(slots=True)
class Scene:
    house: House
    li: Seat
    chen: Seat
    eve: Seat
    room: str

    async def crm_has(self, phone: str) -> None:
        crm = self.house.services.crms["local"]

        async def look() -> bool:
            return (await crm.get(RecordRef.parse(HERO))).fields["phone"].value == phone

        await until(f"{phone} in the CRM", look)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    names = {"floatcard": "Floatcard", "liting": "李婷", "chenwei": "陈伟", "eve": "Eve"}
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(synapse(tmp_path / "synapse"))
        for name, shown in names.items():
            await server.register(name, shown)
        bot, li, chen, eve = [await stack.enter_async_context(seated(server, name)) for name in names]
        house = await stack.enter_async_context(gateway(tmp_path, server, bot.client.access_token))
        made = await li.client.room_create(name="East", invite=[bot.id, chen.id])
        assert isinstance(made, nio.RoomCreateResponse), made
        await chen.client.join(made.room_id)
        await until("the bot in the room", lambda: _in(li, made.room_id, bot.id))
        yield Scene(house, li, chen, eve, made.room_id)


async def _in(seat: Seat, room: str, who: str) -> bool:
    told = await seat.client.joined_members(room)
    return isinstance(told, nio.JoinedMembersResponse) and who in {member.user_id for member in told.members}


async def direct_room(seat: Seat) -> str:
    """The one the bot made: accepted as a client would show it."""

    async def look() -> str | None:
        told = await seat.client.sync(timeout=0, full_state=True)
        assert isinstance(told, nio.SyncResponse), told
        return next(iter(told.rooms.invite), None)

    room = await until("an invitation from the bot", look)
    assert isinstance(await seat.client.join(room), nio.JoinResponse)
    return room


async def link_in(seat: Seat, room: str) -> str:
    """The address that the newest message with one holds."""

    async def look() -> str | None:
        found = [re.search(r"/form/(\S+)", card["body"]) for card in (await seat.cards(room)).values()]
        return next((each[1] for each in reversed(found) if each), None)

    return await until("a link to the form", look)


async def test_a_room_on_a_real_server(scene: Scene) -> None:
    li, chen, room = scene.li, scene.chen, scene.room

    # a message that mentions nobody brings a card, and the card follows the message
    said = await chen.say(room, "Tomorrow I see Northlake Instruments")
    first, _ = await li.card(room, "Northlake", "+44 20 7946 0101")
    await chen.rewrite(room, said, "明天去华星医疗谈续约")
    card, content = await li.card(room, "华星医疗", PHONE, "竞品", without="Northlake")
    assert card == first, "the same message, painted again"

    # the form is a page; somebody else changes the value meanwhile; both are kept until somebody decides
    await li.reply(room, card, number(content, "edit"))
    alone = await direct_room(li)
    browser = Browser(f"{scene.house.services.config.public_url}")
    link = await link_in(li, alone)
    try:
        await browser.open(link)
        form = browser.fields()
        assert form["v.phone"] == PHONE
        crm = scene.house.services.crms["local"]
        assert isinstance(crm, LocalCrm)
        await crm.set_native(RecordRef.parse(HERO), "phone", THEIRS, "wang.min")
        await li.card(room, "华星医疗", THEIRS)
        await browser.send(link, {**form, "v.phone": MINE})
        assert browser.status == 200 and 'class="sides"' in browser.page
    finally:
        await browser.session.close()
    asked, content = await chen.card(room, THEIRS, MINE, without="竞品")

    # settled by a reply, undone by a reply
    mine = next(at for at in range(2) if MINE in content["body"].split("\n[")[at])
    await li.reply(room, asked, number(content, "settle", mine))
    await scene.crm_has(MINE)
    content = await until("the settled card", lambda: settled(li, room, asked))
    await li.reply(room, asked, content[KEY]["presses"][0]["label"])
    await scene.crm_has(THEIRS)

    # an edit in words, checked like any other
    assert (await li.card(room, "竞品", THEIRS))[0] == card
    await li.reply(room, card, "edit phone not a number")
    await li.reply(room, card, f"edit 电话 {MINE}")
    await scene.crm_has(MINE)
    assert (await li.card(room, "竞品", MINE))[0] == card

    # a stranger joins: the card shrinks, and no version of it tells more
    await li.client.room_invite(room, scene.eve.id)
    assert MINE in (await li.cards(room))[card]["body"], "who is invited reads nothing yet"
    await scene.eve.client.join(room)
    await until("a card with the name alone", lambda: shrunk(scene.eve, room, card))
    await until("only what a stranger may read", lambda: nothing_of(scene.eve, room, [card, asked]))


async def settled(seat: Seat, room: str, card: str) -> dict[str, Any] | None:
    content = (await seat.cards(room))[card]
    return content if MINE in content["body"] and THEIRS not in content["body"] else None


async def shrunk(seat: Seat, room: str, card: str) -> bool:
    body = (await seat.cards(room)).get(card, {"body": ""})["body"]
    return "华星医疗" in body and not any(secret in body for secret in SECRETS)


async def nothing_of(seat: Seat, room: str, cards: list[str]) -> bool:
    """Of what the bot said: people's own words are theirs."""
    words = [each for each in (await seat.readable(room)).split("\n") if '"@floatcard:localhost"' in each]
    return not [secret for secret in SECRETS if any(secret in each for each in words)]
