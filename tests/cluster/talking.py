"""People who talk on other networks than our own: what they said, and which of it has its card there.

Neither network knows a key by which a card would be posted once, so that each post is a card of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from aiohttp import ClientError, ClientSession, ClientTimeout
from aiohttp.test_utils import TestServer

from channels.model import ImId
from gateway.clock import SystemClock
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from tests.channels.slack import world as slack
from tests.channels.slack.recipe import SECRET, seal
from tests.channels.telegram import house as telegram
from tests.channels.telegram.fake_api import FakeApi, Message, Room
from tests.channels.telegram.recipe import BOT, CONFIG

ROOMS = 8


@dataclass
class Talk(ABC):
    """`chance`: who speaks, and when."""

    chance: random.Random
    urls: Sequence[str] = ()
    """Where the gateways are: any of them takes what is said."""
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    """By room, in their order: what a message that the network is done with is called, and the customer it names."""
    again: int = 0
    """How often the network had to bring one again."""
    gone: bool = False
    serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    ahead: ClassVar[int]
    """So many messages without a card, and people wait: a network takes only so many cards in a room."""

    @property
    def taken(self) -> int:
        return sum(map(len, self.said.values()))

    @property
    def answered(self) -> int:
        return sum(len(set(cards)) for cards in self.cards().values())

    @property
    def posted_again(self) -> int:
        return sum(len(cards) - len(set(cards)) for cards in self.cards().values())

    @abstractmethod
    def people(self) -> Mapping[str, str]:
        """The person behind each account, by the account's key."""

    @abstractmethod
    def channel(self, folder: Path) -> str:
        """Its table of the configuration; its secrets are put into the folder."""

    @abstractmethod
    def listening(self) -> AbstractAsyncContextManager[None]:
        """While it does, it can be called by gateways and people."""

    @abstractmethod
    async def say(self, room: str, customer: str) -> None:
        """Returns once the network is done with it, and it stands in `said`."""

    @abstractmethod
    def cards(self) -> dict[str, list[str]]:
        """By room, as they were posted: which message each card answers."""

    async def chat(self, room: str, customers: Sequence[str]) -> None:
        for customer in customers:
            while self.taken > self.answered + self.ahead and not self.gone:
                await asyncio.sleep(0.05)
            if self.gone:
                return
            await self.say(room, customer)
            await asyncio.sleep(self.chance.uniform(0, 0.3))

    async def until(self, enough: int) -> None:
        """As long as anything at all is taken: how long that takes is the machine's."""
        moved, taken = time.monotonic(), -1
        while self.taken < enough:
            if self.taken > taken:
                moved, taken = time.monotonic(), self.taken
            assert time.monotonic() < moved + 120, f"{self.taken} messages, {self.answered} answered"
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def going_on(self, customers: Sequence[str], at_least: int) -> AsyncIterator[None]:
        """In each room of other customers than in the others, until everybody is told to go home."""
        rooms = list(self.said)
        tasks = [asyncio.create_task(self.chat(room, customers[n :: len(rooms)])) for n, room in enumerate(self.said)]
        try:
            yield
            await self.until(at_least)
            self.gone = True
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def linked(store: str, talk: Talk) -> None:
    """The persons of our own chat have accounts there as well."""
    opened = Store.open(store)
    people = PeopleStore(opened, SystemClock())
    await people.load()
    for key, person in talk.people().items():
        await people.link(person, "im", key, step="import", evidence="a test", made_by="test")
    await opened.close()


def sentence(customer: str) -> str:
    return f"明天去{customer}谈续约"


@dataclass
class OnSlack(Talk):
    """It posts each message to us until we say 200: a message that waits for its turn is stored unread."""

    ahead = 40
    there: slack.FakeSlack = field(default_factory=slack.FakeSlack)

    def __post_init__(self) -> None:
        self.said = {f"C0ROOM{n:03d}": {} for n in range(ROOMS)}
        self.there.rooms |= {room: [slack.LI, slack.CHEN, slack.WANG, slack.BOT] for room in self.said}
        self.there.users |= {slack.BOT: {"is_bot": True}}

    def people(self) -> Mapping[str, str]:
        return {ImId("slack", slack.TEAM, "user", id_).key: person for id_, person in slack.PERSONS.items()}

    def channel(self, folder: Path) -> str:
        for name, text in (("signing", SECRET), ("bot", slack.TOKEN)):
            (folder / f"{name}.slack").write_text(text)
        secrets = f'signing_secret = "file:{folder}/signing.slack"\nbot_token = "file:{folder}/bot.slack"'
        return f'[channels.slack]\ntype = "slack"\nteam = "{slack.TEAM}"\nbase_url = "{self.there.url}/api"\n{secrets}'

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with slack.listening(self.there), ClientSession(timeout=ClientTimeout(total=15)) as self.session:
            yield

    async def say(self, room: str, customer: str) -> None:
        n = next(self.serial)
        ts, who = f"{int(time.time())}.{n:06d}", self.chance.choice((slack.LI, slack.CHEN))
        said = {"type": "message", "user": who, "channel": room, "text": sentence(customer), "ts": ts}
        authorized = [{"team_id": slack.TEAM, "user_id": slack.BOT, "is_bot": True}]
        body = {"type": "event_callback", "team_id": slack.TEAM, "event_id": f"Ev{n}", "authorizations": authorized}
        raw = json.dumps({**body, "event": {**said, "channel_type": "group", "team": slack.TEAM}}).encode()
        while not await self._taken(raw):
            self.again += 1
            await asyncio.sleep(self.chance.uniform(0.05, 0.25))
        self.said[room][ts] = customer

    async def _taken(self, raw: bytes) -> bool:
        headers = {"Content-Type": "application/json", **seal("POST", "", raw, int(time.time()))}
        try:
            async with self.session.post(
                f"{self.chance.choice(self.urls)}/in/slack", data=raw, headers=headers
            ) as answer:
                await answer.read()
                return answer.status == 200
        except (ClientError, OSError, TimeoutError):
            return False

    def cards(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {room: [] for room in self.said}
        for each in self.there.posted:
            found[each.room].append(each.thread)
        return found


@dataclass
class OnTelegram(Talk):
    """One gateway at a time asks it for what was said; it forgets that when it is asked for what came after."""

    ahead = 60
    there: FakeApi = field(default_factory=FakeApi)
    known: dict[int, str] = field(default_factory=dict)
    """Which message a card answers, by the card's id."""

    def __post_init__(self) -> None:
        self.said = {str(telegram.SALES - n): {} for n in range(ROOMS)}
        inside = {BOT: "administrator", telegram.ANN: "creator", telegram.CHEN_TG: "member"}
        self.there.rooms = {int(room): Room(int(room), inside) for room in self.said}
        self.there.people = dict(telegram.NAMES)
        self.there.started = {telegram.ANN, telegram.CHEN_TG}  # what is for one alone does not go to a room of these

    def people(self) -> Mapping[str, str]:
        known = {telegram.ANN: "p_liting", telegram.CHEN_TG: "p_chenwei"}
        return {ImId("telegram", str(BOT), "user", str(id_)).key: person for id_, person in known.items()}

    def channel(self, folder: Path) -> str:
        for name in ("bot_token", "secret"):
            (folder / f"telegram.{name}").write_text(CONFIG[name])
        secrets = {name: f"file:{folder}/telegram.{name}" for name in ("bot_token", "secret")}
        settings = {**CONFIG, **secrets, "type": "telegram", "mode": "polling", "base_url": self.at}
        return "\n".join(["[channels.telegram]", *(f'{name} = "{value}"' for name, value in settings.items())])

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with TestServer(self.there.app()) as server:
            self.at = str(server.make_url("")).rstrip("/")
            yield

    async def say(self, room: str, customer: str) -> None:
        """Telegram is done with it at once: it keeps it for us."""
        n, who = next(self.there.serial), self.chance.choice((telegram.ANN, telegram.CHEN_TG))
        user = {"id": who, "is_bot": False, "first_name": telegram.NAMES[who], "language_code": "zh"}
        chat = {"id": int(room), "type": "supergroup"}
        said = {"message_id": n, "from": user, "chat": chat, "date": int(time.time()), "text": sentence(customer)}
        self.there.updates.append({"update_id": n, "message": said})
        self.there.came.set()
        self.said[room][str(n)] = customer

    def cards(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {room: [] for room in self.said}
        for each in list(self.there.messages.values()):  # it is asked from another thread
            if str(each.room) in found and not each.gone:
                found[str(each.room)].append(self._answers(each))
        return found

    def _answers(self, card: Message) -> str:
        """By the customer that it tells of: in a room nobody is named twice."""
        if card.id not in self.known:
            said = self.said[str(card.room)].items()
            self.known[card.id] = next(id_ for id_, customer in said if customer in card.plain)
        return self.known[card.id]


NETWORKS = {"slack": OnSlack, "telegram": OnTelegram}
