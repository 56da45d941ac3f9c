"""Slack drops without a word what comes above one message a second in a channel: several gateways together never go
above it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from aiohttp import ClientSession, web

from cards.tree import Card, Text
from channels.model import ImId, Limits, Place
from channels.slack import Channel, Config
from gateway.bus.redis_buckets import RedisBuckets
from gateway.errors import Retry
from gateway.outgoing.breaker import Breakers
from gateway.outgoing.gate import Calls, Gate
from gateway.outgoing.model import Rank
from gateway.outgoing.whispering import whispered
from tests.channels.harness import NOW
from tests.channels.slack.recipe import CONFIG
from tests.channels.slack.world import BOT, CHEN, LI, TEAM, TOKEN, FakeSlack, Json
from tests.engines.redis import Redis
from tests.gateway.house import listening

ROOMS, CARDS = ("C0DEAL001", "C0EAST001", "C0WEST001"), 5
SECOND = 0.999
"""Redis' clock and this one are two: they differ by less than a thousandth over so short a time."""


@dataclass
class Strict(FakeSlack):
    """Counts in every stretch of a second, wherever it begins; what is too much is answered like anything else."""

    heard: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    dropped: int = 0
    chance: Random = field(default_factory=lambda: Random(3))

    async def handle(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.chance.uniform(0, 0.2))  # on its way: what is sent apart may arrive together
        answer = await super().handle(request)
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        return answer

    def chat_postmessage(self, body: Json) -> Json:
        return super().chat_postmessage(body) if self._within(body) else self._as_if()

    def chat_postephemeral(self, body: Json) -> Json:
        return super().chat_postephemeral(body) if self._within(body) else self._as_if()

    def _within(self, body: Json) -> bool:
        now, heard = asyncio.get_running_loop().time(), self.heard[body["channel"]]
        heard.append(now)
        fits = len(heard) < 2 or now - heard[-2] >= SECOND
        self.dropped += not fits
        return fits

    def _as_if(self) -> Json:
        ts = f"17952{next(self.serial):05d}.000900"
        return {"ts": ts, "message_ts": ts}


@contextlib.asynccontextmanager
async def gateways(
    slack: FakeSlack, urls: Sequence[str], changed: Callable[[Limits], Limits] = lambda limits: limits
) -> AsyncIterator[list[tuple[Gate, Channel]]]:
    """As many as addresses of Redis: one address, one set of buckets."""
    app = web.Application()
    app.router.add_post("/api/{method}", slack.handle)
    async with listening(app) as url, ClientSession() as session, contextlib.AsyncExitStack() as stack:
        made = []
        for redis in urls:
            config = Config.model_validate({**CONFIG, "team": TEAM, "bot_token": TOKEN, "base_url": f"{url}/api"})
            channel = Channel("slack", config, session=session, clock=lambda: NOW)
            channel.limits = changed(channel.limits)
            gate = Gate({"slack": channel}, RedisBuckets.open(redis), Breakers(Clock()))
            stack.push_async_callback(gate.close)
            made.append((gate, channel))
        yield made


class Clock:
    def now(self) -> int:
        return NOW


def card(words: str) -> Card:
    return Card("notice", words, (Text(words),))


async def surely(gate: Gate, method: str, room: str, rank: Rank, work: Callable[[], Awaitable[object]]) -> None:
    """As the bus does it: what would take too long comes back."""
    while True:
        try:
            await gate.run("slack", method, room, rank, work)
            return
        except Retry as tired:
            await asyncio.sleep(tired.after)


async def driven(made: list[tuple[Gate, Channel]]) -> None:
    """So many cards and whispers in each room at once, through either gateway."""

    async def card_(number: int, room: str) -> None:
        gate, channel = made[number % len(made)]
        place, words = Place("slack", room), f"{room} {number}"
        await surely(gate, "send", room, Rank.CARD, lambda: channel.send(place, card(words), once=words))

    async def whisper(number: int, room: str) -> None:
        gate, channel = made[number % len(made)]
        place, to, words = Place("slack", room), ImId("slack", TEAM, "user", LI), f"{room} w{number}"
        await surely(gate, "whisper", room, Rank.WHISPER, lambda: channel.whisper(place, to, card(words), once=words))

    async with asyncio.TaskGroup() as all_:
        for room in ROOMS:
            for number in range(CARDS):
                all_.create_task(card_(number, room))
            all_.create_task(whisper(1, room))


def strict() -> Strict:
    return Strict(rooms={room: [BOT, LI, CHEN] for room in ROOMS})


async def test_two_gateways_together_drive_no_channel_above_its_rate_and_every_card_arrives(
    redis_server: Redis,
) -> None:
    slack, url = strict(), redis_server.url()
    async with gateways(slack, [url, url]) as made:
        assert made[0][1].limits.silent and made[0][1].limits.room_rate == 1.0
        await driven(made)
    assert slack.dropped == 0
    assert [len(slack.cards(room)) for room in ROOMS] == [CARDS] * len(ROOMS)
    assert sorted(room for room, _, _ in slack.whispers) == sorted(ROOMS)


async def test_what_is_whispered_where_nobody_can_be_goes_to_their_own_room_at_its_rate(redis_server: Redis) -> None:
    """A command can be typed anywhere, also where the app was never let in; and alerts go to the same room."""
    slack, url = Strict(rooms={room: [LI] for room in ROOMS}), redis_server.url()
    to = ImId("slack", TEAM, "user", LI)
    async with gateways(slack, [url, url]) as made, asyncio.TaskGroup() as all_:
        own = await made[0][1].direct(to)

        async def pressed(number: int, room: str) -> None:
            gate, channel = made[number % len(made)]
            place, words, calls = Place("slack", room), f"{room} w", Calls(gate, "slack", Rank.PRESS)
            while True:
                try:
                    ref = await whispered(channel, place, to, card(words), once=words, calls=calls)
                except Retry as tired:
                    await asyncio.sleep(tired.after)
                else:
                    assert ref is not None
                    assert ref.place == own
                    return

        async def alert(number: int) -> None:
            gate, channel = made[number % len(made)]
            await surely(gate, "send", own.room, Rank.ALERT, lambda: channel.send(own, card(f"a{number}"), once="a"))

        for number, room in enumerate(ROOMS):
            all_.create_task(pressed(number, room))
            all_.create_task(alert(number))
    assert slack.dropped == 0
    assert len(slack.cards(own.room)) == 2 * len(ROOMS)


CHANGES: dict[str, Callable[[Limits], Limits]] = {
    "a higher rate": lambda limits: replace(limits, room_rate=2.0),
    "not silent": lambda limits: replace(limits, silent=False),
    "whispers apart": lambda limits: replace(limits, room_counts=("send",)),
    "buckets apart": lambda limits: limits,
}


async def test_where_any_part_of_the_limit_is_missing_messages_are_dropped(redis_server: Redis) -> None:
    async def dropped(wrong: str) -> int:
        slack, url = strict(), redis_server.url()
        urls = [url, redis_server.url() if wrong == "buckets apart" else url]
        async with gateways(slack, urls, CHANGES[wrong]) as made:
            await driven(made)
        return slack.dropped

    counts = await asyncio.gather(*map(dropped, CHANGES))
    assert all(counts), dict(zip(CHANGES, counts, strict=True))
