"""What directories said of persons, which persons were merged or split, and devices."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text

from gateway.store.schema import metadata

person_change = Table(
    "person_change",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(8), nullable=False),  # merge | split
    Column("person", String(64), nullable=False),  # who stayed
    Column("other", String(64), nullable=False),  # who went into them, or came out of them
    Column("facts", Text, nullable=False),  # both as they were and became; the links and entries that moved
    Column("by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("undone_at", BigInteger),
    Column("undone_by", String(128), nullable=False, default=""),
    Index("person_change_at", "at"),
    Index("person_change_other", "other"),
)

directory_entry = Table(
    "directory_entry",
    metadata,
    Column("source", String(128), primary_key=True),  # `scim:<token>`, `csv:<name>`, `crm:<name>`, `im:<channel>`
    Column("id", String(256), primary_key=True),  # within it
    Column("person", String(64), nullable=False, index=True),
    Column("key", String(256), nullable=False, default=""),  # what is unique there besides: the user name, folded
    Column("external", String(256), nullable=False, default=""),
    Column("active", Boolean, nullable=False, default=True),
    Column("ended", Boolean, nullable=False, default=False),  # it is by this that the person is deactivated
    Column("gone", Boolean, nullable=False, default=False),  # no longer listed there
    Column("facts", Text, nullable=False, default="{}"),
    Column("made_at", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("directory_entry_key", "source", "key"),
    Index("directory_entry_external", "source", "external"),
)

directory_group = Table(
    "directory_group",
    metadata,
    Column("source", String(128), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("name", String(256), nullable=False),
    Column("external", String(256), nullable=False, default=""),
    Column("made_at", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

directory_member = Table(
    "directory_member",
    metadata,
    Column("source", String(128), primary_key=True),
    Column("group_id", String(64), primary_key=True),
    Column("entry", String(256), primary_key=True),
    Index("directory_member_entry", "source", "entry"),
)

device = Table(
    "device",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", String(64), nullable=False, index=True),
    Column("name", String(128), nullable=False),
    Column("scopes", Text, nullable=False, default="[]"),
    Column("by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", String(128), nullable=False, default=""),
)

device_key = Table(
    "device_key",
    metadata,
    Column("key", String(512), primary_key=True),  # the SHA-256 of the public key in hex, or `subject:<name>`
    Column("device", String(32), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),  # of a key that another took the place of
    Column("ended_at", BigInteger),
)

device_code = Table(
    "device_code",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("device", String(32), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
