"""How long messages wait: rooms of heavy-tailed traffic, hashed to lanes, shared out over gateways; one may die.

`python -m benchmarks.scaling.simulate` prints the table of docs/scaling.md. Seeded: the same words give the same table.

A gateway has one core, and messages take turns on it; a room's messages keep their order, and a card holds its room
while the network answers. A message that finds its room's send rate used up has its card put off, not its room.
When a gateway dies, its lanes lie still until their lease has run out and somebody looks, then whoever has fewest
takes them, with what was in hand. Not in it: PostgreSQL and Redis, which are taken to keep up.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate

LEASE_S = 8.0
TICK_S = 2.0


@dataclass(frozen=True, slots=True)
class Load:
    instances: int = 4
    lanes: int = 64
    rooms: int = 100_000
    rate: float = 1000.0
    """Messages a second, all rooms together."""
    seconds: float = 60.0
    tail: float = 0.9
    """Zipf's exponent: the n-th busiest room has n ** -tail of the busiest one's messages."""
    loudest: float = 3.0
    """No room has more messages a second than this: people type."""
    cpu: float = 0.003
    cards: float = 0.2
    """The part of the messages that is answered with a card."""
    network: float = 0.12
    room_rate: float = 1.0
    crash: float | None = None
    """When one gateway dies, in seconds."""
    seed: int = 7


@dataclass(slots=True)
class Room:
    lane: int
    waiting: deque[float] = field(default_factory=deque)
    busy: bool = False
    sends_from: float = 0.0


@dataclass(slots=True)
class Gateway:
    ready: deque[int] = field(default_factory=deque)
    busy: bool = False
    worked: float = 0.0
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    messages: int
    p50: float
    p99: float
    p999: float
    """Seconds from a message's arrival to the end of its work on the core."""
    card99: float
    """The same to the moment a card may be sent to its room."""
    busiest: float
    """The share of the time that the busiest gateway's core was at work."""


class Simulation:
    def __init__(self, load: Load) -> None:
        self.load, self.random = load, random.Random(load.seed)
        self.gateways = [Gateway() for _ in range(load.instances)]
        self.owner: list[int | None] = [lane % load.instances for lane in range(load.lanes)]
        self.rooms: dict[int, Room] = {}
        self.delays: list[float] = []
        self.cards: list[float] = []
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._serial = 0

    def run(self) -> Result:
        for at, room in arrivals(self.load, self.random):
            self._at(at, partial(self._arrive, room))
        if self.load.crash is not None:
            self._at(self.load.crash, self._crash)
        while self._events:
            at, _, what = heapq.heappop(self._events)
            what(at)
        busiest = max(gateway.worked for gateway in self.gateways) / self.load.seconds
        p50, p99, p999 = (share(self.delays, part) for part in (0.5, 0.99, 0.999))
        return Result(len(self.delays), p50, p99, p999, share(self.cards, 0.99), busiest)

    def _at(self, when: float, what: Callable[[float], None]) -> None:
        self._serial += 1
        heapq.heappush(self._events, (when, self._serial, what))

    def _arrive(self, name: int, now: float) -> None:
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room(self.random.randrange(self.load.lanes))
        room.waiting.append(now)
        self._offer(now, name)

    def _offer(self, now: float, name: int) -> None:
        room = self.rooms[name]
        owner = self.owner[room.lane]
        if owner is not None and room.waiting and not room.busy:
            room.busy = True
            self.gateways[owner].ready.append(name)
            self._turn(now, owner)

    def _turn(self, now: float, which: int) -> None:
        gateway = self.gateways[which]
        if gateway.alive and gateway.ready and not gateway.busy:
            gateway.busy = True
            name, work = gateway.ready.popleft(), self.random.expovariate(1 / self.load.cpu)
            gateway.worked += work
            self._at(now + work, partial(self._worked, which, name))

    def _worked(self, which: int, name: int, now: float) -> None:
        gateway, room = self.gateways[which], self.rooms[name]
        if not gateway.alive:
            return  # its work is lost, and done again by whoever takes the lane
        gateway.busy = False
        came = room.waiting.popleft()
        self.delays.append(now - came)
        held = self._card(now, came, room) if self.random.random() < self.load.cards else 0.0
        self._at(now + held, partial(self._free, name))
        self._turn(now, which)

    def _card(self, now: float, came: float, room: Room) -> float:
        sent = max(now, room.sends_from)
        room.sends_from = sent + 1 / self.load.room_rate
        self.cards.append(sent - came)
        return self.random.lognormvariate(0, 0.5) * self.load.network

    def _free(self, name: int, now: float) -> None:
        self.rooms[name].busy = False
        self._offer(now, name)

    def _crash(self, now: float) -> None:
        dead = self.gateways[0]
        dead.alive = False
        dead.ready.clear()
        lanes = [lane for lane, owner in enumerate(self.owner) if owner == 0]
        for lane in lanes:
            self.owner[lane] = None
            self._at(now + LEASE_S + self.random.uniform(0, TICK_S), partial(self._taken, lane))

    def _taken(self, lane: int, now: float) -> None:
        living = [which for which, gateway in enumerate(self.gateways) if gateway.alive]
        self.owner[lane] = min(living, key=self.owner.count)
        for name, room in self.rooms.items():
            if room.lane == lane:
                room.busy = False
                self._offer(now, name)


def arrivals(load: Load, chance: random.Random) -> Sequence[tuple[float, int]]:
    """(second, room), in order; what the loudest rooms may not say, others do."""
    shares = [min(n**-load.tail, load.loudest) for n in range(1, load.rooms + 1)]
    for _ in range(20):
        scale = load.rate / sum(shares)
        shares = [min(one * scale, load.loudest) for one in shares]
    cumulative = list(accumulate(shares))
    count = int(load.rate * load.seconds)
    rooms = chance.choices(range(load.rooms), cum_weights=cumulative, k=count)
    return list(zip(sorted(chance.uniform(0, load.seconds) for _ in range(count)), rooms, strict=True))


def share(values: list[float], part: float) -> float:
    return sorted(values)[int(part * (len(values) - 1))] if values else 0.0


def row(load: Load) -> str:
    got = Simulation(load).run()
    times = " | ".join(f"{1000 * one:,.0f}" for one in (got.p50, got.p99, got.p999, got.card99))
    dies = "one dies" if load.crash is not None else ""
    return f"| {load.rate:,.0f} | {load.instances} | {load.lanes} | {dies} | {100 * got.busiest:.0f} % | {times} |"


def table(base: Load) -> list[str]:
    head = "| messages/s | gateways | lanes | | busiest core | p50 ms | p99 ms | p99.9 ms | card p99 ms |"
    calm = ((200, 1), (200, 2), (1000, 2), (1000, 4), (1000, 10), (2500, 10))
    loads = [replace(base, rate=rate, instances=instances) for rate, instances in calm]
    loads += [replace(base, instances=10, rate=2500, lanes=lanes) for lanes in (16, 256)]
    loads += [replace(base, rate=100 * each, instances=each, crash=base.seconds / 3) for each in (2, 4, 10)]
    return [head, "|" + " --- |" * 9, *(row(load) for load in loads)]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--cpu-ms", type=float, default=3.0, help="one core's work for one message, on average")
    asked.add_argument("--seed", type=int, default=7)
    words = asked.parse_args()
    base = Load(seconds=words.seconds, cpu=words.cpu_ms / 1000, seed=words.seed)
    about = f"seed {base.seed}, {base.seconds:.0f} s, {words.cpu_ms} ms of a core a message, {base.rooms:,} rooms"
    print(f"{about}\n")
    print("\n".join(table(base)))


if __name__ == "__main__":
    main()
