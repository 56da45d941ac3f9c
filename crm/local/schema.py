"""The tables of the embedded CRM. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table
from sqlalchemy.sql.schema import SchemaItem

metadata = MetaData()


def _of_account() -> Column[str]:
    return Column("account", String, ForeignKey("account.id"), nullable=False)


def _item(name: str, *extra: SchemaItem) -> Table:
    """A list of an account: contacts, notes, open items and risks share these columns."""
    return Table(
        name,
        metadata,
        Column("id", String, primary_key=True),
        _of_account(),
        Column("text", String, nullable=False),
        Column("who", String, nullable=False, default=""),
        Column("at", BigInteger, nullable=False),
        Column("sensitivity", String),
        Column("visible_until", BigInteger),
        *extra,
        Index(f"{name}_of_account", "account", "at"),
    )


feed = Table("feed", metadata, Column("id", Integer, primary_key=True), Column("last", BigInteger, nullable=False))

account = Table(
    "account",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False, unique=True),  # the feed's position of the newest version
    Column("team", String, nullable=False, default=""),
    Column("region", String, nullable=False, default=""),
    Column("deleted", Boolean, nullable=False, default=False),
    Column("modified", BigInteger, nullable=False),
    Column("modified_by", String, nullable=False),
)

account_field = Table(
    "account_field",
    metadata,
    Column("account", String, ForeignKey("account.id"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("modified_by", String, nullable=False),
    Column("label", String, nullable=False, default=""),  # watermark of the source, when a gateway wrote it
    Column("visible_until", BigInteger),
)

alias = Table(
    "alias",
    metadata,
    Column("account", String, ForeignKey("account.id"), primary_key=True),
    Column("name", String, primary_key=True),
)

owner = Table(
    "owner",
    metadata,
    Column("account", String, ForeignKey("account.id"), primary_key=True),
    Column("user", String, primary_key=True),
)

contact = _item("contact", Column("detail", JSON, nullable=False))
note = _item("note")
open_item = _item("open_item", Column("due", BigInteger), Column("done", Boolean, nullable=False, default=False))
risk = _item("risk", Column("level", String, nullable=False))

users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, index=True),
    Column("email", String, nullable=False, default="", index=True),
    Column("active", Boolean, nullable=False, default=True),
    Column("im", JSON, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("team", String, nullable=False, default=""),
    Column("region", String, nullable=False, default=""),
)

applied = Table(
    "applied",
    metadata,
    Column("once", String, primary_key=True),
    Column("request", String, nullable=False),  # digest of what was asked, so that a key serves one question only
    Column("answer", JSON, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
