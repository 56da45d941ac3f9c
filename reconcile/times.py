"""When an edit counts as made. Fixed when it is stored, never raised by its parents."""

from __future__ import annotations

from typing import Final

MAX_OFFLINE: Final = 86_400_000
MAX_AHEAD: Final = 60_000


def effective(
    *, online: bool, source_time: int | None, ingest_time: int, max_offline: int = MAX_OFFLINE
) -> tuple[int, bool]:
    """(effective time, skewed), in ms. Online: when it came in. Linear and offline sources: what they claim,
    no earlier than `max_offline` before that and no later than 60 s after; skewed when it had to be moved."""
    if online or source_time is None:
        return ingest_time, False
    clamped = min(max(source_time, ingest_time - max_offline), ingest_time + MAX_AHEAD)
    return clamped, clamped != source_time
