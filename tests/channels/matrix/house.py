"""A whole gateway on a real Synapse, and what people do at their clients there."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import nio  # type: ignore[import-untyped]

from crm.local.crm import LocalCrm
from crm.local.sample import load_sample
from gateway.app import open_house
from gateway.config import load
from gateway.demo.people import settle_in
from gateway.demo.run import TEMPLATE
from gateway.house import House
from gateway.http.health import Health
from gateway.http.server import application, listen
from tests.browser.demo import free_port
from tests.channels.matrix.server import Seat, until

MATRIX = """[channels.matrix]
type = "matrix"
url = "{url}"
user = "@floatcard:localhost"
access_token = "file:token.key"
strangers = ["@eve*"]
wait = 2
"""


def configured(folder: Path, url: str, token: str, port: int, more: str) -> Path:
    (folder / "master.key").write_text("11" * 32)
    (folder / "token.key").write_text(token)
    text = TEMPLATE.read_text("utf-8").replace('"sqlite:///', f'"sqlite:///{folder.as_posix()}/')
    channel = MATRIX.format(url=url)
    text = re.sub(r"\[channels\.web\].*?(?=\[crms)", lambda _: channel + "\n", text, flags=re.DOTALL)
    text = text.replace('deployment = "demo"\n', f'deployment = "demo"\npublic_url = "http://127.0.0.1:{port}"\n')
    path = folder / "floatcard.toml"
    path.write_text(text.replace("demo = true\n", "") + more, "utf-8")
    return path


@contextlib.asynccontextmanager
async def gateway(
    folder: Path, url: str, token: str, linked: Sequence[str] = ("liting", "chenwei"), more: str = ""
) -> AsyncIterator[House]:
    """A whole one, as it is in production, with the sample company in it."""
    port = free_port()
    house = await open_house(load(configured(folder, url, token, port, more)))
    crm = house.services.crms["local"]
    assert isinstance(crm, LocalCrm)
    await load_sample(crm, time.time_ns() // 1_000_000)
    people = house.services.people
    await settle_in(people)
    for name in linked:
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


async def direct_room(seat: Seat) -> str:
    """The one the bot made: accepted as a client would show it."""

    async def look() -> str | None:
        told = await seat.client.sync(timeout=0, full_state=True)
        assert isinstance(told, nio.SyncResponse), told
        return next(iter(told.rooms.invite), None)

    room = await until("an invitation from the bot", look)
    assert isinstance(await seat.client.join(room), nio.JoinResponse)
    return room


async def is_in(seat: Seat, room: str, who: str) -> bool:
    told = await seat.client.joined_members(room)
    return isinstance(told, nio.JoinedMembersResponse) and who in {member.user_id for member in told.members}


async def links_in(seat: Seat, room: str) -> list[str]:
    """To forms, the newest last."""
    found = [re.search(r"/form/(\S+)", card["body"]) for card in (await seat.cards(room)).values()]
    return [each[1] for each in found if each]
