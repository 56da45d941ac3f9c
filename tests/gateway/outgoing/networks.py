"""A network without a wire, and a keeper that gives when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from cards.tree import Card, Text
from channels import web
from channels.model import ImId, Inbound, Limits, MessageRef, Place, Reply
from gateway.errors import Gone
from gateway.outgoing.model import Bucket, Taken

LIMITS = replace(web.LIMITS, room_rate=10_000.0, room_burst=10_000, total_rate=10_000.0, total_burst=10_000)


@dataclass
class Turnstile:
    """Lets through as many as `free`; whoever is turned away asks again a moment later."""

    free: int = 0
    wait: float = 0.005
    asked: list[int] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)
    fault: Exception | None = None

    async def take(self, buckets: Sequence[Bucket], rank: int) -> Taken:
        await asyncio.sleep(0)
        self.asked.append(int(rank))
        if self.fault is not None:
            raise self.fault
        if self.free <= 0:
            return Taken(0, self.wait)
        self.free -= 1
        return Taken(hold=7)

    async def done(self, bucket: Bucket, hold: int, *, used: bool) -> None:
        self.given_back.append(hold)

    async def shut(self, bucket: Bucket, seconds: float) -> None:
        return None

    async def close(self) -> None:
        return None


def card(text: str) -> Card:
    return Card("notice", text, (Text(text),))


class Wall:
    """What everybody sees. A call takes a while, and takes effect somewhere within it."""

    name = "wall"

    def __init__(self, limits: Limits = LIMITS, seed: int = 0) -> None:
        self.limits = limits
        self.posts: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.fault: Callable[[str], Exception | None] = lambda method: None
        self.slow: Callable[[], Awaitable[None]] = self._steps
        self._random = Random(seed)

    async def _steps(self) -> None:
        await asyncio.sleep(self._random.choice((0, 0, 0.001, 0.002, 0.004)))

    async def _called(self, method: str, text: str, effect: Callable[[], None]) -> None:
        await self.slow()
        if (fault := self.fault(method)) is not None:
            raise fault
        self.calls.append((method, text))
        effect()
        await self.slow()

    async def receive(self, request: Inbound) -> Reply:
        return Reply()

    async def send(self, place: Place, card: Card, *, once: str) -> MessageRef:
        id_ = f"p{len(self.calls)}.{self._random.random()}"
        await self._called("send", card.summary, lambda: self.posts.update({id_: card.summary}))
        return MessageRef(place, id_)

    async def edit(self, message: MessageRef, card: Card) -> None:
        def effect() -> None:
            if message.id not in self.posts:
                raise Gone("It is not there.")
            self.posts[message.id] = card.summary

        await self._called("edit", card.summary, effect)

    async def delete(self, message: MessageRef) -> None:
        await self._called("delete", "", lambda: self._taken_away(message.id))

    def _taken_away(self, id_: str) -> None:
        self.posts.pop(id_, None)

    async def whisper(self, place: Place, to: ImId, card: Card, *, once: str) -> MessageRef:
        await self._called("whisper", card.summary, lambda: None)
        return MessageRef(place, "w")

    async def close(self) -> None:
        return None
