"""What is put off when too much waits: cards first, then alerts, then what keeps rooms in step; an edit never.

One measure, the jobs not done with, and a mark for each rank. What is past its mark stays so until a quarter of it is
worked off, so that nothing flickers at the mark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.bus.model import Rank
from gateway.metrics import PRESSURE

RETRY_S = 2.0
"""When a network is asked to come again with what was not taken."""
_CALM = 0.75
_NEAR = 0.25


class Pressure:
    """Asked for every event and job: a comparison, no look into anything. `store_full`: writes themselves pile up."""

    def __init__(
        self, waiting: Callable[[], int], marks: Mapping[Rank, int], store_full: Callable[[], bool] = lambda: False
    ) -> None:
        self._waiting = waiting
        self._marks = dict(marks)
        self._on = dict.fromkeys(marks, False)
        self.store_full = store_full
        for rank in marks:
            PRESSURE.labels(rank).set(0)

    def sheds(self, rank: Rank) -> bool:
        """Whether what is of this rank is to be put off now."""
        mark = self._marks.get(rank)
        if mark is None:
            return False
        was = self._on[rank]
        now = self._waiting() >= (mark * _CALM if was else mark)
        if now != was:
            self._on[rank] = now
            PRESSURE.labels(rank).set(int(now))
        return now

    def look(self) -> None:
        """For whoever asks the metrics: of a rank that nothing comes of any more nobody else asks."""
        for rank in self._marks:
            self.sheds(rank)

    def near(self, rank: Rank) -> bool:
        """Whether so much waits that whoever makes work of their own had better wait: a quarter of the mark."""
        mark = self._marks.get(rank)
        return mark is not None and self._waiting() >= mark * _NEAR


UNBOUNDED = Pressure(lambda: 0, {})
