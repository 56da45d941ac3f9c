"""Where the edits of a field are found: on SQLite in spans of the ledger, on PostgreSQL in one index of all of them.

An index of all edits by record gives each new one a page of its own once it is long. On SQLite it begins with the span
an edit came in, so that new edits stand together, and a field's state says in which spans it has any. That column is
SQLite's alone: on PostgreSQL a program of schema 0001 that still runs reads whole rows of `field_state`.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect

LENGTH = 8_192
"""Decisions of one chain to a span: 131,072 of sixteen, so that an edit writes 0.3 pages of the index at most."""
FIRST = 0
"""What is older than spans is in; and all there is on PostgreSQL."""
SINCE = "0002"
"""The schema whose programs know of spans: on SQLite an older one would put its edits before all that came since."""
INDEX = "CREATE UNIQUE INDEX edit_field ON edit (span, record, field, n)"
LIST = f"ALTER TABLE field_state ADD COLUMN spans TEXT NOT NULL DEFAULT '[{FIRST}]'"
PLACING = {"edit": {"span"}, "field_state": {"spans"}}
"""Columns that say where in this database a row is found: no backup holds them."""


def lay(connection: Connection) -> None:
    """On SQLite, once its tables are those of this schema: what finds edits by their span."""
    made = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'edit_field'").scalar()
    if made != INDEX:
        connection.exec_driver_sql("DROP INDEX edit_field")
        connection.exec_driver_sql(INDEX)
    if "spans" not in {column["name"] for column in inspect(connection).get_columns("field_state")}:
        connection.exec_driver_sql(LIST)


def span_of(connection: Connection, seq: int) -> int:
    """Of the edit that the decision at `seq` of its chain was made for: for a field's edits it never falls, as long as
    its record stays with one chain."""
    return 1 + seq // LENGTH if spanned(connection) else FIRST


def edits_of(connection: Connection, edit: str, state: str) -> str:
    """Joins to a row of `field_state`, under the name `state`, its edits as `edit`; more conditions may follow."""
    if not spanned(connection):
        return f"JOIN edit {edit} ON {edit}.record = {state}.record AND {edit}.field = {state}.field"
    # The planner, who knows nothing of how many there are, may prefer an index of its own making; and without the plus,
    # where a range of records is asked for, all edits of that range for each field in it.
    its = f"{edit}.span IN (SELECT value FROM json_each({state}.spans))"  # noqa: S608
    same = f"{edit}.record = +{state}.record AND {edit}.field = +{state}.field"
    return f"CROSS JOIN edit {edit} INDEXED BY edit_field ON {its} AND {same}"


def source(connection: Connection, edit: str, state: str) -> tuple[str, str]:
    """To read `edit` from, and the name whose `record` and `field` say which: PostgreSQL asks no other table for it."""
    if not spanned(connection):
        return f"edit {edit}", edit
    return f"field_state {state} {edits_of(connection, edit, state)}", state


def in_order(connection: Connection, edit: str, way: str = "") -> str:
    """What sorts the edits of one field as they came; `way`: DESC."""
    return f"{edit}.span {way}, {edit}.n {way}" if spanned(connection) else f"{edit}.n {way}"


def spanned(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
