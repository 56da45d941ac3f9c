"""The ledger's tables. Values stand apart, encrypted; every other column is free of them and of their plain hashes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, text

from gateway.store.schema import metadata
from gateway.store.sql import Words

OPEN = Words("state", ("waiting", "sent", "refused"))
DECIDING = "deciding"
"""What whoever decides, or keeps what a CRM says, is beside, and whoever changes under what they do so is alone with:
another policy, or a customer erased. Nothing that was begun under the old is committed after the new."""
"""Of a write to a CRM that may still come to something."""

subject_key = Table(
    "subject_key",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("wrapped", LargeBinary),
    Column("erased_at", BigInteger),
)

value = Table(
    "value",
    metadata,
    Column("id", String(64), primary_key=True),  # of the edit, or of the decision that merged it
    Column("subject", Text, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("once", Text, primary_key=True),
    Column("payload_hash", String(64), primary_key=True),
    Column("edit", String(64), nullable=False),
    Column("decision", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("inbox_at", "at"),
)

edit = Table(
    "edit",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("n", BigInteger, nullable=False),  # position among the field's edits, from 1, in the order they came
    Column("kind", String(16), nullable=False),
    Column("value", String(64)),
    Column("value_mac", String(64), nullable=False),
    Column("system", Text, nullable=False),
    Column("surface", Text, nullable=False),
    Column("source_version", Text, nullable=False),
    Column("instance", Text, nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("actor", Text, nullable=False),
    Column("parents", Text, nullable=False),
    Column("stream", Text),
    Column("watermark", BigInteger),
    Column("source_time", BigInteger),
    Column("ingest_time", BigInteger, nullable=False),
    Column("effective_time", BigInteger, nullable=False),
    Column("skewed", Boolean, nullable=False),
    Column("once", Text, nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("trace", Text, nullable=False),
    Column("binding", Boolean, nullable=False),
    Column("quarantined", Boolean, nullable=False),
    Column("decision", String(32), nullable=False),
    Column("span", Integer, nullable=False, server_default="0"),  # of the ledger, in which it came; 0 on PostgreSQL
    Index("edit_field", "record", "field", "n", unique=True),  # on SQLite another one (spans.py)
    # what persons did, and not the far more that CRMs say of themselves
    Index(
        "edit_person",
        "actor",
        "ingest_time",
        sqlite_where=text("actor_kind = 'person'"),
        postgresql_where=text("actor_kind = 'person'"),
    ),
)

decision = Table(
    "decision",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(32), nullable=False),
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("cause_edit", String(64)),
    Column("policy", Text, nullable=False),
    Column("policy_hash", String(64), nullable=False),
    Column("engine", String(16), nullable=False),
    Column("inputs_digest", String(64), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("winner", String(64)),
    Column("heads", Text, nullable=False),
    Column("why", Text, nullable=False),  # loser -> why it lost
    Column("conflict", Boolean, nullable=False),
    Column("proposals", Text, nullable=False),
    Column("base", String(64)),
    Column("value_mac", String(64), nullable=False),
    Column("standing", String(64)),
    Column("at", BigInteger, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("decision_id", "id", unique=True),
)

field_state = Table(
    "field_state",
    metadata,
    Column("record", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("n", BigInteger, nullable=False, default=0),
    Column("inputs", LargeBinary, nullable=False, default=b""),
    Column("policy_hash", String(64), nullable=False, default=""),
    Column("heads", Text, nullable=False, default="[]"),
    Column("proposals", Text, nullable=False, default="[]"),
    Column("streams", Text, nullable=False, default="{}"),  # stream -> its greatest position here
    Column("tidy", Boolean, nullable=False, default=True),  # no cycle and no unknown parent: heads cover every edit
    Column("decision", String(32), nullable=False, default=""),
    Column("decided_at", BigInteger, nullable=False, default=0),
    Column("standing", String(64)),
    Column("standing_value", String(64)),
    Column("standing_image", String(64), nullable=False, default=""),
    Column("conflict", String(32)),
)

shard_head = Table(
    "shard_head",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

daily_root = Table(
    "daily_root",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

policy_used = Table(
    "policy_used",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("document", Text, nullable=False),
)

conflict = Table(
    "conflict",
    metadata,
    Column("id", String(32), primary_key=True),  # the decision that opened it
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("closed_by", String(32)),  # the decision that closed it
    Index("conflict_open", "closed_at", "opened_at"),
    Index("conflict_closed_by", "closed_by"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("target", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("value", String(64)),
    Column("image", String(64), nullable=False),
    Column("decision", String(32), nullable=False),
    Column("heads", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("state", String(16), nullable=False),  # waiting | sent | done | moved | superseded | refused | lost
    Column("precondition", BigInteger),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("version", BigInteger),  # as the target acknowledged it
    Column("overwrote_unseen", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("outbox_due", "state", "target", "due_at"),
    # those alone that are asked for: of all of them each would have a page of its own. PostgreSQL, whose statements are
    # planned once, and which an older program may be using too, has it of all
    Index("outbox_record", "record", "field", "state", sqlite_where=text(OPEN.said)),
)

ack = Table(
    "ack",
    metadata,
    Column("target", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("heads", Text, nullable=False),
)

rendering = Table(
    "rendering",
    metadata,
    Column("record", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("raw", String(64), nullable=False),  # keyed hash of what the target was last read to hold, as spelt there
    Column("seen", String(64), nullable=False),  # the same, normalised
    Column("written", String(64), nullable=False),  # keyed hash of what we wrote there, "" when the value is its own
    Column("last_edit", String(64)),  # the edit its own last change became
    Column("acked", Text, nullable=False),  # heads its newest acknowledgement covers
    Column("fights", Integer, nullable=False),
    Column("fought", Text, nullable=False),  # the pair (written, answered) that keeps coming back
    Column("automation", Text, nullable=False),
    Column("written_at", BigInteger),  # when it took what we wrote
)

watermark = Table(
    "watermark",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("gaps", Text, nullable=False),
    Column("last_event_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("lag", BigInteger),  # of a numbered stream: from its last edit there to its decision here, in ms
    Index("watermark_record", "record", "source"),
    Index(
        "watermark_wrong",
        "source",
        "state",
        sqlite_where=text("state IN ('gap', 'rewound')"),
        postgresql_where=text("state IN ('gap', 'rewound')"),
    ),
)
"""Of a CRM a row for each record, with `record` and its versions; of a source that numbers its edits itself one
for each stream, with an empty `record`."""

held_edit = Table(
    "held_edit",
    metadata,
    Column("source", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("once", Text, primary_key=True),
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # with the record's key
    Column("at", BigInteger, nullable=False),
)

joined = Table(
    "joined",
    metadata,
    Column("ref", Text, primary_key=True),  # a record of one CRM
    Column("crm", Text, nullable=False),
    Column("record", Text, nullable=False),  # the customer that it is too: another CRM's record
    Column("made_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("joined_record", "record"),
)

absent = Table(
    "absent",
    metadata,
    Column("record", Text, primary_key=True),  # the customer
    Column("target", Text, primary_key=True),  # the CRM in which its record is deleted or merged away
    Column("merged_into", Text, nullable=False, default=""),  # the record there that it became; empty for a deleted one
    Column("at", BigInteger, nullable=False),
)
