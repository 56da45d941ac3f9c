"""Words for people: translations, times in the reader's zone, lists. English and Chinese (Simplified).

Every time is milliseconds since the epoch. A message id is English; `{name}` in it is filled after
translation, from plain values only: a hostile value is never part of a format string.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.lists import format_list

supported: Final = ("en", "zh-CN")
LOCALES: Final = Path(__file__).parent / "locales"
DOMAIN: Final = "floatcard"

_PLACE: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_TWO_DIGITS: Final = tuple(f"{number:02}" for number in range(60))
JUST_NOW: Final = 5_000
"""Milliseconds either way: two clocks do not agree on less."""
_SHORT: Final = {"en": ("MMM d", "MMM d, y"), "zh-CN": ("MM-dd", "yyyy-MM-dd")}


def N_(msgid: str) -> str:  # noqa: N802 - the extractor's own name for it
    """Marks a message id that is said elsewhere, so that the catalogues have it."""
    return msgid


@lru_cache(maxsize=256)
def match(locale: str) -> str:
    """The supported locale nearest to any spelling of one: `zh_TW`, `zh-Hans-CN` -> `zh-CN`; unknown -> `en`."""
    language = locale.replace("_", "-").partition("-")[0].strip().lower()
    return "zh-CN" if language == "zh" else "en"


@lru_cache(maxsize=8)
def _catalogue(locale: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, [locale.replace("-", "_")], fallback=True)


def translations(locale: str) -> gettext.NullTranslations:
    """The compiled catalogue of a locale, for jinja2's i18n extension."""
    return _catalogue(match(locale))


@lru_cache(maxsize=4096)
def _translated(locale: str, msgid: str) -> str:
    return _catalogue(match(locale)).gettext(msgid) if msgid else ""


def say(locale: str, msgid: str, /, **facts: object) -> str:
    """`msgid` in the reader's language with `{name}` filled; a placeholder without a fact stays as it is."""
    if not facts:
        return _translated(locale, msgid)
    words, places = _split(locale, msgid)
    return "".join([word + _fill(locale, place, facts) for word, place in places]) + words


@lru_cache(maxsize=4096)
def _split(locale: str, msgid: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The last words of a message, and of each place before them the words before it and its name."""
    *before, last = _PLACE.split(_translated(locale, msgid))
    return last, tuple(zip(before[::2], before[1::2], strict=True))


def _fill(locale: str, place: str, facts: dict[str, object]) -> str:
    if place not in facts:
        return f"{{{place}}}"
    value = facts[place]
    if isinstance(value, tuple | list):
        return join(locale, value)
    return str(value)


def join(locale: str, parts: Iterable[object]) -> str:
    """`a, b, and c` in the reader's language; empty parts are left out."""
    known = [words for part in parts if (words := str(part))]
    if match(locale) == "zh-CN" and len(known) > 1:
        # A figure or a Latin letter has a space before or after the "和" it stands beside.
        known[-2] += " " * _latin(known[-2][-1])
        known[-1] = " " * _latin(known[-1][0]) + known[-1]
    return format_list(known, locale=_babel(match(locale)))


def _latin(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


@lru_cache(maxsize=8)
def _babel(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC when nobody knows it, so that a wrong profile never breaks a card."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return UTC


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=8192)
def local(at: int, zone: str) -> datetime:
    """A time out of the calendar's range is taken to its edge."""
    try:
        return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone_of(zone))
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if at > 0 else datetime.min.replace(tzinfo=UTC)


@lru_cache(maxsize=4096)
def _date(locale: str, day: date, this_year: bool) -> str:
    nearest = match(locale)
    return format_date(day, _SHORT[nearest][0 if this_year else 1], locale=_babel(nearest))


def _clock(then: datetime) -> str:
    return f"{_TWO_DIGITS[then.hour]}:{_TWO_DIGITS[then.minute]}"


def _day(locale: str, day: date, today: date) -> str:
    return _date(locale, day, day.year == today.year)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a card is drawn for: language, zone, and the moment. Words made here stay true until midnight or longer."""

    locale: str
    zone: str
    now: int

    def say(self, msgid: str, /, **facts: object) -> str:
        return say(self.locale, msgid, **facts)

    def join(self, parts: Iterable[object]) -> str:
        return join(self.locale, parts)

    def date(self, at: int) -> str:
        """`Nov 18` / `11-18`; with the year when it is not this one."""
        return _day(self.locale, local(at, self.zone).date(), local(self.now, self.zone).date())

    def time(self, at: int) -> str:
        """`10:32`"""
        return _clock(local(at, self.zone))

    def moment(self, at: int) -> str:
        """`10:32` today, else `Nov 18 10:32`."""
        then = local(at, self.zone)
        day, today, clock = then.date(), local(self.now, self.zone).date(), _clock(then)
        return clock if day == today else f"{_day(self.locale, day, today)} {clock}"

    def exact(self, at: int) -> str:
        """`2026-11-18 10:32:05 +08:00`, what is shown on hover."""
        return local(at, self.zone).isoformat(" ", "seconds")

    def ago(self, at: int) -> str:
        """`just now`, `3 minutes ago`, `in 2 days`: for a page that is drawn again, never for a card that stays."""
        if abs(at - self.now) < JUST_NOW:
            return self.say("just now")
        span = timedelta(milliseconds=max(min(at - self.now, 10**15), -(10**15)))
        return str(format_timedelta(span, add_direction=True, threshold=1.2, locale=_babel(match(self.locale))))

    def is_past_day(self, at: int) -> bool:
        """True from the midnight after that day in the reader's zone."""
        return local(at, self.zone).date() < local(self.now, self.zone).date()


def ago(locale: str, at: int, now: int) -> str:
    """`3 minutes ago`: relative, so only where a client draws it afresh with the exact time beside it."""
    return Reader(locale, "UTC", now).ago(at)
