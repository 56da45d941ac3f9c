"""What says whose database this is."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from gateway.store.schema import metadata

floatcard_meta = Table(
    "floatcard_meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
