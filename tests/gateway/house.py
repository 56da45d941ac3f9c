"""The real house on a temporary folder, a recording chat beside it, time in the test's hand.

Nothing runs by itself but the worker: `settle` drives the sweep, the outbox and the schedule until all are quiet.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text as sql_text

from crm.local.sample import load_sample
from crm.model import RecordRef
from gateway.app import open_house
from gateway.chat.wire import signed
from gateway.config import load
from gateway.demo.people import settle_in
from gateway.demo.run import TEMPLATE
from gateway.house import House
from gateway.http.health import Health
from gateway.http.server import application, listen
from gateway.services import Services
from tests.gateway.fake_chat import FakeChat, Message, buttons, form
from tests.gateway.moody import Crm

Json = dict[str, Any]

START = int(datetime(2026, 11, 21, 1, 0, tzinfo=UTC).timestamp() * 1000)
SECRET = "0123456789abcdef0123456789abcdef"
MASTER = "11" * 32
HERO = "local:account:hx-medical"
NAME = "华星医疗"
PHONE = "+86 512"

LI, CHEN, WANG, ZHAO, SUN, GUEST = "u_liting", "u_chenwei", "u_wangmin", "u_zhaolei", "u_sunjia", "u_guest"
NAMES = {LI: "李婷", CHEN: "陈伟", WANG: "王敏", ZHAO: "赵磊", SUN: "孙佳", GUEST: "David Park"}


def kind_of(person: str) -> str:
    return "guest" if person == GUEST else "member"


def members(*persons: str) -> dict[str, tuple[str, str]]:
    return {person: (NAMES[person], kind_of(person)) for person in persons}


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def ahead(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
        self.at += int((seconds + 60 * minutes + 3600 * hours) * 1000)


@dataclass
class Live:
    """What a test holds in its hands."""

    folder: Path
    clock: Hands
    chat: FakeChat
    session: ClientSession
    house: House
    url: str

    @property
    def s(self) -> Services:
        return self.house.services

    @property
    def crm(self) -> Crm:
        crm = self.s.crms["local"]
        assert isinstance(crm, Crm)
        return crm

    # in ------------------------------------------------------------------------------------------------------

    async def post(self, body: Json | bytes, **headers: str) -> tuple[int, Json]:
        """A signed request of the chat's; `headers` replace those it would carry."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **signed(SECRET.encode(), "POST", "/in/web", raw), **headers}
        async with self.session.post(f"{self.url}/in/web", data=io.BytesIO(raw), headers=sent) as response:
            answer = await response.text()
            return response.status, json.loads(answer) if answer.startswith("{") else {"text": answer}

    def event(self, kind: str, person: str, room: str, **more: Any) -> Json:
        id_ = more.pop("id", f"e{next(self.chat.serial)}")
        who = more.pop("who", {"id": person, "name": NAMES.get(person, person), "kind": kind_of(person)})
        head = {"type": kind, "id": id_, "scope": "demo", "room": room, "thread": "", "at": self.clock.now()}
        return {**head, "who": who, "locale": more.pop("locale", "en"), **more}

    async def say(self, person: str, room: str, text: str, **more: Any) -> str:
        """The id of the message."""
        message = more.pop("message", f"m{next(self.chat.serial)}")
        status, _ = await self.post(self.event("message", person, room, message=message, text=text, **more))
        assert status == 200
        return str(message)

    async def rewrite(self, person: str, room: str, message: str, text: str, **more: Any) -> None:
        status, _ = await self.post(self.event("message_edited", person, room, message=message, text=text, **more))
        assert status == 200

    async def unsay(self, person: str, room: str, message: str) -> None:
        status, _ = await self.post(self.event("message_deleted", person, room, message=message))
        assert status == 200

    async def join(self, person: str, room: str) -> None:
        self.chat.rooms[room].members[person] = (NAMES[person], kind_of(person))
        assert (await self.post(self.event("joined", person, room)))[0] == 200

    async def leave(self, person: str, room: str) -> None:
        del self.chat.rooms[room].members[person]
        assert (await self.post(self.event("left", person, room)))[0] == 200

    async def press(self, person: str, room: str, button: Json, **more: Any) -> Json:
        status, answer = await self.try_press(person, room, button, **more)
        assert status == 200, answer
        found: Json = answer["answer"]
        return found

    async def try_press(self, person: str, room: str, button: Json, **more: Any) -> tuple[int, Json]:
        body = {"message": "", "action": button["action"], "data": button["data"], "trigger": "t1", **more}
        return await self.post(self.event("button", person, room, **body))

    async def press_on(self, person: str, card: Message, action: str, index: int = 0) -> Json:
        return await self.press(person, card.room, buttons(card.card, action)[index], message=card.id)

    async def open_form(self, person: str, card: Message) -> Json:
        """The form's block."""
        answer = await self.press_on(person, card, "edit")
        assert answer["kind"] == "form", answer
        return form(answer["card"])

    async def submit(self, person: str, room: str, form: Json, /, **values: str) -> Json:
        """Sent as the form shows it, but for `values`."""
        status, answer = await self.try_submit(person, room, form, values)
        assert status == 200, answer
        found: Json = answer["answer"]
        return found

    async def try_submit(
        self, person: str, room: str, form: Json, values: dict[str, str], tokens: dict[str, str] | None = None
    ) -> tuple[int, Json]:
        shown = {each["name"]: each["value"] for each in form["fields"]}
        carried = {each["name"]: each["token"] for each in form["fields"]}
        body = {"data": form["data"], "values": {**shown, **values}, "tokens": {**carried, **(tokens or {})}}
        return await self.post(self.event("form", person, room, message="", **body))

    # the rest of the house -------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Until bus, outbox, feed and schedule are quiet."""
        async with asyncio.timeout(30):
            while True:
                await self.quiet()
                moved = 0
                for sweep in self.house.sweeps.values():
                    moved += await sweep.once()
                for writeback in self.house.writebacks.values():
                    moved += await writeback.once()
                moved += await self.house.schedule.once()
                if self.s.people.changed.is_set():
                    moved += await self.house.look_again()
                if not moved and not self.house.worker.busy:
                    return

    async def quiet(self) -> None:
        """Until the worker has nothing to do."""
        while self.house.worker.busy:
            await self.house.worker.idle()

    def cards(self, room: str) -> list[Message]:
        return self.chat.cards(room)

    def card(self, room: str) -> Message:
        (found,) = self.chat.cards(room)
        return found

    async def value(self, field: str, record: str = HERO) -> Any:
        state = await self.s.ledger.state(record, field)
        return state.value if state is not None else None

    async def there(self, field: str, record: str = HERO) -> Any:
        """What the CRM itself holds."""
        found = await self.crm.get(RecordRef.parse(record))
        return found.fields[field].value if field in found.fields else None

    async def natively(self, field: str, value: str | None, record: str = HERO, by: str = "wang.min") -> None:
        await self.crm.set_native(RecordRef.parse(record), field, value, by)

    async def steps(self) -> list[str]:
        return [step.step.step for step in await self.s.trail.latest(1000)]

    async def rows(self, table: str, where: str = "1 = 1") -> int:
        query = sql_text(f"SELECT count(*) FROM {table} WHERE {where}")
        return int(await self.s.store.read(lambda connection: connection.execute(query).scalar_one()))

    async def counted(self, name: str, **labels: str) -> float:
        async with self.session.get(f"{self.url}/metrics") as response:
            families = text_string_to_metric_families(await response.text())
        samples = [each for family in families for each in family.samples if each.name == name]
        return sum(each.value for each in samples if labels.items() <= each.labels.items())


def configured(folder: Path, chat: str, extra: str = "", changed: Mapping[str, str] | None = None) -> Path:
    """The demo's configuration with a moody CRM; `changed` replaces lines, `extra` is put at the end."""
    (folder / "master.key").write_text(MASTER)
    (folder / "web.key").write_text(SECRET)
    text = TEMPLATE.read_text("utf-8").replace("http://127.0.0.1:8300/demo/api", chat)
    text = text.replace('"sqlite:///', f'"sqlite:///{folder.as_posix()}/').replace('"local"\ndata', '"moody"\ndata')
    text = text.replace('type = "moody"', 'type = "tests.gateway.moody"')
    for old, new in (changed or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "floatcard.toml"
    path.write_text(f"{text}\n{extra}", "utf-8")
    return path


ROOMS = {"east": (LI, CHEN, WANG), "deal": (LI, CHEN, WANG), "partner": (LI, WANG, SUN, GUEST)}


def furnished(chat: FakeChat) -> None:
    for name, inside in ROOMS.items():
        chat.room(name, members(*inside), external=name == "partner")
    for person in NAMES:
        chat.room(f"d_{person}", members(person), kind="direct")


@contextlib.asynccontextmanager
async def opened(
    folder: Path,
    clock: Hands | None = None,
    chat: FakeChat | None = None,
    extra: str = "",
    changed: Mapping[str, str] | None = None,
) -> AsyncIterator[Live]:
    """A house that works; a second one on the same folder is the first one restarted."""
    if not (folder / "floatcard.db").exists():
        await _copy(folder)
    async with _begun(folder, clock or Hands(), chat, extra, changed) as live:
        yield live


@contextlib.asynccontextmanager
async def _begun(
    folder: Path, clock: Hands, chat: FakeChat | None, extra: str, changed: Mapping[str, str] | None
) -> AsyncIterator[Live]:
    if chat is None:
        chat = FakeChat(SECRET.encode())
        furnished(chat)
    async with listening(chat.app()) as chat_url, ClientSession() as session:
        house = await open_house(load(configured(folder, f"{chat_url}/demo/api", extra, changed)), clock)
        crm = house.services.crms["local"]
        assert isinstance(crm, Crm)
        await load_sample(crm, START)
        await settle_in(house.services.people)
        await house.relink()
        health = Health(house.services, house.worker)
        server = await listen(application(house, health), health, "127.0.0.1", 0)
        await house.take_up()
        health.ready = True
        try:
            yield Live(folder, clock, chat, session, house, server.address)
        finally:
            await server.stop()
            await house.close()


_FIRST: dict[str, Path] = {}


async def _copy(folder: Path) -> None:
    """The sample company is read into a house once; each test begins with a copy of its files."""
    if "first" not in _FIRST:
        made = folder.parent / f"{folder.name}-first"
        made.mkdir()
        async with _begun(made, Hands(), None, "", None):
            pass
        _FIRST["first"] = made
    for path in _FIRST["first"].glob("*.db"):
        shutil.copy(path, folder / path.name)


@contextlib.asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
