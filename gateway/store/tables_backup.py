"""When this store was last backed up, so that an alarm can say that it was not."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from gateway.store.schema import metadata

backup_taken = Table(
    "backup_taken",
    metadata,
    Column("id", String(64), primary_key=True),  # of the file, written in it too
    Column("at", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("schema", String(16), nullable=False),
    Index("backup_taken_at", "at"),
)
