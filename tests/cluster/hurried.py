"""The gateway, with seconds of patience where it has half a minute for what a killed one had in hand."""

from __future__ import annotations

from gateway import show
from gateway.cli.main import main
from gateway.store.ledger import outbox

outbox.LEASE_MS = 6_000
show.CLAIM_MS = 6_000

main()
