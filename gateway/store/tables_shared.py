"""What several gateways on one store tell each other: who may do what exists once, what changed, what channels keep."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from gateway.store.schema import metadata

lease = Table(
    "lease",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("fence", BigInteger, nullable=False),  # grows with every new owner
    Column("until", BigInteger, nullable=False),  # by the database's clock
)

counter = Table(
    "counter",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("n", BigInteger, nullable=False),
)

kept = Table(
    "kept",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("key", String(256), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("until", BigInteger, index=True),
)
