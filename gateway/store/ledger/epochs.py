"""Records that a CRM set back: set aside, until an operator says that what it holds now is so."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.ledger.touched import epoch_of
from gateway.store.tables_ledger import watermark

_REWOUND = "SELECT record, stream FROM watermark WHERE source = ? AND state = 'rewound' ORDER BY record LIMIT ?"


def rewound(connection: Connection, target: str, limit: int) -> list[str]:
    return list(dict.fromkeys(row[0] for row in sql.ask(connection, _REWOUND, (target, limit))))


def begin(connection: Connection, target: str, limit: int, now: int) -> list[str]:
    """A new stream for each, beginning before any position; the old one is closed. Which records."""
    rows = sql.ask(connection, _REWOUND, (target, limit))
    closed = [(target, stream, record) for record, stream in rows]
    sql.many(
        connection,
        "UPDATE watermark SET state = 'closed' WHERE source = ? AND stream = ? AND record = ?",
        closed,
    )
    fresh = {"source": target, "low": -1, "high": -1, "gaps": "[]", "last_event_at": now, "state": "ok", "lag": None}
    begun = [{**fresh, "record": record, "stream": f"{target}#{epoch_of(stream) + 1}"} for record, stream in rows]
    sql.store(connection, watermark, begun, "keep")
    return list(dict.fromkeys(record for record, _ in rows))
