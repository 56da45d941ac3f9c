"""What the page of applications shows: who may read and write what, how often each did, and which tokens there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cards.tree import Tone
from cards.words import N_
from gateway.applications import One, Ways, by_day, every
from gateway.console.seeing import Eyes
from gateway.console.sheet import sheet
from gateway.console.stages import BAR, HIGH, Bar, Chart
from gateway.services import Services
from gateway.store.stages import DAY_MS
from gateway.store.tokens import Known, TokenStore

DAYS: Final = 30
ENDED: Final = 5
CHANNEL: Final = N_("channel")
TOKEN: Final = N_("API token")
CONFIGURED: Final = N_("in the configuration only")
SOON_MS: Final = 14 * DAY_MS
COLUMNS: Final = ("application", "field", "class", "day", "read", "written", "denied")
_STATES: Final[Mapping[str, tuple[Tone, str]]] = {
    "stands": ("info", N_("in force")),
    "soon": ("warning", N_("ends soon")),
    "over": ("neutral", N_("ended")),
}


@dataclass(frozen=True, slots=True)
class TokenRow:
    id: str
    scopes: Sequence[str]
    reads: str
    writes: str
    person: str
    at: int
    used_at: int
    expires_at: int
    tone: Tone
    state: str
    over: bool


@dataclass(frozen=True, slots=True)
class FieldRow:
    label: str
    name: str
    sensitivity: str
    read: int
    written: int
    denied: int


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    kind: str
    denied: Sequence[str]
    """Labels of what it may not read, whoever its readers are."""
    unwritten: Sequence[str]
    fields: Sequence[FieldRow]
    reads: int
    week: int
    chart: Chart
    tokens: Sequence[TokenRow]


async def page(eyes: Eyes, tokens: TokenStore) -> list[Row]:
    """Channels first, then those that bear tokens, then those only the configuration speaks of."""
    s = eyes.s
    await s.tally.flush()
    today = eyes.reader.now // DAY_MS
    found = await every(s.config, s.classes, s.stages.store, tokens, today - DAYS + 1)
    return [_row(eyes, each, today) for each in found]


def _row(eyes: Eyes, one: One, today: int) -> Row:
    s, fields = eyes.s, [_field(eyes, field, each) for field, each in one.fields.items()]
    days = _days(each.get("read", {}) for each in one.fields.values())
    editable = [field for field, spec in s.config.fields.items() if spec.editable]
    hidden = [eyes.label(field) for field in s.classes.named() if field not in one.reads]
    return Row(
        name=one.name,
        kind=_kind(eyes, one),
        denied=[*hidden, *_details(eyes, one.name, one.reads)],
        unwritten=[eyes.label(field) for field in editable if field in one.reads and field not in one.writes],
        fields=sorted(fields, key=lambda each: (-each.read, each.name)),
        reads=sum(each.read for each in fields),
        week=sum(count for day, count in days.items() if day > today - 7),
        chart=_chart(days, today),
        tokens=_tokens(eyes, one.tokens),
    )


def _details(eyes: Eyes, name: str, reads: frozenset[str]) -> list[str]:
    """Of lists that it may read: what of their items it may not."""
    parts = [(each.partition("."), only) for each, only in eyes.s.config.granted.items() if "." in each]
    return [f"{eyes.label(kind)} · {key}" for (kind, _, key), only in parts if kind in reads and name not in only]


def _kind(eyes: Eyes, one: One) -> str:
    if one.channel:
        return eyes.reader.say(CHANNEL)
    return eyes.reader.say(TOKEN if one.tokens else CONFIGURED)


def _field(eyes: Eyes, field: str, ways: Ways) -> FieldRow:
    counts = {way: sum(days.values()) for way, days in ways.items()}
    sensitivity = eyes.s.classes.of(field)
    told = (counts.get(way, 0) for way in ("read", "written", "denied"))
    return FieldRow(eyes.label(field), field, sensitivity, *told)


def _days(several: Iterable[Mapping[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for days in several:
        for day, count in days.items():
            found[day] = found.get(day, 0) + count
    return found


def _chart(days: Mapping[int, int], today: int) -> Chart:
    counts = [days.get(day, 0) for day in range(today - DAYS + 1, today + 1)]
    tall = max(counts) or 1
    bars = [Bar(at * BAR, max(1, round(HIGH * n / tall)) if n else 0, 0) for at, n in enumerate(counts)]
    return Chart(bars, BAR * len(bars), HIGH, sum(counts), 0)


def _tokens(eyes: Eyes, known: Sequence[Known]) -> list[TokenRow]:
    """Those in force, and the last few that are not."""
    rows = [_token(eyes, each) for each in known]
    return [*(each for each in rows if not each.over), *[each for each in rows if each.over][:ENDED]]


def _token(eyes: Eyes, each: Known) -> TokenRow:
    now, token = eyes.reader.now, each.token
    stands = each.stands(now)
    soon = stands and token.expires_at is not None and token.expires_at - now < SOON_MS
    tone, state = _STATES["soon" if soon else "stands" if stands else "over"]
    return TokenRow(
        id=each.id,
        scopes=sorted(token.scopes),
        reads=", ".join(sorted(token.reads)) if token.reads is not None else "",
        writes=", ".join(sorted(token.writes)) if token.writes is not None else "",
        person=eyes.who(token.person) if token.person else "",
        at=each.at,
        used_at=each.used_at or 0,
        expires_at=each.ended_at or token.expires_at or 0,
        tone=tone,
        state=eyes.reader.say(state),
        over=not stands,
    )


async def exported(s: Services) -> tuple[bytes, int]:
    """Who read what, by day, as far as it is kept: CSV in UTF-8 with a mark; and how many rows. No value is in it."""
    await s.tally.flush()
    found: dict[str, dict[str, Ways]] = {}
    for (application, field), ways in (await s.stages.store.readings(0)).items():
        found.setdefault(application, {})[field] = ways
    rows = [list(COLUMNS)]
    for application, fields in found.items():
        for day, field, *counts in by_day(fields):
            date = datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()
            rows.append([application, field, s.classes.of(field), date, *map(str, counts)])
    return sheet(rows), len(rows) - 1
