"""Forms that are asked field by field, where a network has none."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from gateway.store.schema import metadata

dialog = Table(
    "dialog",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("im", String(512), nullable=False),  # whose it is
    Column("room", String(512), nullable=False),  # where it is asked
    Column("subject", String(512), nullable=False),  # whose key seals it
    Column("version", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("dialog_im", "im"),
)
