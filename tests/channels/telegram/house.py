"""The whole gateway with Telegram beside its own chat: the same people and customers, rooms of their own."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestServer

from channels.model import ImId
from channels.telegram import LIMITS
from tests.channels.telegram.fake_api import FakeApi, Message, Room
from tests.channels.telegram.recipe import BOT, CONFIG, SECRET
from tests.gateway.house import CHEN, LI, WANG, Hands, Json, Live, opened

SALES = -1001001
ANN, CHEN_TG, WANG_TG, STRANGER = 501, 502, 503, 504
LINKS = {ANN: LI, CHEN_TG: CHEN, WANG_TG: WANG}
NAMES = {ANN: "Li Ting", CHEN_TG: "Chen Wei", WANG_TG: "Wang Min", STRANGER: "Sam"}


@dataclass
class Telegram:
    live: Live
    api: FakeApi
    names: dict[int, str] = field(default_factory=lambda: dict(NAMES))

    @property
    def serial(self) -> Iterator[int]:
        """Of updates and of what people say: it goes on over a restart."""
        return self.api.serial

    async def deliver(self, **update: Any) -> tuple[int, Json]:
        return await self.again({"update_id": next(self.serial), **update})

    async def again(self, update: Json, secret: str = SECRET) -> tuple[int, Json]:
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
        data = io.BytesIO(json.dumps(update).encode())
        async with self.live.session.post(f"{self.live.url}/in/telegram", data=data, headers=headers) as response:
            body = await response.read()
            is_json = response.content_type == "application/json" and body
            return response.status, (await response.json() if is_json else {})

    def user(self, id_: int) -> Json:
        return {"id": id_, "is_bot": False, "first_name": self.names[id_], "language_code": "en"}

    def chat(self, id_: int) -> Json:
        return {"id": id_, "type": "private" if id_ > 0 else self.api.rooms[id_].type}

    async def say(self, who: int, text: str, room: int = SALES, **more: Any) -> int:
        message = next(self.serial)
        at = self.live.clock.now() // 1000
        body = {"message_id": message, "from": self.user(who), "chat": self.chat(room), "date": at, "text": text}
        status, _ = await self.deliver(message={**body, **more})
        assert status == 200
        await self.live.quiet()
        return message

    async def direct(self, who: int, text: str) -> int:
        return await self.say(who, text, room=who)

    async def start(self, who: int) -> None:
        self.api.started.add(who)
        await self.direct(who, "/start hello")

    async def press(self, who: int, message: Message, label: str) -> Json:
        """What is answered with, in the response itself."""
        return await self.press_data(who, message, message.key(label))

    async def press_data(self, who: int, message: Message, data: str) -> Json:
        shown = {"message_id": message.id, "chat": self.chat(message.room), "date": 1, "from": {**BOT_USER}}
        query = {"id": str(next(self.serial)), "from": self.user(who), "chat_instance": "1", "data": data}
        status, answer = await self.deliver(callback_query={**query, "message": shown})
        assert status == 200
        await self.live.quiet()
        return answer

    def link(self, id_: int) -> str:
        return ImId("telegram", str(BOT), "user", str(id_)).key


BOT_USER = {"id": BOT, "is_bot": True, "first_name": "Float"}


@contextlib.asynccontextmanager
async def telegram(folder: Path, clock: Hands | None = None, api: FakeApi | None = None) -> AsyncIterator[Telegram]:
    """Nobody waits for Telegram's limits here: those have a test of their own."""
    fresh = api is None
    api = api or furnished()
    async with TestServer(api.app()) as server:
        for name in ("bot_token", "secret"):
            (folder / f"telegram.{name}").write_text(CONFIG[name])
        secrets = {name: f"file:{folder / f'telegram.{name}'}" for name in ("bot_token", "secret")}
        settings = {**CONFIG, **secrets, "base_url": str(server.make_url("")).rstrip("/")}
        lines = "\n".join(f'{name} = "{value}"' for name, value in settings.items())
        async with opened(folder, clock, extra=f'[channels.telegram]\ntype = "telegram"\n{lines}\n') as live:
            quick = replace(LIMITS, room_rate=1_000.0, room_burst=1_000, total_burst=1_000, room_also=())
            live.s.channels["telegram"].limits = quick
            here = Telegram(live, api)
            if fresh:
                await linked(here)
            yield here


def furnished() -> FakeApi:
    inside = {BOT: "administrator", ANN: "creator", CHEN_TG: "member", WANG_TG: "member"}
    return FakeApi({SALES: Room(SALES, inside)}, people=dict(NAMES))


async def linked(here: Telegram) -> None:
    """Everybody in the room is somebody we know, and has said something."""
    people = here.live.s.people
    for id_, demo in LINKS.items():
        person = people.linked("im", ImId("web", "demo", "user", demo).key)
        assert person is not None
        await people.link(person.id, "im", here.link(id_), step="admin", evidence="test", made_by="test")
    for who in LINKS:
        await here.say(who, "hello")
