"""What rooms know of customers, and what use teaches about names. It never leaves this deployment."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, text

from gateway.store.schema import metadata

room_mentioning = Table(
    "room_mentioning",
    metadata,
    Column("room", String(512), primary_key=True),
    Column("record", String(512), nullable=False, default=""),  # the customer it is about; empty: none
    Column("by", String(64), nullable=False, default=""),
    Column("at", BigInteger, nullable=False, default=0),
    Column("budget", Integer),  # cards an hour; NULL: as configured
)

named = Table(
    "named",
    metadata,
    Column("room", String(512), primary_key=True),
    Column("record", String(512), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("named_at", "at"),
)

TAUGHT = "kind <> 'shown'"
"""As a condition, to the letter: SQLite uses an index of some rows for nothing else."""

lesson = Table(
    "lesson",
    metadata,
    Column("id", String(64), primary_key=True),  # of its room, message, name and kind: told twice is told once
    Column("name", String(512), nullable=False),  # folded
    Column("room", String(512), nullable=False),
    Column("message", String(512), nullable=False),
    Column("record", String(512), nullable=False, default=""),
    Column("kind", String(16), nullable=False),
    Column("by", String(64), nullable=False, default=""),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),  # taken back
    Column("ended_by", String(128), nullable=False, default=""),
    Index("lesson_name", "name", "kind", "at"),
    Index("lesson_room", "room", "kind", "at"),
    Index("lesson_at", "at"),
    # few of many: a card is told of more often than anybody says something of it
    Index("lesson_taught", "at", sqlite_where=text(TAUGHT), postgresql_where=text(TAUGHT)),
)

common_name = Table(
    "common_name",
    metadata,
    Column("name", String(512), primary_key=True),
    Column("state", String(16), nullable=False),  # accepted | refused
    Column("by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
)

customer_name = Table(
    "customer_name",
    metadata,
    Column("record", String(512), primary_key=True),
    Column("name", String(512), primary_key=True),  # folded
    Column("text", String(1024), nullable=False),
    Column("kind", String(16), nullable=False),  # alias | never; empty: taken back
    Column("by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("customer_name_at", "at"),
)
