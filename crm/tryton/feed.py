"""What changed, out of every table a party is made of. One order over all of them: time, table, row."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crm.given import Given
from crm.http import GARBLED
from crm.model import CursorLost
from crm.tryton.config import OPPORTUNITY, PARTY, Config
from crm.tryton.records import party_id
from crm.tryton.wire import Server, micros, moment
from gateway.errors import Retry

NOTE, LOG = "ir.note", "ir.model.log"
OF_PARTY: Mapping[str, str] = {
    PARTY: "id",
    "party.contact_mechanism": "party",
    "party.address": "party",
    NOTE: "resource",
    OPPORTUNITY: "party",
    LOG: "resource",
}
"""Each table with its field that says which party a row belongs to. The order of the tables is part of the cursor."""
MODELS = tuple(OF_PARTY)
_ORDER = [["last_modified_at", "ASC"], ["id", "ASC"]]
_CURSOR = re.compile(r"([0-9]{1,17})\.([0-9])\.([0-9]{1,18})\.([0-9]{1,17})")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    at: int
    """Microseconds since the epoch, by the server's clock."""
    model: int = -1
    id: int = -1


BEGINNING = Position(0)


@dataclass(frozen=True, slots=True)
class Event:
    position: Position
    party: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    position: Position
    born: int
    """When the first run began: parties deleted before are nothing we ever knew."""

    def __str__(self) -> str:
        return f"{self.position.at}.{max(self.position.model, 0)}.{max(self.position.id, 0)}.{self.born}"

    @staticmethod
    def parse(text: str) -> Cursor:
        found = _CURSOR.fullmatch(text)
        if found is None or int(found[2]) >= len(MODELS):
            raise CursorLost("The CRM cannot continue from {cursor}. Start from the beginning.", cursor=text[:40])
        return Cursor(Position(int(found[1]), int(found[2]), int(found[3])), int(found[4]))


@dataclass(slots=True)
class Run:
    """One walk along the feed, and which of its events are still to be told."""

    start: Cursor
    look: Position
    """Up to here it was read. It begins before `start`, so that what became visible late is seen."""
    back: int
    """How far that is at most, in microseconds."""
    given: Given[tuple[int, int]]
    """Rows of the tables, each with its time."""
    cursor: str
    """The one that was given last."""
    _waiting: dict[int, list[Position]] = field(default_factory=dict)

    def fresh(self, events: list[Event]) -> list[Event]:
        found = [each for each in events if self.is_fresh(each.position)]
        for each in found:
            self._waiting.setdefault(each.party, []).append(each.position)
        self.look = events[-1].position
        return found

    def is_fresh(self, position: Position) -> bool:
        return position > self.start.position or not self.given.was_taken((position.model, position.id), position.at)

    def comes_up(self, position: Position) -> bool:
        return position > self.look and self.is_fresh(position)

    def told(self, event: Event) -> str:
        """The cursor behind it. What came late moves it too, or it would not tell that it was taken."""
        at, least = event.position, self.start.position.at + 1
        moved = replace(at, at=max(at.at, least)) if self.back and self.start.position != BEGINNING else at
        self.cursor = str(replace(self.start, position=moved))
        self.settle(event)
        return self.cursor

    def settle(self, event: Event) -> None:
        """All that was seen of the party until now is in what was told, or there is nothing to tell."""
        rows = self._waiting.pop(event.party, [])
        self.given.give(self.cursor, *(((each.model, each.id), each.at) for each in rows))

    def forget(self) -> None:
        since = self.look.at - 2 * self.back
        self.given.forget(since)
        self._waiting = {party: rows for party, rows in self._waiting.items() if rows[-1].at >= since}


@dataclass(slots=True)
class Feed:
    """Which events there are; who reads them decides what they mean."""

    server: Server
    config: Config
    _given: Given[tuple[int, int]] = field(default_factory=Given)

    async def born(self) -> int:
        """The time of the newest deletion until now."""
        if not self.config.deletions:
            return 0
        order = [["last_modified_at", "DESC"], ["id", "DESC"]]
        found = await self.server.search(LOG, _deletions(), ["last_modified_at"], limit=1, order=order)
        return micros(found[0].get("last_modified_at")) if found else 0

    async def run(self, text: str) -> Run:
        start = Cursor.parse(text) if text else Cursor(BEGINNING, await self.born())
        at, back = start.position, round(self.config.look_back * 1_000_000)
        look = at if not back or at == BEGINNING else Position(max(at.at - back, 0))
        self._given = self._given.then(text, at.at - 2 * back)
        return Run(start, look, back, self._given, text)

    async def next(self, run: Run) -> list[Event]:
        """The next ones in order, about a page of each table; none when there are none."""
        position = run.look
        events, until = await self._after(position, run.start.born)
        # Of a whole page nobody may be told: of deletions before we came, or of notes on nothing of ours.
        while not events and until is not None and until > position:
            position = until
            events, until = await self._after(position, run.start.born)
        return events

    async def _after(self, position: Position, born: int) -> tuple[list[Event], Position | None]:
        """And up to where they are, when there is more."""
        models = [model for model in MODELS if self._read(model)]
        found = await asyncio.gather(*(self._rows(model, position) for model in models))
        full = [rows[-1][0] for rows in found if len(rows) >= self.config.page]
        until = min(full, default=None)
        events = [each for rows in found for each in rows if until is None or each[0] <= until]
        ordered = sorted(events, key=lambda each: each[0])
        return [event for at, raw in ordered for event in await self._told(at, raw, born)], until

    def _read(self, model: str) -> bool:
        wanted = {OPPORTUNITY: self.config.opportunities, LOG: self.config.deletions}
        return wanted.get(model, True)

    async def _rows(self, model: str, position: Position) -> list[tuple[Position, dict[str, Any]]]:
        index, key = MODELS.index(model), OF_PARTY[model]
        fields = {"last_modified_at", *([key] if key != "id" else [])}
        domain = [_after(index, position), *_of_parties(model)]
        rows = await self.server.search(model, domain, fields, limit=self.config.page, order=_ORDER)
        told = {}
        for raw in rows:
            if not isinstance(raw.get("id"), int):
                raise Retry(GARBLED, "answered a row without an id")
            told[Position(micros(raw.get("last_modified_at")), index, raw["id"])] = raw
        return sorted(told.items(), key=lambda each: each[0])

    async def _told(self, at: Position, raw: Mapping[str, Any], born: int) -> list[Event]:
        if MODELS[at.model] != LOG:
            party = party_id(raw.get(OF_PARTY[MODELS[at.model]]))
            return [] if party is None else [Event(at, party)]
        if at.at <= born:
            return []
        party = await self._deleted(at.id)
        return [] if party is None else [Event(at, party, deleted=True)]

    async def _deleted(self, row: int) -> int | None:
        """The log does not tell whom it is about once that is gone, but it can be asked: digit by digit."""
        digits = ""
        while len(digits) < 18:
            if digits and await self._is(row, ["resource", "=", f"{PARTY},{digits}"]):
                return int(digits)
            for digit in "0123456789":
                if await self._is(row, ["resource", "like", f"{PARTY},{digits}{digit}%"]):
                    digits += digit
                    break
            else:
                return None
        return None

    async def _is(self, row: int, clause: list[str]) -> bool:
        return await self.server.count(LOG, [["id", "=", row], clause]) > 0

    async def deleted_at(self, id_: int) -> int | None:
        """When the party was deleted, if it was."""
        if not self.config.deletions:
            return None
        domain = [["event", "=", "delete"], ["resource", "=", f"{PARTY},{id_}"]]
        found = await self.server.search(LOG, domain, ["last_modified_at"], limit=1)
        return micros(found[0].get("last_modified_at")) if found else None


def _after(index: int, position: Position) -> list[Any]:
    at = moment(position.at)
    if index < position.model:
        return ["last_modified_at", ">", at]
    if index > position.model:
        return ["last_modified_at", ">=", at]
    same = [["last_modified_at", "=", at], ["id", ">", position.id]]
    return ["OR", [["last_modified_at", ">", at]], same]


def _of_parties(model: str) -> Iterator[list[Any]]:
    if model == NOTE:
        yield ["resource", "like", f"{PARTY},%"]
    elif model == OPPORTUNITY:
        yield ["party", "!=", None]
    elif model == LOG:
        yield from _deletions()


def _deletions() -> list[Any]:
    return [["event", "=", "delete"], ["resource", "like", f"{PARTY},%"]]
