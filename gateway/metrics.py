"""What is counted. Labels are names of ours and of the configuration, never a person's, a room's or a customer's."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

RECEIVED = Counter(
    "floatcard_received", "Requests from networks by outcome.", ["channel", "outcome"], registry=REGISTRY
)
EVENTS = Counter("floatcard_events", "Events accepted, by kind.", ["channel", "kind"], registry=REGISTRY)
DUPLICATES = Counter("floatcard_duplicates", "Events seen before and dropped.", ["channel"], registry=REGISTRY)
JOBS = Counter("floatcard_jobs", "Jobs by how they ended.", ["topic", "outcome"], registry=REGISTRY)
PARKED = Counter("floatcard_parked", "Jobs set aside after their last try.", registry=REGISTRY)
WAITING = Gauge("floatcard_waiting", "Jobs waiting in this process.", registry=REGISTRY)
SHOWN = Counter("floatcard_shown", "What show() did.", ["channel", "purpose", "did"], registry=REGISTRY)
WHOLE_TURN = Histogram(
    "floatcard_turn_seconds",
    "From an event taken up to its answer.",
    ["kind"],
    registry=REGISTRY,
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
INGESTED = Counter("floatcard_edits", "Edits decided, by the reason of the decision.", ["reason"], registry=REGISTRY)
TOKENS = Counter("floatcard_parents_tokens", "Parents tokens read, by status.", ["status"], registry=REGISTRY)
WRITTEN = Counter("floatcard_written", "Writes to CRMs by outcome.", ["crm", "outcome"], registry=REGISTRY)
ALERTS = Counter("floatcard_alerts", "Alerts raised, by rule.", ["rule"], registry=REGISTRY)
AUTH = Counter("floatcard_api_refused", "API requests refused.", ["why"], registry=REGISTRY)


def exposition() -> bytes:
    return generate_latest(REGISTRY)
