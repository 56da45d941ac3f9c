"""Cards that were posted again: none but those that a crash caught between posting them and writing that down."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field

from gateway.config import load
from tests.cluster.network import Network
from tests.cluster.outside import Outside

LOOKS, LOOK_S = 3, 0.1
"""The network runs in the test's own loop: after so many turns it has read what the killed one had sent."""


@dataclass(frozen=True, slots=True)
class Kill:
    at: float
    """Monotonic seconds, as the network's."""
    open: frozenset[str]
    """The keys of cards that were posted, and not written down by anybody."""


@dataclass
class Caught:
    outside: Outside
    network: Network
    kills: list[Kill] = field(default_factory=list)

    async def struck(self, at: float) -> None:
        """To be awaited right after each kill: nobody takes up what the killed one had in hand within its lease."""
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_S)
        posted = dict(self.network.onces)
        written = await asyncio.to_thread(self._written)
        self.kills.append(Kill(at, frozenset(once for once, id_ in posted.items() if id_ not in written)))

    def _written(self) -> set[str]:
        found = self.outside.rows("SELECT message FROM slot WHERE message IS NOT NULL")
        return {str(json.loads(message)[1]) for (message,) in found}

    def judged(self) -> int:
        """Each was open at a kill since, once for each time it was posted again; and of the worker's places a killed
        gateway leaves no more behind than there are, since each of them posts one card at a time. How many there were.
        """
        at_a_time = load(self.outside.ground.config).server.workers
        times: Counter[str] = Counter()
        for number, (at, once) in enumerate(self.network.again, 1):
            times[once] += 1
            before = [kill for kill in self.kills if kill.at < at]
            caught = sum(once in kill.open for kill in before)
            assert times[once] <= caught, f"{once} posted again {times[once]} times, {caught} kills caught it"
            assert number <= at_a_time * len(before), f"{number} posted again after {len(before)} kills"
        return len(self.network.again)
