"""The shared bus: Redis Streams, read by several gateways, with a room's order kept across them.

A room is hashed to one of 64 lanes. A lane is a stream that one process at a time reads, under a lease with a fence:
every step on a job says which lease it was handed out under, and is refused once that is another's. What a process
left unacknowledged is claimed, in order, by whoever takes its lanes. What must run in this very process (`Job.here`:
somebody waits for the answer) stands in a lane of its own, which the others adopt when it is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from redis.asyncio import Redis

from gateway.bus import redis_scripts as scripts
from gateway.bus.model import Bus, Deliver, Delivery, Job
from gateway.bus.redis_address import BLOCK_MS, EMPTIED, FAULTS, Address, address, away, client, fit, made, sign
from gateway.bus.redis_begun import Begun, Hold
from gateway.bus.redis_hand import Hands
from gateway.bus.redis_lanes import GROUP, LATE_S, TICK_S, Held, Lanes, Names, lane_of, some
from gateway.bus.redis_waiting import forget, steady
from gateway.bus.redis_wire import Put, digest, job_of, pairs, parked_of, raw, spelt
from gateway.bus.together import Together
from gateway.clock import Clock
from gateway.errors import Retry

log = logging.getLogger("floatcard.bus")

BOUND = 20_000
"""Jobs that may wait in one lane; past it nothing new is taken, but what somebody waits for."""
AT_ONCE = 64
HEAVY = 1 << 20
"""Jobs, and bytes of them, in one step: Redis does nothing else meanwhile."""
COUNT_S = 0.25
"""Between two counts of what waits in all lanes."""
FRESH = "fresh"
"""What stands for `local` in a job that was published elsewhere and begun nowhere."""


class RedisBus:
    """Opened with `await RedisBus.open(url, deployment, clock)`, which raises `Misconfigured`."""

    shared = True

    def __init__(self, redis: Redis, to: Address, deployment: str, clock: Clock) -> None:
        self.emptied: Callable[[], Awaitable[None]] | None = None
        self._redis = redis
        self._to = to
        self._deployment = deployment
        self._clock = clock
        self._names = Names(to.prefix)
        self._lanes = Lanes(redis, self._names, secrets.token_hex(8))
        self._hands = Hands(self._lanes)
        self._to_put_back: list[Job] = []
        """What was in hand when Redis was emptied, until Redis has it again."""
        self._untold = False
        """Redis was emptied, and `emptied` is still to be called."""
        self._deliver: Deliver | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._made = ""
        self._closing = False
        self._counted = 0
        self._begun = Begun(redis, self._names.key("begun"))
        self._news: set[str] | None = None
        """The lanes that have something new, None when that is not known."""
        register = redis.register_script
        self._publish, self._claim, self._read = map(register, (scripts.PUBLISH, scripts.CLAIM, scripts.READ))
        self._ack, self._tried, self._park = map(register, (scripts.ACK, scripts.TRIED, scripts.PARK))
        self._replay, self._count, self._bump = map(register, (scripts.REPLAY, scripts.COUNT, scripts.BUMP))
        self._puts = Together(self._publish_all, AT_ONCE, lambda put: put.weight, HEAVY)
        self._acks = Together(self._ack_all, AT_ONCE, lambda hold: 1, AT_ONCE)

    @classmethod
    async def open(cls, url: str, deployment: str, clock: Clock) -> RedisBus:
        to = address(url)
        redis = client(to)
        try:
            await fit(redis, to, deployment)
        except BaseException:
            await redis.aclose()
            raise
        return cls(redis, to, deployment, clock)

    @property
    def waiting(self) -> int:
        return self._counted

    async def publish(self, job: Job, local: object = None) -> bool:
        own = self._lanes.held.get(self._lanes.own) if job.here and self._deliver is not None else None
        answer = await self._puts.ask(Put(job, self._clock.now(), own, local))
        if answer == 0:
            raise Retry(2.0, "more is waiting than can be held; it is worked off, come again")
        return answer is not None

    async def _publish_all(self, puts: Sequence[Put]) -> list[Any]:
        """Handed over here and not where it was asked for: a press is run also when whoever brought it is gone."""
        lane = self._lanes.own
        keys = [self._names.key("once"), self._names.lane(lane), self._names.lease(lane)]
        keys += [self._names.lane(lane_of(put.job.lane)) for put in puts]
        words = [GROUP, self._lanes.me, BOUND, *(word for put in puts for word in put.words())]
        try:
            answers = list(await self._run(self._publish, keys, words))
        except BaseException:
            for own in filter(None, (put.own for put in puts)):
                own.unsure = time.monotonic() + LATE_S  # it may stand there all the same, or will
            raise
        for put, (id_, ours) in ((put, answer) for put, answer in zip(puts, answers, strict=True) if answer):
            self._counted += not ours
            if put.own is not None and ours:
                self._hand_over(put.own, id_, put.job, 1, put.local)
        return answers

    async def start(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._made = await self._ask(made(self._redis, self._to.prefix))
        await self._once(self._tick)
        self._tasks = [asyncio.create_task(self._beating()), asyncio.create_task(self._reading())]
        self._tasks.append(asyncio.create_task(self._counting()))

    async def close(self) -> None:
        self._closing = True  # a cancellation alone may be swallowed on its way through a client
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for asked in (self._puts, self._acks):
            await asked.close(Retry(1.0, "this gateway is stopping"))
        with contextlib.suppress(*FAULTS, Retry):
            await self._begun.close()
        with contextlib.suppress(*FAULTS):
            await self._lanes.goodbye()
        self._lanes.held.clear()
        await self._redis.aclose()

    def holds(self, delivery: Delivery) -> bool:
        hold = delivery.held
        return isinstance(hold, Hold) and hold in self._hands.jobs and self._lanes.holds(hold.lane, hold.token)

    async def begin(self, delivery: Delivery) -> None:
        await self._ask(self._begun.begin(_hold(delivery), delivery.starts))

    async def spare(self, delivery: Delivery) -> None:
        await self._ask(self._begun.spare(_hold(delivery)))

    async def ack(self, delivery: Delivery) -> None:
        hold = _hold(delivery)
        await self._acks.ask(hold)
        self._hands.done_with(hold)
        await self._ask(self._begun.ended(hold))

    async def _ack_all(self, holds: Sequence[Hold]) -> list[Any]:
        words = [GROUP, *(word for hold in holds for word in (hold.token, hold.id))]
        return list(await self._run(self._ack, [key for hold in holds for key in self._keys(hold)], words))

    async def retry(self, delivery: Delivery, after: float) -> Delivery:
        hold, again = _hold(delivery), replace(delivery, tries=delivery.tries + 1, starts=0)
        await self._run(self._tried, self._keys(hold), [hold.token, GROUP, hold.id, self._lanes.me, again.tries])
        await self._ask(self._begun.ended(hold))
        return again

    async def park(self, delivery: Delivery, why: str) -> None:
        hold = _hold(delivery)
        words = [hold.token, GROUP, hold.id, raw(why[:2000]), delivery.tries]
        await self._run(self._park, [*self._keys(hold), self._names.key("parked")], words)
        self._hands.done_with(hold)
        await self._ask(self._begun.ended(hold))

    async def parked(self, after: int = 0, limit: int | None = None) -> list[tuple[Delivery, str]]:
        asked = self._redis.xrange(self._names.key("parked"), min=f"({spelt(after)}", count=limit)
        entries: list[Any] = await self._ask(asked)
        return [parked_of(id_, fields) for id_, fields in entries]

    async def aside(self) -> tuple[int, int | None]:
        oldest = await self.parked(limit=1)
        return int(await self._ask(self._redis.xlen(self._names.key("parked")))), oldest[0][0].at if oldest else None

    async def replay(self, ids: list[int] | None = None) -> int:
        wanted = [delivery for delivery, _ in await self.parked() if ids is None or delivery.id in ids]
        done = 0
        for each in wanted:
            lane = self._names.lane(lane_of(each.job.lane))
            keys = [self._names.key("parked"), lane, self._names.key("once")]
            words = [spelt(each.id), digest(each.job.once), self._clock.now()]
            done += int(await self._run(self._replay, keys, words))
        return done

    async def look(self) -> int:
        """What is replayed stands in its lane, and is read like anything new."""
        return 0

    async def discard(self, before: int) -> int:
        name = self._names.key("parked")
        return int(await self._ask(self._redis.xtrim(name, minid=f"{before}-0", approximate=False)))

    async def forget(self, before: int) -> int:
        gone: int = await self._ask(forget(self._redis, self._names, before))
        return gone

    async def epoch(self) -> int:
        return int(await self._ask(self._redis.get(self._names.key("epoch"))) or 0)

    async def bump(self) -> None:
        await self._run(self._bump, [self._names.key("epoch")], [])

    # -- jobs in hand

    def _hand_over(self, held: Held, id_: bytes, job: Job, tries: int, local: object = None, starts: int = -1) -> None:
        if self._deliver is None or (delivery := self._hands.take(held, id_, job, tries, local, starts)) is None:
            return
        self._deliver(delivery)

    async def _let_go(self) -> None:
        """Of what was handed out under leases that are not ours any more: another process has it now, or will; and
        whatever of it was running did not end this one. Asked of what is held and not told by what was just lost, so
        that a beat that breaks off leaves it to the next.

        Emptied since the beat Redis has forgotten every lease: what is in hand is put back at the next one."""
        lost = self._hands.strangers()
        if lost and await made(self._redis, self._to.prefix) == self._made:
            self._hands.drop(lost)
            await self._begun.spared(lost)

    def _keys(self, hold: Hold) -> list[str]:
        return [self._names.lane(hold.lane), self._names.lease(hold.lane)]

    # -- lanes

    async def _beating(self) -> None:
        while not self._closing:
            await asyncio.sleep(TICK_S)
            await self._once(self._tick)

    async def _tick(self) -> None:
        beat = await self._lanes.beat()
        if beat.made != self._made:
            await self._after_emptying()
        await self._put_back()
        await self._lanes.renew()
        await self._let_go()
        await self._own()
        await self._lanes.give(beat.share)
        await self._let_go()
        taken = await self._lanes.adopt(beat.strangers) + await self._lanes.take_share(beat.share)
        for held in taken:
            await self._take_up(held)
        for held in self._lanes.left_over():
            await self._take_up(held)
        await self._lanes.retire()
        await self._tell()  # last: what hears it writes to the store, and whoever waits for that holds its lanes

    async def _own(self) -> None:
        """The lane of this process; it stands in the list before it is used, so that others find it."""
        if self._lanes.own in self._lanes.held:
            return
        await self._redis.sadd(self._names.key("own"), self._lanes.me)
        for held in await self._lanes.take([self._lanes.own], 1):
            await self._take_up(held)

    async def _take_up(self, held: Held) -> None:
        """What was handed out in this lane and never acknowledged comes first, in order."""
        with self._hands.taking_up():
            await self._left_over(held)

    async def _left_over(self, held: Held) -> None:
        keys = [self._names.lane(held.lane), self._names.lease(held.lane)]
        left = await self._claim(keys=keys, args=[held.token, GROUP, self._lanes.me])
        if left is None:
            return
        began = await self._begun.before([Hold(held.lane, held.token, id_.decode()) for id_, _, _ in left])
        lanes: set[str] = set()
        for (id_, fields, tries), starts in zip(left, began, strict=True):
            job = job_of(pairs(fields))
            first = job.lane not in lanes  # the others of a room cannot have been running
            lanes.add(job.lane)
            self._hand_over(held, id_, job, int(tries), starts=starts if first else -1)
        held.behind = b"0-0"
        self._news = None

    async def _after_emptying(self) -> None:
        log.error(EMPTIED)
        mine = sorted(self._hands.jobs.values(), key=lambda each: each.id)
        self._to_put_back += [replace(delivery.job, here=False) for delivery in mine]
        self._untold = True
        self._hands.jobs.clear()
        self._lanes.held.clear()
        await sign(self._redis, self._to.prefix, self._deployment)
        self._made = await made(self._redis, self._to.prefix)

    async def _put_back(self) -> None:
        """At the next beat the rest of it, should Redis go away meanwhile; a job that is there already is not again."""
        while self._to_put_back:
            await self.publish(self._to_put_back[0])
            del self._to_put_back[0]

    async def _tell(self) -> None:
        if self._untold:
            if self.emptied is not None:
                try:
                    async with asyncio.timeout(TICK_S):
                        await self.emptied()
                except TimeoutError:
                    return  # with the next beat: no lease waits for a store
            self._untold = False

    async def _counting(self) -> None:
        while not self._closing:
            await self._once(self._count_all)
            await asyncio.sleep(COUNT_S)

    async def _count_all(self) -> None:
        self._counted = await steady(lambda: self._counted, lambda: self._run(self._count, self._names.lanes(), []))

    # -- new jobs

    async def _reading(self) -> None:
        while not self._closing:
            if not await self._once(self._round):
                # what was handed out in an answer that never came is claimed again before anything newer is read
                for held in self._lanes.held.values():
                    held.behind = b""

    async def _round(self) -> None:
        news, self._news = self._news, set()
        lanes, room = self._lanes.reading(), self._hands.room
        if not lanes or room <= 0:
            self._news = None
            await self._hands.until_room()
            return
        wanted = some([each for each in lanes if news is None or each.lane in news], room)
        if wanted and await self._read_from(wanted, min(64, room // len(wanted))):
            self._news = None  # there may be more than was taken
            return
        found = await self._news_of(lanes)
        if self._news is not None:
            self._news |= found

    async def _read_from(self, lanes: list[Held], count: int) -> bool:
        """Whether a lane had as many as were asked for."""
        keys = [key for each in lanes for key in (self._names.lane(each.lane), self._names.lease(each.lane))]
        working = [each.working for each in lanes]
        pages = await self._read(keys=keys, args=[count, GROUP, self._lanes.me, *(each.token for each in lanes)])
        for held, page, before in zip(lanes, pages, working, strict=True):
            if not page:
                continue  # it is another's; the next beat says so
            entries, behind, pending = page
            for id_, fields in entries:
                self._hand_over(held, id_, job_of(pairs(fields)), 1, FRESH)
            # A reading that was given up, and that Redis came to after the lane had been taken up, took some with it
            # that nobody has in hand: they are taken up as well.
            held.behind = b"" if pending - len(entries) > before else behind or held.behind
        return any(page and len(page[0]) >= count for page in pages)

    async def _news_of(self, lanes: list[Held]) -> set[str]:
        """Waits until there is something new. Looks only: what is read is read under the lease."""
        behind: dict[Any, Any] = {self._names.lane(each.lane): each.behind for each in lanes if each.behind}
        found: Any = await self._redis.xread(behind, count=1, block=BLOCK_MS) if behind else []
        pairs = found.items() if isinstance(found, dict) else found
        return {name.decode().removeprefix(self._names.lane("")) for name, _ in pairs}

    # -- Redis away

    async def _once(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Whether it went through; what did not is tried again."""
        try:
            await step()
        except (Retry, *FAULTS) as broke:
            log.warning("the queue: %s", broke if isinstance(broke, Retry) else away(broke))
        except Exception:
            log.exception("the queue: a bug")
        else:
            return True
        await asyncio.sleep(0.5)
        return False

    async def _run(self, script: Any, keys: list[str], words: list[Any]) -> Any:
        return await self._ask(script(keys=keys, args=words))

    async def _ask(self, call: Any) -> Any:
        try:
            return await call
        except FAULTS as broke:
            raise away(broke) from broke


def _hold(delivery: Delivery) -> Hold:
    assert isinstance(delivery.held, Hold)
    return delivery.held


_: type[Bus] = RedisBus
