"""When a verdict may change by itself. Times are milliseconds since the epoch, UTC.

A policy may only compare a time attribute with a literal (checked at load), so between two neighbouring
boundaries every policy sees the same answers to all its questions about time: the bucket names that stretch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
HORIZON: Final = 8 * DAY
"""A week holds every pairing of weekday and minute; the day more covers a change of the clocks."""

EARLIEST: Final = -62_000_000_000_000
LATEST: Final = 253_000_000_000_000
"""The years 5 to 9987: beyond them a calendar with zones has no answer, so the nearest one is used."""

Bucket: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class TimeUse:
    """The literals that policies compare time with, ascending: minutes of the local day, and instants."""

    minutes: tuple[int, ...] = ()
    weekdays: bool = False
    instants: tuple[int, ...] = ()

    @property
    def daily(self) -> bool:
        return bool(self.minutes) or self.weekdays

    def __bool__(self) -> bool:
        return self.daily or bool(self.instants)


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo | None:
    """The zone of an IANA name; "" is UTC; None when there is no such zone."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment as the policies see it: minute of the local day, weekday (Monday is 1), instant."""

    minute: int
    weekday: int
    at: int

    @property
    def now(self) -> str:
        """As Cedar's `datetime` is written."""
        return _utc(self.at).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _utc(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=min(max(at, EARLIEST), LATEST))


def clock(at: int, zone: tzinfo) -> Clock:
    local = _utc(at).astimezone(zone)
    return Clock(local.hour * 60 + local.minute, local.isoweekday(), at)


def bucket(seen: Clock, use: TimeUse) -> Bucket:
    """Two moments of one bucket are the same to every policy."""
    return (
        bisect_right(use.minutes, seen.minute),
        seen.weekday if use.weekdays else 0,
        bisect_right(use.instants, seen.at),
    )


def boundaries(at: int, zone: tzinfo, use: TimeUse) -> Iterator[int]:
    """The moments after `at` at which the bucket may become another, ascending, up to `HORIZON`; then one more.

    The last one given says "look again then": the week's pattern is through, or the next instant is further off.
    """
    yield from _near(at, zone, use)
    later = [instant for instant in use.instants if instant > at + HORIZON]
    if use.daily:
        later.append(at + HORIZON + 1)
    if later:
        yield min(later)


def _near(at: int, zone: tzinfo, use: TimeUse) -> Iterator[int]:
    end = at + HORIZON
    start = at - at % DAY
    seen = at
    for day in range(start, end + 1, DAY):
        for moment in sorted({*_daily(day, zone, use), *(i for i in use.instants if day <= i < day + DAY)}):
            if seen < moment <= end:
                seen = moment
                yield moment


def _daily(day: int, zone: tzinfo, use: TimeUse) -> tuple[int, ...]:
    return _of_day(day, zone, use.minutes) if use.daily else ()


@lru_cache(maxsize=4096)
def _of_day(day: int, zone: tzinfo, minutes: Sequence[int]) -> tuple[int, ...]:
    """The boundaries within one UTC day: local midnights, the local minutes named, and changes of the clocks."""
    first, last = (_utc(day + edge).astimezone(zone).date() for edge in (0, DAY))
    days = {first, last, first + timedelta(days=1)}
    found = {moment for local in days for minute in (0, *minutes) for moment in _instants(local, minute, zone)}
    found.update(_transitions(day, zone))
    return tuple(sorted(moment for moment in found if day <= moment < day + DAY))


def _instants(day: date, minute: int, zone: tzinfo) -> Iterator[int]:
    """When the clocks on the wall show `minute` on `day`: twice when they are put back over it."""
    if 0 <= minute < 24 * 60:
        for fold in (0, 1):
            yield _ms(datetime.combine(day, time(minute // 60, minute % 60, fold=fold), zone))


def _ms(moment: datetime) -> int:
    return int((moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _transitions(day: int, zone: tzinfo) -> Iterator[int]:
    """The moments of one UTC day at which the zone's offset changes."""
    for start in range(day, day + DAY, 6 * HOUR):
        low, high = start - 1, start + 6 * HOUR - 1
        if _offset(low, zone) == _offset(high, zone):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(middle, zone) == _offset(low, zone) else (low, middle)
        yield high


def _offset(at: int, zone: tzinfo) -> timedelta:
    return _utc(at).astimezone(zone).utcoffset() or timedelta()
