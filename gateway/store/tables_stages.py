"""How much cards show by scene and kind of room, what they led to, and which application read what: counts alone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from gateway.store.schema import metadata

stage_run = Table(
    "stage_run",
    metadata,
    Column("kind", String(32), primary_key=True),  # scene/kind, as `group/public`
    Column("run", Integer, primary_key=True, autoincrement=False),  # 1, 2, …; before the first: as configured
    Column("stage", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(128), nullable=False),  # as in the audit
    Column("undoes", Integer),  # the run that this one took back
)

behaviour = Table(
    "behaviour",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("stage", String(16), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # since the epoch, UTC
    Column("what", String(16), primary_key=True),  # shown | opened | edited | dismissed | muted | wrong
    Column("n", BigInteger, nullable=False),
    Index("behaviour_day", "day"),
)

reading = Table(
    "reading",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("application", String(128), primary_key=True),
    Column("field", String(128), primary_key=True),
    Column("way", String(16), primary_key=True),  # read | written | denied
    Column("n", BigInteger, nullable=False),
)
