"""What the database itself refuses: to change or remove what was decided, whoever asks, on either engine.

Nothing that goes by age goes from these tables. An erasure takes the key of a subject and touches no row of theirs;
`subject_key` therefore lets a key go or be wrapped anew, and never lets an erased one come back.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect

APPEND_ONLY = ("edit", "decision", "value", "daily_root", "policy_used", "audit")
"""Rows are added, and nothing else ever happens to them."""
_SAY = "{table} is only ever added to"
_ERASED = "an erased key stays erased"
_BACK = "the head of a shard moves on alone"

_RULES = {
    "subject_key": (
        "NEW.subject <> OLD.subject OR OLD.wrapped IS NULL OR (NEW.wrapped IS NULL) <> (NEW.erased_at IS NOT NULL)",
        _ERASED,
    ),
    "shard_head": ("NEW.shard <> OLD.shard OR NEW.seq < OLD.seq", _BACK),
}
"""Table -> when a change of a row is refused, and the word on it. Their rows are never removed."""


def guard(connection: Connection) -> None:
    """Puts the triggers in place on the tables that are there; again wherever they stand already."""
    there = set(inspect(connection).get_table_names())
    make = _sqlite if connection.dialect.name == "sqlite" else _postgresql
    for table, statement in make():
        if not table or table in there:
            connection.exec_driver_sql(statement)


def hold(connection: Connection) -> None:
    """Before a migration on PostgreSQL: the tables that get triggers, in the order a writer takes them, so that neither
    ever waits for the other while the other waits for it."""
    there = set(inspect(connection).get_table_names())
    if "field_state" in there:
        # what an edit takes first of all: whoever edits is through before anything is altered, and nobody begins
        connection.exec_driver_sql("LOCK TABLE field_state IN ACCESS EXCLUSIVE MODE")
    for table in ("subject_key", "shard_head", "policy_used", "value", "edit", "decision", "daily_root"):
        if table in there:
            connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def missing(connection: Connection) -> list[str]:
    """The guarded tables that lost a trigger, whole or in a part of theirs: somebody opened them by hand."""
    acts = ("update", "delete") if connection.dialect.name == "sqlite" else ("update", "delete", "truncate")
    wanted = {f"lasting_{table}_{act}": table for table in (*APPEND_ONLY, *_RULES) for act in acts}
    found = set(connection.exec_driver_sql(_FOUND[connection.dialect.name]).scalars())
    return sorted({table for name, table in wanted.items() if name not in found})


_PARTS = "SELECT one.oid UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = one.oid"
"""Where an operator partitioned a table, its parts are opened one by one."""
_FOUND = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT named FROM (SELECT c.oid, 'lasting_' || c.relname || '_' || act AS named FROM pg_class c, "  # noqa: S608
    "unnest(ARRAY['update', 'delete', 'truncate']) act WHERE c.relnamespace = current_schema()::regnamespace) one "
    f"WHERE NOT EXISTS (SELECT FROM ({_PARTS}) part WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = named "
    "AND t.tgrelid = part.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')))",
}
"""The names of triggers that stand wherever they should."""


def _sqlite() -> Iterator[tuple[str, str]]:
    """Each with the table it is for."""
    for table in APPEND_ONLY:
        yield from ((table, _made(table, act, "", _SAY.format(table=table))) for act in ("update", "delete"))
    for table, (when, say) in _RULES.items():
        yield table, _made(table, "update", f"WHEN {when}", say)
        yield table, _made(table, "delete", "", say)


def _made(table: str, act: str, when: str, say: str) -> str:
    name = f"lasting_{table}_{act}"
    return (
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act.upper()} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{say}'); END"
    )


def _postgresql() -> Iterator[tuple[str, str]]:
    yield (
        "",
        "CREATE OR REPLACE FUNCTION floatcard_lasting() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation'; END $$",
    )
    for table in APPEND_ONLY:
        say = _SAY.format(table=table)
        yield from ((table, _called(table, act, "EACH ROW", "", say)) for act in ("update", "delete"))
        yield table, _called(table, "truncate", "EACH STATEMENT", "", say)
    for table, (when, say) in _RULES.items():
        yield table, _called(table, "update", "EACH ROW", f"WHEN ({when})", say)
        yield table, _called(table, "delete", "EACH ROW", "", say)
        yield table, _called(table, "truncate", "EACH STATEMENT", "", say)


def _called(table: str, act: str, each: str, when: str, say: str) -> str:
    return (
        f"CREATE OR REPLACE TRIGGER lasting_{table}_{act} BEFORE {act.upper()} ON {table} "
        f"FOR {each} {when} EXECUTE FUNCTION floatcard_lasting('{say}')"
    )
