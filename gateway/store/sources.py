"""How far each source was read: the CRMs by their feeds, systems that number their edits by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.engine import Store
from gateway.store.ledger.touched import epoch_of

State = Literal["ok", "gap", "rewound"]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """`at`: when the last of it was taken, 0 if never; `lag`: from there to here, in ms, where the source says when."""

    name: str
    stream: str = ""
    """Of a system that numbers its edits; empty for a CRM."""
    epoch: int = 1
    low: int = -1
    high: int = -1
    held: int = 0
    """Edits that wait for what is missing before them."""
    at: int = 0
    lag: int | None = None
    state: State = "ok"
    set_back: int = 0
    """Of a CRM: records that were read to be older than they had been."""


class SourceStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def rows(self, crms: Sequence[str], linear: Mapping[str, Sequence[str]]) -> list[SourceRow]:
        """The CRMs and, of each linear source, its streams: those that are configured, whether or not they spoke."""
        return await self._store.read(lambda connection: _rows(connection, crms, linear))


def _rows(connection: Connection, crms: Sequence[str], linear: Mapping[str, Sequence[str]]) -> list[SourceRow]:
    feeds = {row[0]: row[1:] for row in sql.ask(connection, "SELECT crm, at, lag FROM feed")}
    backs = dict(sql.ask(connection, "SELECT source, count(*) FROM watermark WHERE state = 'rewound' GROUP BY source"))
    found = [_crm(name, feeds.get(name), backs.get(name, 0)) for name in crms]
    for name, streams in linear.items():
        spoken = _streams(connection, name)
        found += [spoken.get(stream, SourceRow(name, stream)) for stream in streams]
    return found


def _crm(name: str, feed: tuple[int, int | None] | None, backs: int) -> SourceRow:
    at, lag = feed or (0, None)
    return SourceRow(name, at=at, lag=lag, set_back=backs, state="rewound" if backs else "ok")


def _streams(connection: Connection, source: str) -> dict[str, SourceRow]:
    query = (
        "SELECT w.stream, w.low, w.high, w.last_event_at, w.lag, w.state, (SELECT count(*) FROM held_edit h "
        "WHERE h.source = w.source AND h.stream = w.stream) FROM watermark w WHERE w.source = ? AND w.record = '' "
        "AND w.state <> 'closed'"
    )
    return {
        stream.partition("#")[0]: SourceRow(
            source, stream.partition("#")[0], epoch_of(stream), low, high, held, at, lag, state
        )
        for stream, low, high, at, lag, state, held in sql.ask(connection, query, (source,))
    }
