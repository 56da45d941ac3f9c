"""Slack's messages, which are stored unread, through a gateway that is killed with -9 again and again.

A dozen kills; two hundred with FLOATCARD_SOAK=1. FLOATCARD_SEED repeats a run. Slack knows no key by which it would
post once: what was posted and not yet written down when the gateway died is posted again, and counted here.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from channels.model import ImId
from gateway.clock import SystemClock
from gateway.intake import LETTER
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from tests.channels.slack.recipe import SECRET, seal
from tests.channels.slack.world import BOT, CHEN, LI, PERSONS, TEAM, TOKEN, WANG, FakeSlack, listening
from tests.cluster import outside as out
from tests.cluster.gateways import Gateway, Ground, cleared, names
from tests.cluster.outside import Outside
from tests.engines.redis import Redis

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
pytestmark = [pytest.mark.alone, pytest.mark.timeout(7200 if SOAK else 1200)]

KILLS = int(os.environ.get("FLOATCARD_KILLS") or (200 if SOAK else 12))
ROOMS = [f"C0ROOM{n:03d}" for n in range(8)]
AHEAD = 40
"""So many messages without a card, and people wait: Slack takes one card a second in each room."""
LIVES = 16
AT_A_TIME = 16
"""Rooms that a gateway works on at once: no more can be between being posted and being written down."""


@dataclass
class Rooms:
    """People on Slack, and Slack itself: what is not answered with 200 is delivered again."""

    session: ClientSession
    url: str
    slack: FakeSlack
    chance: random.Random
    said: dict[str, list[str]] = field(default_factory=lambda: {room: [] for room in ROOMS})
    """Acknowledged messages by their time, which is what they are called by, in each room."""
    again: int = 0
    gone: bool = False
    _serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def taken(self) -> int:
        return sum(map(len, self.said.values()))

    @property
    def answered(self) -> int:
        return len({each.thread for each in self.slack.posted})

    async def talk(self, room: str, customers: Sequence[str]) -> None:
        for customer in customers:
            while self.taken > self.answered + AHEAD and not self.gone:
                await asyncio.sleep(0.05)
            if self.gone:
                return
            await self._say(room, f"明天去{customer}谈续约")
            await asyncio.sleep(self.chance.uniform(0, 0.3))

    async def _say(self, room: str, text: str) -> None:
        n = next(self._serial)
        ts = f"{int(time.time())}.{n:06d}"
        event = {"type": "message", "user": self.chance.choice((LI, CHEN)), "channel": room, "text": text, "ts": ts}
        authorized = [{"team_id": TEAM, "user_id": BOT, "is_bot": True}]
        body = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{n}", "authorizations": authorized}
        raw = json.dumps({**body, "event": {**event, "channel_type": "group", "team": TEAM}}).encode()
        while not await self._taken(raw):
            self.again += 1
            await asyncio.sleep(self.chance.uniform(0.05, 0.25))
        self.said[room].append(ts)

    async def _taken(self, raw: bytes) -> bool:
        headers = {"Content-Type": "application/json", **seal("POST", "", raw, int(time.time()))}
        try:
            async with self.session.post(f"{self.url}/in/slack", data=raw, headers=headers) as answer:
                await answer.read()
                return answer.status == 200
        except (ClientError, OSError, TimeoutError):
            return False

    async def until(self, enough: int) -> None:
        """As long as anything at all is taken: how long that takes is the machine's."""
        moved, taken = time.monotonic(), -1
        while self.taken < enough:
            if self.taken > taken:
                moved, taken = time.monotonic(), self.taken
            assert time.monotonic() < moved + 120, f"{self.taken} messages, {self.answered} answered"
            await asyncio.sleep(0.02)


def ground(folder: Path, store: str, bus: str, slack: FakeSlack) -> Ground:
    for name, text in (("signing", SECRET), ("bot", TOKEN)):
        (folder / f"{name}.slack").write_text(text)
    secrets = f'signing_secret = "file:{folder}/signing.slack"\nbot_token = "file:{folder}/bot.slack"'
    told = f'[channels.slack]\ntype = "slack"\nteam = "{TEAM}"\nbase_url = "{slack.url}/api"\n{secrets}'
    return Ground(folder, store, bus, slack.url, channel=told)


async def linked(store: str) -> None:
    """The persons of our own chat have accounts on Slack as well."""
    opened = Store.open(store)
    people = PeopleStore(opened, SystemClock())
    await people.load()
    for account, person in PERSONS.items():
        key = ImId("slack", TEAM, "user", account).key
        await people.link(person, "im", key, step="import", evidence="a test", made_by="test")
    await opened.close()


@contextlib.asynccontextmanager
async def talking(rooms: Rooms, customers: Sequence[str]) -> AsyncIterator[None]:
    """In each room of other customers than in the others, until everybody is told to go home."""
    tasks = [asyncio.create_task(rooms.talk(room, customers[n :: len(ROOMS)])) for n, room in enumerate(ROOMS)]
    try:
        yield
        await rooms.until(2 * KILLS)
        rooms.gone = True
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("engines", ["sqlite", "postgresql and redis"])
async def test_every_acknowledged_message_has_its_card(
    engines: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = int(os.environ.get("FLOATCARD_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"FLOATCARD_SEED={seed}")
    chance, slack = random.Random(seed), FakeSlack()
    slack.rooms |= {room: [LI, CHEN, WANG, BOT] for room in ROOMS}
    slack.users |= {BOT: {"is_bot": True}}
    store, bus = f"sqlite:///{tmp_path}/floatcard.db", "store:"
    if engines != "sqlite":
        redis: Redis = request.getfixturevalue("redis_server")
        store, bus = request.getfixturevalue("postgresql_url"), redis.url()
    async with listening(slack), ClientSession(timeout=ClientTimeout(total=15)) as session:
        here = ground(tmp_path, store, bus, slack)
        customers = names(KILLS * LIVES * 2, chance)
        await here.furnish(customers)
        await linked(store)
        gateway, outside = Gateway(here, "gateway"), Outside(here)
        rooms, unread = Rooms(session, gateway.url, slack, chance), 0
        try:
            await outside.known(gateway, customers)
            async with talking(rooms, customers):
                for _ in range(KILLS):
                    await gateway.start()
                    await rooms.until(rooms.taken + chance.randrange(LIVES))
                    await asyncio.sleep(chance.uniform(0, 0.4))
                    gateway.kill()
                    unread += _unread(outside) if bus == "store:" else 0
                await gateway.start()
            await outside.quiet(lambda: {**outside.left(), "unanswered": rooms.taken - rooms.answered}, 120)
            assert await gateway.stop() == 0
        finally:
            cleared([gateway])
        _counted(outside, rooms)
        assert unread > 0 or bus != "store:", "no kill found a message that was stored and not yet read"
        twice = len(slack.posted) - rooms.answered
        told = f"{rooms.taken} messages acknowledged, {rooms.again} deliveries tried again, {unread} unread at a kill"
        print(f"{KILLS} kills, {told}, {twice} cards posted again")


def _unread(outside: Outside) -> int:
    """Letters in the queue."""
    return outside.count(f"SELECT count(*) FROM job WHERE topic = 'event' AND instr(body, x'{LETTER.hex()}') > 0")


def _counted(outside: Outside, rooms: Rooms) -> None:
    posted: defaultdict[str, list[str]] = defaultdict(list)
    for each in rooms.slack.posted:
        posted[each.room].append(each.thread)
    for room, said in rooms.said.items():
        assert list(dict.fromkeys(posted[room])) == said, f"{room}: each has a card, in the order they were said"
    cards = outside.rows("SELECT subject, count(*) FROM slot WHERE message IS NOT NULL GROUP BY subject")
    acknowledged = Counter(ts for said in rooms.said.values() for ts in said)
    assert Counter({subject: int(count) for subject, count in cards}) == acknowledged, "and none has two that we know"
    twice = len(rooms.slack.posted) - rooms.answered
    assert twice <= KILLS * min(AT_A_TIME, len(ROOMS)), "posted again only what a kill caught between post and record"
    assert outside.count("SELECT count(*) FROM job WHERE state = 'parked'") == 0
    out.the_chain_is_sound(outside)
