"""The schema of the demo chat's own file."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

chat_metadata = MetaData()

persons = Table(
    "chat_person",
    chat_metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("latin", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("role", String, nullable=False),
    Column("locale", String, nullable=False),
    Column("position", Integer, nullable=False),
)

rooms = Table(
    "chat_room",
    chat_metadata,
    Column("id", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("title_en", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("external", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
)

members = Table(
    "chat_member",
    chat_metadata,
    Column("room", ForeignKey("chat_room.id"), primary_key=True),
    Column("person", ForeignKey("chat_person.id"), primary_key=True),
    Column("position", Integer, nullable=False),
)

entries = Table(
    "chat_entry",
    chat_metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("room", ForeignKey("chat_room.id"), nullable=False),
    Column("thread", String, nullable=False),
    Column("author", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("quotes", Text, nullable=False),
    Column("card", Text),
    Column("only", String, nullable=False),
    Column("by", String, nullable=False),
    Column("edited_at", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("pending", String, nullable=False),
    Column("once", String, unique=True),
    Index("chat_entry_room", "room", "seq"),
    sqlite_autoincrement=True,
)

feed = Table(
    "chat_feed",
    chat_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("room", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("only", String, nullable=False),
    sqlite_autoincrement=True,
)

waiting = Table(
    "chat_waiting",
    chat_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("room", String, nullable=False),
    Column("message", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("refused", String, nullable=False),
    Index("chat_waiting_room", "room", "id"),
    sqlite_autoincrement=True,
)
