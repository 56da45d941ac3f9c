"""Where the edits of a field are found: on SQLite in spans of the ledger, on PostgreSQL in one index of all of them.

An index of all edits by record gives each new one a page of its own once it is long. On SQLite it begins with the span
an edit came in, so that new edits stand together, and a field's state says in which spans it has any.
"""

from __future__ import annotations

from sqlalchemy import Connection

LENGTH = 8_192
"""Decisions of one chain to a span: 131,072 of sixteen, so that an edit writes 0.3 pages of the index at most."""
FIRST = 0
"""What is older than spans is in; and all there is on PostgreSQL."""


def span_of(connection: Connection, seq: int) -> int:
    """Of the edit that the decision at `seq` of its chain was made for: for a field's edits it never falls."""
    return 1 + seq // LENGTH if _spanned(connection) else FIRST


def edits_of(connection: Connection, edit: str, state: str) -> str:
    """Joins to a row of `field_state`, under the name `state`, its edits as `edit`; more conditions may follow."""
    same = f"{edit}.record = {state}.record AND {edit}.field = {state}.field"
    if not _spanned(connection):
        return f"JOIN edit {edit} ON {same}"
    # the planner, who knows nothing of how many there are, may prefer an index of its own making
    its = f"{edit}.span IN (SELECT value FROM json_each({state}.spans))"  # noqa: S608
    return f"CROSS JOIN edit {edit} INDEXED BY edit_field ON {its} AND {same}"


def in_order(connection: Connection, edit: str, way: str = "") -> str:
    """What sorts the edits of one field as they came; `way`: DESC."""
    return f"{edit}.span {way}, {edit}.n {way}" if _spanned(connection) else f"{edit}.n {way}"


def _spanned(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
