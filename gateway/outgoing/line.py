"""Who waits to say something in one network, in order of rank; one of them at a time asks the buckets."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.errors import Retry
from gateway.metrics import LIMITED, QUEUED
from gateway.outgoing.model import Bucket, Buckets, Limited, Rank, Taken

log = logging.getLogger("floatcard.outgoing")

PATIENCE_S = {Rank.PRESS: 2.0, Rank.WHISPER: 3.0, Rank.ALERT: 3.0, Rank.CARD: 3.0, Rank.REPAINT: 2.0}
"""For so long a call waits in here and keeps its worker; then the bus brings it back."""
ROOM_BOUND = 64
LINE_BOUND = 1_024
SHORTEST_S = 0.2
LONGEST_S = 60.0


@dataclass(slots=True, eq=False)
class Ticket:
    """One call that wants to go out."""

    method: str
    buckets: tuple[Bucket, ...]
    rank: Rank
    serial: int = 0
    until: float = 0.0
    waited: bool = False
    moved: Callable[[Rank], None] | None = None
    granted: asyncio.Future[Taken] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def order(self) -> tuple[int, int]:
        return (self.rank, self.serial)

    def hurry(self, rank: Rank) -> None:
        """Somebody of a better rank wants the same call."""
        if rank < self.rank:
            if self.moved is not None:
                self.moved(rank)
            else:
                self.rank = rank


class Line:
    def __init__(self, channel: str, buckets: Buckets) -> None:
        self._channel = channel
        self._buckets = buckets
        self._waiting: list[Ticket] = []
        self._blocked: dict[str, tuple[float, Rank]] = {}
        """By bucket: until when (loop time) it gives nothing, to this rank and worse ones."""
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._serial = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def permit(self, ticket: Ticket) -> Taken:
        """Waits its turn. Raises `Limited` when that would take too long, or too many wait already."""
        if not self._waiting and not self._stopped(ticket, self._now()):
            taken = await self._buckets.take(ticket.buckets, ticket.rank)
            if taken.granted:
                return taken
            self._block(ticket, taken)
        self._enter(ticket)
        try:
            return await ticket.granted
        except asyncio.CancelledError:
            await self._abandoned(ticket)
            raise
        finally:
            self._leave(ticket)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # -- the queue

    def _enter(self, ticket: Ticket) -> None:
        ticket.waited = True
        estimate = self._estimate(ticket)
        if estimate > PATIENCE_S[ticket.rank]:
            raise self._limited(ticket, estimate)
        self._bound(ticket, estimate)
        self._serial += 1
        ticket.serial, ticket.until = self._serial, self._now() + PATIENCE_S[ticket.rank]
        ticket.moved = lambda rank: self._move(ticket, rank)
        bisect.insort(self._waiting, ticket, key=lambda each: each.order)
        QUEUED.labels(self._channel).set(len(self._waiting))
        self._wake()

    def _leave(self, ticket: Ticket) -> None:
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            QUEUED.labels(self._channel).set(len(self._waiting))

    def _move(self, ticket: Ticket, rank: Rank) -> None:
        self._leave(ticket)
        ticket.rank = rank
        if not ticket.granted.done():
            bisect.insort(self._waiting, ticket, key=lambda each: each.order)
            self._wake()

    def _wake(self) -> None:
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve())

    def _estimate(self, ticket: Ticket) -> float:
        """Seconds until its turn, as far as this gateway knows."""
        ahead = [each for each in self._waiting if each.order[0] <= ticket.rank]
        longest = 0.0
        for bucket in ticket.buckets:
            before = sum(any(bucket.key == other.key for other in each.buckets) for each in ahead)
            until, rank = self._blocked.get(bucket.key, (0.0, Rank.PRESS))
            blocked = max(until - self._now(), 0.0) if ticket.rank >= rank else 0.0
            longest = max(
                longest, blocked + max(before - (0 if blocked else bucket.rate.burst), 0) / bucket.rate.a_second
            )
        return longest

    def _bound(self, ticket: Ticket, estimate: float) -> None:
        """Where it is full, the worst of those that wait makes room for a better one."""
        mine = [each for each in self._waiting if each.buckets[0].key == ticket.buckets[0].key]
        for those, bound in ((mine, ROOM_BOUND), (self._waiting, LINE_BOUND)):
            if len(those) < bound:
                continue
            if those[-1].rank <= ticket.rank:
                raise self._limited(ticket, estimate)
            self._refuse(those[-1])

    def _limited(self, ticket: Ticket, estimate: float) -> Limited:
        LIMITED.labels(self._channel, ticket.rank.name.lower()).inc()
        after = min(max(estimate, SHORTEST_S), LONGEST_S)
        return Limited(after, f"{self._channel} takes no more just now", limit="network")

    def _refuse(self, ticket: Ticket) -> None:
        self._leave(ticket)
        if not ticket.granted.done():
            ticket.granted.set_exception(self._limited(ticket, self._estimate(ticket)))

    # -- whoever asks

    async def _serve(self) -> None:
        while self._waiting:
            self._news.clear()
            now = self._now()
            for late in [each for each in self._waiting if each.until <= now]:
                self._refuse(late)
            head = next((each for each in self._waiting if not self._stopped(each, now)), None)
            if head is not None:
                await self._ask(head)
            elif self._waiting:
                await self._sleep(now)

    async def _ask(self, head: Ticket) -> None:
        try:
            taken = await self._buckets.take(head.buckets, head.rank)
        except Exception as broke:
            if not isinstance(broke, Retry):
                log.exception("the limits of %s cannot be asked", self._channel)
            self._leave(head)
            if not head.granted.done():
                head.granted.set_exception(broke)
            return
        if not taken.granted:
            self._block(head, taken)
        elif head.granted.done():  # it went away meanwhile
            await give_back(self._buckets, head.buckets, taken)
        else:
            self._leave(head)
            head.granted.set_result(taken)

    async def _abandoned(self, ticket: Ticket) -> None:
        if ticket.granted.done() and not ticket.granted.cancelled() and ticket.granted.exception() is None:
            await give_back(self._buckets, ticket.buckets, ticket.granted.result())

    def _block(self, ticket: Ticket, taken: Taken) -> None:
        self._blocked[ticket.buckets[taken.which].key] = (self._now() + taken.wait, ticket.rank)
        if len(self._blocked) > 2 * LINE_BOUND:
            now = self._now()
            self._blocked = {key: each for key, each in self._blocked.items() if each[0] > now}

    def _stopped(self, ticket: Ticket, now: float) -> bool:
        for bucket in ticket.buckets:
            until, rank = self._blocked.get(bucket.key, (0.0, Rank.PRESS))
            if until > now and ticket.rank >= rank:
                return True
        return False

    async def _sleep(self, now: float) -> None:
        keys = {bucket.key for each in self._waiting for bucket in each.buckets}
        moments = [self._blocked[key][0] for key in keys if key in self._blocked and self._blocked[key][0] > now]
        moments += [each.until for each in self._waiting]
        try:
            await asyncio.wait_for(self._news.wait(), max(min(moments) - now, 0.001))
        except TimeoutError:
            return

    def freed(self, bucket: Bucket) -> None:
        """A held bucket of this gateway's was let go: whoever waits for it asks again."""
        if self._blocked.pop(bucket.key, None) is not None:
            self._news.set()

    def shut(self, bucket: Bucket, seconds: float) -> None:
        self._blocked[bucket.key] = (self._now() + seconds, Rank.PRESS)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def give_back(buckets: Buckets, asked: Sequence[Bucket], taken: Taken) -> None:
    """A permit nobody used; only a held one matters, the others come again by themselves."""
    with contextlib.suppress(Retry):  # a hold ends by itself, and whoever waits must not end over this
        for bucket in asked:
            if bucket.held:
                await buckets.done(bucket, taken.hold, used=False)
