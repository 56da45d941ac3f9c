"""Whether a record in doubt is as it was: then the write may still be on its way, and it is looked at once more."""

from __future__ import annotations

from dataclasses import replace

from crm.model import FieldValue, Record, RecordRef
from gateway.store.ledger import OutboxRow
from gateway.store.mirror import dump, load
from gateway.writeback import _as_it_was

FIELDS = {"phone": FieldValue("1", as_of=5_000)}
KNOWN = Record(RecordRef("odoo", "account", "7"), "Acme", "", 5_000, FIELDS, {}, modified=5_000, modified_by="gateway")
ROW = OutboxRow("w1", "odoo", KNOWN.ref.key, "phone", "2", 5_000, "", "d1", 1)


def test_a_record_that_is_only_counted_otherwise_by_now_is_as_it_was() -> None:
    before = load(dump(KNOWN))
    assert _as_it_was(ROW, KNOWN, before)
    settled = replace(KNOWN, version=5_900)
    assert _as_it_was(ROW, settled, before)
    assert not _as_it_was(ROW, settled, None)
    assert not _as_it_was(ROW, replace(settled, fields={"phone": FieldValue("2", as_of=5_000)}), before)
    assert not _as_it_was(ROW, replace(settled, modified=6_000), before)
