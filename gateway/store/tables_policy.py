"""Changes of merge policies that were tried, each field one of them decided again; access policies by version."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text

from gateway.store.schema import metadata

policy_change = Table(
    "policy_change",
    metadata,
    Column("id", String(32), primary_key=True),  # decisions under it bear it as their policy's name
    Column("policies", Text, nullable=False),  # field -> the policy as a document, in full
    Column("since", BigInteger, nullable=False),
    Column("records", Text, nullable=False),  # a list; empty: every customer
    Column("keep_settled", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    # planning | trying | planned | failed | applying | applied | undoing | undone | cancelled
    Column("proposed_by", String(128), nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("approved_by", String(128), nullable=False),
    Column("approved_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ended_by", String(128), nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("ended_why", Text, nullable=False),
    Column("ends_as", String(16), nullable=False),  # while undoing: undone | cancelled
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("report", Text, nullable=False),  # counts and ids, never a value
    Index("policy_change_state", "state", "approved_at"),
)

policy_step = Table(
    "policy_step",
    metadata,
    Column("change", String(32), primary_key=True),
    Column("phase", String(8), primary_key=True),  # apply | undo
    Column("record", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("state", String(8), nullable=False),  # pending | done | told | same
    Column("before", String(32), nullable=False),  # the decision that stood
    Column("after", String(32), nullable=False),  # the one made
    Column("n", BigInteger, nullable=False),  # how many edits there were
    Column("standing", String(64)),  # what stood before, to be put back
    Column("standing_value", String(64)),
    Index("policy_step_state", "change", "phase", "state"),
    Index("policy_step_field", "record", "field"),
    Index("policy_step_after", "after"),
)

access_version = Table(
    "access_version",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(32), nullable=False),  # of the files alone
    Column("files", Text, nullable=False),  # file name -> text, ours included
    Column("state", String(16), nullable=False),  # proposed | applied | replaced | withdrawn
    Column("base", BigInteger, nullable=False),  # in force when it was proposed; 0: nothing yet
    Column("force", BigInteger, nullable=False),  # the order in which they came in force; 0: it never did
    Column("proposed_by", String(128), nullable=False),  # a person's id, or `configuration`
    Column("proposed_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("applied_by", String(128), nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("applied_why", Text, nullable=False),
    Column("alone", Boolean, nullable=False),  # approved by its proposer: nobody else was an admin
    Column("back_to", BigInteger, nullable=False),  # whose files it took up again; 0: it is new
    Column("ended_by", String(128), nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Index("access_version_state", "state"),
    Index("access_version_hash", "hash"),
)
