"""A whole gateway at work, each of whose lines to the outside runs through a proxy that may spoil it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout

from crm.local.config import Config as LocalConfig
from crm.local.crm import LocalCrm
from crm.local.sample import load_sample
from crm.model import RecordRef
from gateway.app import open_house
from gateway.clock import ShiftedClock
from gateway.config import load
from gateway.demo.people import settle_in
from gateway.errors import Retry
from gateway.http.health import Health
from gateway.http.server import application, listen
from tests.engines.postgresql import Postgresql
from tests.engines.redis import Redis
from tests.faults.http_crm import Server, listening
from tests.faults.proxy import PASS, Proxy, between, settled
from tests.gateway.fake_chat import FakeChat, Message, buttons, text
from tests.gateway.house import HERO, LI, NAME, SECRET, START, WANG, Json, Live, configured, furnished, members

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
HEALS_WITHIN_S = 600.0 if SOAK else 90.0
"""A bound, and no measure: what was tried often in a long storm is tried again after minutes."""
PATIENCE = ClientTimeout(total=7)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What somebody was told was taken."""

    messages: dict[str, str] = field(default_factory=dict)
    """Room -> message."""
    edits: dict[str, str] = field(default_factory=dict)
    """Value -> what the editor was told first."""


class Faulty(Live):
    """`lines` by name: store, bus, crm, chat."""

    lines: dict[str, Proxy]
    crm_server: Server
    told: Acknowledged
    rooms: Iterator[int]
    """What the next rooms are numbered."""
    refused: int = 0
    """How often somebody was told to come again."""

    async def until(self, true: Callable[[], Awaitable[bool]], what: str, within: float = HEALS_WITHIN_S) -> None:
        end = time.monotonic() + within
        while not await _surely(true):
            assert time.monotonic() < end, f"in vain: {what}"
            await asyncio.sleep(0.05)

    # people at work ----------------------------------------------------------------------------------------------

    async def insist(self, body: Json, patience: float = 120.0) -> Json:
        """As a network does: the same again until it is taken."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with contextlib.suppress(ClientError, TimeoutError, OSError):
                async with asyncio.timeout(PATIENCE.total):
                    status, answer = await self.post(body)
                if status == 200:
                    return answer
                assert status == 503, (status, answer)
                self.refused += 1
            await asyncio.sleep(0.1)
        raise AssertionError("never taken")

    async def talk(self, count: int) -> None:
        """So many messages that name a customer, each in a room of its own."""
        async with asyncio.TaskGroup() as talkers:
            for _ in range(count):
                talkers.create_task(self._one_message())

    async def _one_message(self) -> None:
        room = f"r{next(self.rooms)}"
        self.chat.room(room, members(LI, WANG))
        body = self.event("message", LI, room, message=f"m-{room}", text=NAME)
        await self.insist(body)
        self.told.messages[room] = f"m-{room}"

    async def ready_form(self) -> Json:
        """A form that somebody has open, from before the trouble."""
        room = "deal"
        if not self.cards(room):
            await self.say(LI, room, NAME)
            await self.until(lambda: _now(bool(self.cards(room))), "the first card")
            await self.until(partial(self._editable, room), "a card for those who are there")
        return await self.open_form(LI, self.card(room))

    async def _editable(self, room: str) -> bool:
        """It is drawn again when a busy machine could not say in time who is in the room."""
        if buttons(self.card(room).card, "edit"):
            return True
        await self.house.spine.refresh_room(f"web/{room}")
        await asyncio.sleep(1.0)
        return False

    async def save(self, form: Json, address: str) -> str:
        """What the editor is told in the end."""
        shown = {each["name"]: each["value"] for each in form["fields"]}
        carried = {each["name"]: each["token"] for each in form["fields"]}
        values = {**shown, "address": address}
        body = self.event("form", LI, "deal", message="", data=form["data"], values=values, tokens=carried)
        said = str((await self.insist(body))["answer"].get("text", ""))
        self.told.edits[address] = said
        return said

    # what came of it ---------------------------------------------------------------------------------------------

    async def healed(self) -> None:
        """Everything that was acknowledged is done, within bounds; nothing is done twice."""
        await self.until(self._all_floated, "a card for each message")
        await self.until(self._all_decided, "a decision for each edit")
        await self.until(self._nothing_waits, "queues and outbox empty")
        await self.until(self._the_crm_agrees, "the CRM holds what stands")
        doubled = [room for room in self.told.messages if len(self.posted(room)) > 1]
        assert doubled == [], "a card twice"
        kept = await self._decided()
        assert [value for value in self.told.edits if kept[value] != 1] == []
        assert [each for each, times in self.crm_server.written.items() if times > 1] == [], "written twice"

    def posted(self, room: str) -> list[Message]:
        return [each for each in self.chat.messages.values() if each.room == room and not each.to]

    async def known(self) -> bool:
        return await self.s.records.mirrored(HERO) is not None

    async def _all_floated(self) -> bool:
        return all(len(self.cards(room)) == 1 for room in self.told.messages)

    async def _decided(self) -> Counter[str]:
        history = await self.s.ledger.history(HERO, "address", 1000)
        assert len({row.decision for row in history}) == len(history), "each edit has a decision of its own"
        return Counter(str(row.edit.value) for row in history if row.edit.kind == "set")

    async def _all_decided(self) -> bool:
        kept = await self._decided()
        return all(kept[value] for value in self.told.edits)

    async def _nothing_waits(self) -> bool:
        waits = await self.rows("outbox", "state IN ('waiting', 'sent')")
        return not waits and not await self.rows("job") and not self.house.worker.busy

    async def _the_crm_agrees(self) -> bool:
        found = await self.crm_server.behind.get(RecordRef.parse(HERO))
        there = found.fields["address"].value if "address" in found.fields else None
        return bool(there == await self.value("address"))

    async def shows(self, room: str, *words: str) -> None:
        """One of them."""

        def there() -> bool:
            told = text(self.card(room).card)
            return any(each in told for each in words)

        await self.until(lambda: _now(there()), f"{words} on the card")


async def _now(value: bool) -> bool:
    return value


async def _surely(true: Callable[[], Awaitable[bool]]) -> bool:
    """A question the store cannot answer yet is no answer."""
    try:
        return await true()
    except Retry:
        return False


EXPECTED = ("a write to local broke", "Redis was emptied")
"""A CRM's connector that cannot know whether a write was taken raises what it met, and that is logged."""


class Unheard(logging.Handler):
    """Every exception a task died of unheard, and every bug that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.tasks: list[Json] = []
        self.bugs: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith(EXPECTED):
            self.bugs.append(self.format(record))

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.tasks.append(context)


@contextlib.asynccontextmanager
async def faulty(
    folder: Path,
    postgresql_url: str = "",
    postgresql: Postgresql | None = None,
    redis: Redis | None = None,
    database: Path | None = None,
    more: str = "",
) -> AsyncIterator[Faulty]:
    """On SQLite alone without `postgresql` and `redis`; `more` ends the configuration. Every loop of the gateway runs;
    time is the system's own."""
    unheard = Unheard()
    logging.getLogger("floatcard").addHandler(unheard)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(unheard.unhandled)
    async with contextlib.AsyncExitStack() as stack:
        lines = _lines(stack, folder, postgresql, redis)
        live = await _begun(stack, folder, lines, postgresql_url, redis, database, more)
        yield live
        for line in lines.values():
            if line.fault is not PASS:
                line.set(PASS)
    await settled()
    gc.collect()
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    logging.getLogger("floatcard").removeHandler(unheard)
    assert unheard.tasks == [], unheard.tasks
    assert unheard.bugs == [], unheard.bugs


def _lines(
    stack: contextlib.AsyncExitStack, folder: Path, postgresql: Postgresql | None, redis: Redis | None
) -> dict[str, Proxy]:
    lines: dict[str, Proxy] = {}
    if postgresql is not None:
        upstream = postgresql.folder / f".s.PGSQL.{postgresql.port}"
        lines["store"] = stack.enter_context(between(upstream))
    if redis is not None:
        lines["bus"] = stack.enter_context(between(("127.0.0.1", redis.port)))
    return lines


async def _begun(
    stack: contextlib.AsyncExitStack,
    folder: Path,
    lines: dict[str, Proxy],
    postgresql_url: str,
    redis: Redis | None,
    database: Path | None,
    more: str,
) -> Faulty:
    clock = ShiftedClock(START - time.time_ns() // 1_000_000)
    chat = FakeChat(SECRET.encode())
    furnished(chat)
    lines["chat"] = stack.enter_context(between(await stack.enter_async_context(listening(chat.app()))))
    crm = LocalCrm("local", LocalConfig(database=f"sqlite:///{folder}/crm.db"), clock=clock.now)
    stack.push_async_callback(crm.close)
    await load_sample(crm, START)
    server = Server(crm)
    lines["crm"] = stack.enter_context(between(await stack.enter_async_context(listening(server.app()))))
    config = configured(folder, f"http://127.0.0.1:{lines['chat'].port}/demo/api", more)
    text_ = _changed(config.read_text("utf-8"), folder, lines, postgresql_url, redis)
    if database is not None:
        text_ = text_.replace(f"sqlite:///{folder.as_posix()}/floatcard.db", f"sqlite:///{database.as_posix()}")
    config.write_text(text_, "utf-8")
    house = await open_house(load(config), clock)
    stack.push_async_callback(house.close)
    await settle_in(house.services.people)
    await house.relink()
    health = Health(house.services, house.worker)
    web = await listen(application(house, health), health, "127.0.0.1", 0)
    stack.push_async_callback(web.stop)
    await house.start()
    health.ready = True
    session = await stack.enter_async_context(ClientSession(timeout=PATIENCE))
    live = Faulty(folder, clock, chat, session, house, web.address)  # type: ignore[arg-type]
    await live.until(live.known, "the CRM read")
    live.lines, live.crm_server, live.told, live.rooms = lines, server, Acknowledged(), itertools.count(1)
    return live


def _changed(text_: str, folder: Path, lines: dict[str, Proxy], postgresql_url: str, redis: Redis | None) -> str:
    local = f'type = "tests.gateway.moody"\ndatabase = "sqlite:///{folder.as_posix()}/crm.db"'
    assert local in text_
    text_ = text_.replace(local, f'type = "tests.faults.http_crm"\nurl = "http://127.0.0.1:{lines["crm"].port}"')
    text_ = text_.replace('secret = "file:web.key"', 'secret = "file:web.key"\ntimeout = 1.0')
    if "store" not in lines:
        return text_
    name = postgresql_url.partition("@/")[2].partition("?")[0]
    store = f"postgresql://postgres@127.0.0.1:{lines['store'].port}/{name}"
    text_ = text_.replace(f'store = "sqlite:///{folder.as_posix()}/floatcard.db"', f'store = "{store}"')
    if redis is not None:
        prefix = quote(redis.url().partition("prefix=")[2])
        text_ = f'bus = "redis://127.0.0.1:{lines["bus"].port}/0?prefix={prefix}"\n{text_}'
    return text_
