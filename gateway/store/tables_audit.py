"""What people did to the gateway itself: a chain of its own, only ever added to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from gateway.store.schema import metadata

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(128), nullable=False),  # a person's id, `token:<name>`, or `cli`
    Column("what", String(32), nullable=False),
    Column("subject", String(512), nullable=False),
    Column("facts", Text, nullable=False),  # ids and counts, never a value
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_at", "at"),
    Index("audit_by", "by", "at"),
    Index("audit_subject", "subject", "at"),
    Index("audit_what", "what", "seq"),
)
