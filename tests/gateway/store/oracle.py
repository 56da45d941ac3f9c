"""Every decision of a ledger against resolve() over all edits there were, read from the tables by themselves."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.store import sql
from gateway.store.ledger.rows import DECISION, EDIT, VALUE, WITH_VALUE, decision_of, edit_columns, edit_of
from gateway.store.vault import Erased, Vault
from reconcile.history import history
from reconcile.model import Edit, MergePolicy, Standing
from reconcile.resolve import resolve, standing


def edits(connection: Connection, vault: Vault, record: str, field: str) -> list[tuple[Edit, str]]:
    """The field's edits in the order they came, each with the decision made then."""
    query = f"SELECT {EDIT}, {VALUE} FROM edit e {WITH_VALUE} WHERE e.record = ? AND e.field = ? ORDER BY e.n"
    found = []
    for row in sql.ask(connection, query, (record, field)):
        value = None if row[-5] is None else vault.reveal(row[-5:])
        assert not isinstance(value, Erased)
        columns = edit_columns(row)
        found.append((edit_of(columns, value), columns["decision"]))
    return found


def check(connection: Connection, vault: Vault, record: str, field: str, policy: MergePolicy, every: int = 1) -> int:
    """Raises AssertionError at the first decision that differs; how many were compared."""
    stored = edits(connection, vault, record, field)
    so_far: list[Edit] = []
    holds: Standing | None = None
    compared = 0
    for at, (edit, code) in enumerate(stored, 1):
        so_far.append(edit)
        if at % every and at != len(stored):
            continue
        wanted = resolve(so_far, policy)
        holds = standing(holds, wanted, so_far, policy)
        row = sql.first(connection, f"SELECT {DECISION} FROM decision d WHERE d.id = ?", (code,))
        made = decision_of(row, wanted.value)
        assert made.resolution == wanted, (at, made.resolution, wanted, so_far)
        if every == 1:
            assert made.standing == holds.winner, (at, made.standing, holds)
        assert made.trigger_edit == edit.id
        compared += 1
    state = sql.first(
        connection,
        "SELECT n, tidy, conflict, standing FROM field_state WHERE record = ? AND field = ?",
        (record, field),
    )
    past = history(so_far)
    known = {edit.id for edit in so_far}
    tidy = not past.cyclic and all(edit.parents <= known for edit in so_far)
    assert state[0] == len(stored)
    assert bool(state[1]) == tidy, (bool(state[1]), tidy, so_far)
    assert (state[2] is not None) == resolve(so_far, policy).conflict
    return compared
