"""What the console keeps of its own: who was asked to look at a conflict."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from gateway.store.schema import metadata

conflict_owner = Table(
    "conflict_owner",
    metadata,
    Column("conflict", String(32), primary_key=True),
    Column("person", String(64), nullable=False),  # empty: taken from whoever had it
    Column("by", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("conflict_owner_person", "person"),
)
