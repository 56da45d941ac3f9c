"""What is exported from the start, at 0, before anything of it has happened.

Prometheus sees an increase between two values. Of a counter that begins to be there with its first event there is but
one, and the event that an alarm waits for goes by unseen. So every counter whose labels the configuration tells is
there from the first scrape on, and so is what is known of a CRM that nobody has read yet. Who holds what is begun where
it is asked for (`only.py`).
"""

from __future__ import annotations

from typing import get_args

from channels.model import Event
from crm.model import Hooks
from gateway import metrics
from gateway.bus.bounded import RANKS
from gateway.outgoing.model import Rank
from gateway.outgoing.targets import targets
from gateway.services import Services
from gateway.store.faults import SAY

RECEIVED = ("accepted", "rejected", "unreadable")
WRITTEN = ("applied", "moved", "refused", "retry", "unsure")
BEHIND = ("late", "rewound")
GAPS = ("lost", "read")
LEVELS = ("info", "warning", "error", "critical")
EVENTS = tuple(kind.__name__.lower() for kind in get_args(Event))


def begin(s: Services) -> None:
    """Once, before the first scrape. What was counted before is left as it is."""
    for name in s.channels:
        _received(name)
        metrics.DUPLICATES.labels(name)
        metrics.COALESCED.labels(name)
        metrics.QUEUED.labels(name)
        for kind in EVENTS:
            metrics.EVENTS.labels(name, kind)
        for rank in Rank:
            metrics.LIMITED.labels(name, rank.name.lower())
    for name, crm in s.crms.items():
        if isinstance(crm, Hooks):
            _received(name)
        for outcome in WRITTEN:
            metrics.WRITTEN.labels(name, outcome)
        # As if it were read now: nobody who only waits for the lease can say how old the other's news are, and of one
        # that is never read it is told five minutes from here.
        metrics.SWEPT.labels(name).set(s.clock.now() / 1000)
    for name in s.config.sources:
        for outcome in GAPS:
            metrics.GAPS.labels(name, outcome)
    for name in (*s.crms, *s.config.sources):
        for kind in BEHIND:
            metrics.BEHIND.labels(name, kind)
    for kind in EVENTS:
        metrics.WHOLE_TURN.labels(kind)
        metrics.SHED.labels(kind)
    for topic in RANKS:
        metrics.SHED.labels(topic)
        metrics.MADE_GOOD.labels(topic)
    for why in SAY:
        metrics.UNWRITTEN.labels(why)
    for level in LEVELS:
        metrics.LINES.labels(level)
    for each in targets(s.config, s.channels, s.crms):
        _ = s.gate.breakers[each.breaker]  # one that is asked for is made, and tells its state


def _received(name: str) -> None:
    for outcome in RECEIVED:
        metrics.RECEIVED.labels(name, outcome)
