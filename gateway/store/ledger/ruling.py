"""Which policies are in force, as far as is known here."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sqlalchemy import Connection

from gateway.store import policy_changes, sql
from gateway.store.ledger.rows import policy_document
from gateway.store.tables_ledger import DECIDING
from reconcile.model import MergePolicy
from reconcile.policy import Policies, policy_hash


@dataclass(frozen=True, slots=True)
class Rule:
    policy: MergePolicy
    hash: str
    document: str


@dataclass(frozen=True, slots=True)
class _InForce:
    """`n`: how often a change was put in force or taken back before. One thing with the rest, so that a thread that
    reads beside the writer sees none of it alone."""

    n: int
    policies: Policies
    rules: dict[tuple[str, str], Rule] = field(default_factory=dict)


class Ruling:
    def __init__(self, configured: Policies) -> None:
        self._configured = configured
        self._now = _InForce(0, configured)
        self._lock = threading.Lock()

    @property
    def policies(self) -> Policies:
        return self._now.policies

    def rule(self, record: str, name: str) -> Rule:
        kind, now = record.split(":", 2)[1] if record.count(":") >= 2 else "", self._now
        found = now.rules.get((kind, name))
        if found is None:
            policy = now.policies.of(kind, name)
            found = now.rules[(kind, name)] = Rule(policy, policy_hash(policy), policy_document(policy))
        return found

    def beside(self, connection: Connection) -> None:
        """Takes up what rules, and until the commit nothing else will."""
        with sql.together(connection):
            sql.beside(connection, DECIDING)
            asked = policy_changes.asking_version(connection)
        if (n := asked()) != self._now.n:  # also back: what was seen from within may have been rolled back
            newer = _InForce(n, policy_changes.ruling(connection, self._configured))
            with self._lock:
                self._now = newer

    def follow(self, connection: Connection) -> None:
        """Takes up what was put in force or taken back since."""
        known = self._now
        n = policy_changes.asking_version(connection)()
        if n > known.n:
            newer = _InForce(n, policy_changes.ruling(connection, self._configured))
            with self._lock:
                if self._now is known:  # else the writer was here meanwhile
                    self._now = newer
