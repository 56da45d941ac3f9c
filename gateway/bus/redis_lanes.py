"""Which lanes this process works on: leases in Redis, each with a fence, shared out evenly among those that live."""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.bus import redis_scripts as scripts

LANES = 64
TTL_MS = 8_000
TICK_S = 2.0
DRAIN_S = 5.0
LATE_S = 60.0
"""So long after a step was given up its line may still bring it to Redis."""
GROUP = "floatcard"


@dataclass(frozen=True, slots=True)
class Names:
    """Every key of one queue."""

    prefix: str

    def key(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def lane(self, lane: str) -> str:
        return f"{self.prefix}lane:{lane}"

    def lanes(self) -> list[str]:
        """Those of all rooms."""
        return [self.lane(str(lane)) for lane in range(LANES)]

    def lease(self, lane: str) -> str:
        return f"{self.prefix}lease:{lane}"


def lane_of(name: str) -> str:
    """A room's lane: the same in every process, now and later. What is said in a room and what is drawn there again
    (`room:…`, `repaint:…`) come to one process, so that it paints one card at a time."""
    subject = name.partition(":")[2] or name
    digest = hashlib.blake2b(subject.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return str(int.from_bytes(digest, "big") % LANES)


@dataclass(slots=True)
class Held:
    """A lane whose lease is ours, until `until` (monotonic seconds) at least."""

    lane: str
    token: str
    until: float
    behind: bytes = b""
    """The entry that was handed out last; empty until what was left over has been taken up."""
    unsure: float = 0.0
    """Until then (monotonic seconds) a step that was given up may come to it, and hand out what nobody hears of."""
    leaving: float = 0.0
    """Since when it is being given to somebody else; 0 when it is not."""
    working: int = 0
    """Deliveries of it that are not done with."""


def some(lanes: list[Held], room: int) -> list[Held]:
    """So many that each may be read one job; others each time, so that none is forgotten."""
    return lanes if len(lanes) <= room else random.sample(lanes, room)


@dataclass(slots=True)
class Beat:
    made: str
    share: int
    """How many shared lanes are this process's: with everybody's they are all of them."""
    strangers: list[str]
    """Consumers whose own lanes are there."""


class Lanes:
    """What is ours now. Every method may raise what redis-py raises."""

    def __init__(self, redis: Redis, names: Names, me: str) -> None:
        self.held: dict[str, Held] = {}
        self.me = me
        self.own = f"own:{me}"
        self._names = names
        self._redis = redis
        register = redis.register_script
        self._beat, self._renew, self._take = map(register, (scripts.BEAT, scripts.RENEW, scripts.TAKE))
        self._release, self._retire = register(scripts.RELEASE), register(scripts.RETIRE)

    def holds(self, lane: str, token: str) -> bool:
        held = self.held.get(lane)
        return held is not None and held.token == token and time.monotonic() < held.until

    def left_over(self) -> list[Held]:
        """Those of which something may be handed out that nobody has in hand."""
        now = time.monotonic()
        return [each for each in self.held.values() if not each.behind or now < each.unsure]

    def reading(self) -> list[Held]:
        """The shared lanes whose new jobs we may take."""
        return [each for each in self.held.values() if each.behind and not each.leaving and each.lane != self.own]

    async def beat(self) -> Beat:
        keys = [self._names.key(name) for name in ("alive", "own", "mark")]
        made, living, before, strangers = await self._beat(keys=keys, args=[self.me, TTL_MS, ""])
        each, more = divmod(LANES, max(int(living), 1))
        return Beat(made.decode(), each + (int(before) < more), [name.decode() for name in strangers])

    async def renew(self) -> None:
        """Lets go of those that are not ours any more, and of one that ran out unnoticed: of its jobs some may have
        been found not to be ours meanwhile."""
        asked = list(self.held.values())
        if not asked:
            return
        now = time.monotonic()
        keys, tokens = [self._names.lease(each.lane) for each in asked], [each.token for each in asked]
        answers = await self._renew(keys=keys, args=[TTL_MS, *tokens])
        after = time.monotonic()  # one that ran out while the answer was awaited is one of them
        lost = [each for each, ours in zip(asked, answers, strict=True) if not ours or each.until <= after]
        for each in asked:
            each.until = now + TTL_MS / 1000
        await self.release(lost)

    async def take(self, lanes: list[str], at_most: int) -> list[Held]:
        """Of those lanes the ones that nobody held."""
        wanted = [lane for lane in lanes if lane not in self.held]
        if not wanted or at_most <= 0:
            return []
        until = time.monotonic() + TTL_MS / 1000
        keys = [self._names.key("fence"), *(self._names.lease(lane) for lane in wanted)]
        tokens = await self._take(keys=keys, args=[self.me, TTL_MS, at_most])
        taken = [Held(lane, token.decode(), until) for lane, token in zip(wanted, tokens, strict=True) if token]
        self.held |= {each.lane: each for each in taken}
        return taken

    async def take_share(self, share: int) -> list[Held]:
        """Free shared lanes, until we have so many."""
        free = [lane for lane in map(str, range(LANES)) if lane not in self.held]
        random.shuffle(free)  # two that start at once do not both ask for the first ones
        return await self.take(free, share - len(self._shared()))

    async def adopt(self, strangers: list[str]) -> list[Held]:
        """Lanes of the processes that are gone."""
        return await self.take([f"own:{each}" for each in strangers if each != self.me], len(strangers))

    def _shared(self) -> list[Held]:
        return [each for each in self.held.values() if not each.lane.startswith("own:")]

    async def give(self, share: int) -> None:
        """Lets go of what is more than our share: no new jobs, and the lease once the old ones are done."""
        shared, now = self._shared(), time.monotonic()
        for n, each in enumerate(sorted(shared, key=lambda each: (each.leaving > 0, each.leaving))):
            each.leaving = 0.0 if n < share else each.leaving or now
        await self.release([each for each in shared if each.leaving and self._over(each, now)])

    def _over(self, held: Held, now: float) -> bool:
        return held.working == 0 or now - held.leaving > DRAIN_S

    async def retire(self) -> None:
        """Lanes of processes that are gone, once they are empty."""
        for each in [each for each in self.held.values() if each.lane.startswith("own:") and each.lane != self.own]:
            keys = [self._names.lane(each.lane), self._names.lease(each.lane), self._names.key("own")]
            if each.behind and await self._retire(keys=keys, args=[each.token, each.lane.removeprefix("own:")]):
                self.held.pop(each.lane, None)

    async def release(self, some: list[Held]) -> None:
        for each in some:
            self.held.pop(each.lane, None)
        if some:
            keys, tokens = [self._names.lease(each.lane) for each in some], [each.token for each in some]
            await self._release(keys=keys, args=tokens)

    async def goodbye(self) -> None:
        """Everything is free for the others at once."""
        await self.release(list(self.held.values()))
        keys = [self._names.key(name) for name in ("alive", "own", "mark")]
        await self._beat(keys=keys, args=[self.me, TTL_MS, "1"])
