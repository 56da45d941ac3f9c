"""The tables of everything but the ledger: queue, people, rooms, shown cards, the trail, due times, tokens."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, text

from gateway.store.schema import metadata

# SQLite gives an auto-incremented key to INTEGER alone.
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

job = Table(
    "job",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("topic", String(32), nullable=False),
    Column("lane", String(512), nullable=False),
    Column("once", String(512), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("starts", Integer, nullable=False, default=0, server_default="0"),  # begun, never ended
    Column("state", String(16), nullable=False, default="ready"),  # ready | parked | again
    Column("why", Text, nullable=False, default=""),
    Column("at", BigInteger, nullable=False),  # published, or parked
    Index("job_state", "state", "id"),
)

owed = Table(
    "owed",
    metadata,
    Column("key", String(64), primary_key=True),  # of topic and body: one debt, however often it was put off
    Column("topic", String(32), nullable=False),
    Column("lane", String(512), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("owed_at", "at"),
)

seen = Table(
    "seen",
    metadata,
    Column("once", String(512), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("seen_at", "at"),
)

person = Table(
    "person",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False, default="[]"),
    Column("team", String(128), nullable=False, default=""),
    Column("region", String(128), nullable=False, default=""),
    Column("external", Boolean, nullable=False, default=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("locale", String(16), nullable=False, default=""),
    Column("zone", String(64), nullable=False, default=""),
    Column("emails", Text, nullable=False, default="[]"),
)

link = Table(
    "link",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("person", String(64), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("key", String(512), nullable=False),
    Column("step", String(32), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("made_by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("verified_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", String(128), nullable=False, default=""),
    Index("link_key", "kind", "key"),
)

link_code = Table(
    "link_code",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("im", String(512), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

account = Table(
    "account",
    metadata,
    Column("im", String(512), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("room", String(512), nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

room = Table(
    "room",
    metadata,
    Column("key", String(512), primary_key=True),
    Column("title", Text, nullable=False, default=""),
    Column("kind", String(16), nullable=False, default="group"),
    Column("external", Boolean, nullable=False, default=False),
    Column("complete", Boolean, nullable=False, default=False),
    Column("rostered_at", BigInteger, nullable=False, default=0),
    Column("quiet_until", BigInteger, nullable=False, default=0),
    Column("told_at", BigInteger, nullable=False, default=0),
    Column("locale", String(16), nullable=False, default=""),
)

member = Table(
    "member",
    metadata,
    Column("room", String(512), primary_key=True),
    Column("im", String(512), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Index("member_im", "im"),
)

slot = Table(
    "slot",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("place", String(512), nullable=False),
    Column("room", String(512), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("subject", String(512), nullable=False),
    Column("message", Text),
    Column("digest", String(64), nullable=False, default=""),
    Column("audience", String(64), nullable=False, default=""),
    Column("valid_until", BigInteger),
    Column("painted_at", BigInteger, nullable=False, default=0),
    Column("posted_at", BigInteger, nullable=False, default=0, server_default="0"),  # first; repaints do not move it
    Column("state", Text, nullable=False, default="{}"),
    Column("reader", String(512)),  # one account or person; "": whoever is in the room; NULL: before this was kept
    Index("slot_reader", "reader"),
    Index("slot_about", "room", "subject", postgresql_ops={"subject": "text_pattern_ops"}),  # see sql.begins
    Index(
        "slot_message",
        "message",
        sqlite_where=text("message IS NOT NULL"),
        postgresql_where=text("message IS NOT NULL"),
        postgresql_ops={"message": "text_pattern_ops"},
    ),
    Index("slot_subject", "subject"),
    Index("slot_posted", "posted_at"),
    # few of many: whoever removes those that were taken away reads no others
    Index("slot_empty", "posted_at", sqlite_where=text("message IS NULL"), postgresql_where=text("message IS NULL")),
)

slot_record = Table(
    "slot_record",
    metadata,
    Column("slot", String(64), primary_key=True),
    Column("record", String(512), primary_key=True),
    Index("slot_record_record", "record"),
)

floated = Table(
    "floated",
    metadata,
    Column("room", String(512), primary_key=True),
    Column("record", String(512), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("slot", String(64), nullable=False),
    Index("floated_at", "at"),
)

choice = Table(
    "choice",
    metadata,
    Column("room", String(512), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("record", String(512), nullable=False),  # empty: said not to be a customer here
    Column("by", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)

mirror = Table(
    "mirror",
    metadata,
    Column("ref", String(512), primary_key=True),
    Column("crm", String(64), nullable=False, index=True),
    Column("version", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    Column("at", BigInteger, nullable=False),
    Column("owner", String(256)),  # the first of its owners, as `crm:user`; none of what an earlier version put
    Index("mirror_at", "at"),
    Index("mirror_owner", "owner", "at"),
)

feed = Table(
    "feed",
    metadata,
    Column("crm", String(64), primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("lag", BigInteger),  # of the last page with news: from the oldest of it there to its decision here, in ms
)

trail = Table(
    "trail",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("turn", String(64), nullable=False, index=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("room", String(512), nullable=False, index=True),
    Column("step", String(32), nullable=False),
    Column("facts", Text, nullable=False),
)

due = Table(
    "due",
    metadata,
    Column("key", String(256), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("payload", Text, nullable=False, default="{}"),
    Column("leased_until", BigInteger, nullable=False, default=0),
)

alert = Table(
    "alert",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("rule", String(32), nullable=False),
    Column("record", String(512), nullable=False, index=True),
    Column("subject", String(256), nullable=False),
    Column("state", String(16), nullable=False, default="open"),
    Column("since", BigInteger, nullable=False),
    Column("by", String(64), nullable=False, default=""),
    Column("until", BigInteger, nullable=False, default=0),
    Column("trace", String(64), nullable=False, default=""),
    Index("alert_state", "state", "since"),
)

token = Table(
    "token",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("system", String(64), nullable=False, default=""),
    Column("surface", String(64), nullable=False, default=""),
    Column("person", String(64), nullable=False, default=""),
    Column("actors", Text, nullable=False, default="[]"),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("reads", Text),  # which fields, as selectors in JSON; none: as its application may
    Column("writes", Text),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),  # to the minute
)

login = Table(
    "login",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),  # link | session | page | paged | oidc
    Column("person", String(64), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("fresh_at", BigInteger),  # of a session: when its person last proved who they are
    Column("seen_at", BigInteger),  # of a session: when it last asked for a page, to the minute
    Column("facts", Text),  # of a sign-in elsewhere that was begun: what for, and where it goes on
    Index("login_person", "person", "kind"),
)
