"""The ledger: every edit, every decision, what stands, and what the CRMs still have to be told."""

from gateway.store.ledger.ledger import Ledger
from gateway.store.ledger.model import (
    Answer,
    Before,
    Challenger,
    ConflictCase,
    DecisionView,
    FieldState,
    HistoryRow,
    Incoming,
    Ingested,
    Observed,
    OutboxRow,
    Snapshot,
    Taken,
    WriteState,
)
from reconcile.chain import Fault, Root

__all__ = [
    "Answer",
    "Before",
    "Challenger",
    "ConflictCase",
    "DecisionView",
    "Fault",
    "FieldState",
    "HistoryRow",
    "Incoming",
    "Ingested",
    "Ledger",
    "Observed",
    "OutboxRow",
    "Root",
    "Snapshot",
    "Taken",
    "WriteState",
]
