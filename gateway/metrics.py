"""What is counted. Labels are names of ours and of the configuration, never a person's, a room's or a customer's."""

from __future__ import annotations

from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a line more for each of them, that nobody asks for
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
SIGN_INS = Counter("floatcard_sign_ins", "Sign-ins to the console, by what became of them.", ["how"], registry=REGISTRY)
AUTH = Counter("floatcard_api_refused", "API requests refused.", ["why"], registry=REGISTRY)
LIMITED = Counter(
    "floatcard_limited", "Calls put off by our own limits, by rank.", ["channel", "rank"], registry=REGISTRY
)
QUEUED = Gauge("floatcard_outgoing_waiting", "Calls that wait for their turn.", ["channel"], registry=REGISTRY)
COALESCED = Counter("floatcard_coalesced", "Showings a later one took the place of.", ["channel"], registry=REGISTRY)
CALLED = Histogram(
    "floatcard_call_seconds",
    "Calls to networks, without their waiting.",
    ["channel", "method"],
    registry=REGISTRY,
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BREAKER = Gauge("floatcard_breaker", "0 closed, 1 half-open, 2 open.", ["target"], registry=REGISTRY)

_SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
CALLS = Counter(
    "floatcard_calls",
    "Calls to networks and CRMs by outcome.",
    ["side", "target", "method", "outcome"],
    registry=REGISTRY,
)
CRM_SECONDS = Histogram("floatcard_crm_seconds", "Calls to CRMs.", ["crm", "method"], registry=REGISTRY, buckets=_SHORT)
QUEUE = Gauge("floatcard_queue_jobs", "Jobs waiting in this process, by class of lane.", ["lane"], registry=REGISTRY)
QUEUE_AGE = Gauge(
    "floatcard_queue_age_seconds", "Age of the oldest job waiting here, by class of lane.", ["lane"], registry=REGISTRY
)
QUEUE_ALL = Gauge("floatcard_queue_all", "Jobs not done with in all processes, as this one knows.", registry=REGISTRY)
PARKED_NOW = Gauge("floatcard_parked_jobs", "Jobs that are set aside now.", registry=REGISTRY)
OUTBOX = Gauge(
    "floatcard_outbox_rows", "Writes to CRMs that are not done, by state.", ["crm", "state"], registry=REGISTRY
)
OUTBOX_AGE = Gauge("floatcard_outbox_age_seconds", "Age of the oldest unwritten edit.", ["crm"], registry=REGISTRY)
LOADED = Gauge(
    "floatcard_crm_load", "Customers of a CRM's first load: `done`, of `total`.", ["crm", "kind"], registry=REGISTRY
)
SWEPT = Gauge(
    "floatcard_swept_timestamp_seconds",
    "When this process last read a CRM's feed to its end; before it did, when it started.",
    ["crm"],
    registry=REGISTRY,
)
LAG = Gauge(
    "floatcard_crm_lag_seconds",
    "From the newest change in a CRM to its decision here.",
    ["crm"],
    registry=REGISTRY,
)
BEHIND = Counter(
    "floatcard_crm_behind",
    "What a CRM said of a record though it had said more: `late` on its way, or `rewound`.",
    ["crm", "kind"],
    registry=REGISTRY,
)
ODD = Counter(
    "floatcard_crm_odd_values",
    "Values of a CRM that are not what their field holds, as they came.",
    ["crm", "reason"],
    registry=REGISTRY,
)
GAPS = Counter(
    "floatcard_source_gaps",
    "Numbers of a source that never came: `read` in its CRM instead, or `lost`.",
    ["source", "outcome"],
    registry=REGISTRY,
)
CONFLICTS = Gauge("floatcard_conflicts_open", "Conflicts that wait for a person.", registry=REGISTRY)
OVERDUE = Gauge("floatcard_due_overdue", "Due times that have passed and were not taken up.", registry=REGISTRY)
OVERDUE_AGE = Gauge("floatcard_due_overdue_seconds", "By how much the oldest of them is late.", registry=REGISTRY)
BATCH = Histogram(
    "floatcard_commit_writes",
    "Writes in one commit of the store.",
    registry=REGISTRY,
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
UNWRITTEN = Counter(
    "floatcard_commits_failed",
    "Commits that the store did not take, by what was wrong with it.",
    ["why"],
    registry=REGISTRY,
)
COMMIT = Histogram("floatcard_commit_seconds", "Commits of the store.", registry=REGISTRY, buckets=_SHORT)
WRITES = Gauge("floatcard_store_waiting", "Writes that wait for their commit.", registry=REGISTRY)
STORE_UP = Gauge("floatcard_store_up", "Whether the store answered when last asked.", registry=REGISTRY)
BUS_UP = Gauge("floatcard_queue_up", "Whether the queue answered when last asked.", registry=REGISTRY)
BACKED_UP = Gauge(
    "floatcard_backup_timestamp_seconds", "When `floatcard backup` was last done; 0: never.", registry=REGISTRY
)
STORE_BYTES = Gauge("floatcard_store_bytes", "Size of the store.", registry=REGISTRY)
LEASE = Gauge(
    "floatcard_lease_held",
    "What one gateway does at a time: 1 where this one does, else 0.",
    ["lease"],
    registry=REGISTRY,
)
LOOP_LAG = Histogram(
    "floatcard_loop_lag_seconds", "By how much the event loop woke too late.", registry=REGISTRY, buckets=_SHORT
)
SPANS_LOST = Counter("floatcard_spans_lost", "Spans that did not reach their collector.", registry=REGISTRY)
LINES = Counter("floatcard_log_lines", "Lines written to the log.", ["level"], registry=REGISTRY)
BUILD = Info("floatcard_build", "Which program this is, on which engines.", registry=REGISTRY)
ProcessCollector(registry=REGISTRY)
PRESSURE = Gauge("floatcard_pressure", "1 while what is of this rank is put off.", ["rank"], registry=REGISTRY)
SHED = Counter("floatcard_shed", "Put off because too much waited, by kind.", ["kind"], registry=REGISTRY)
MADE_GOOD = Counter("floatcard_made_good", "Put off, and done when there was room again.", ["kind"], registry=REGISTRY)
REMOVED = Counter("floatcard_removed", "Rows removed by age, by what they were.", ["what"], registry=REGISTRY)


@cache
def child(of: Counter, *labels: str) -> Counter:
    """The counter of these labels, for where it is asked for all the time: to look for it costs more than to count."""
    return of.labels(*labels)


def exposition() -> bytes:
    return generate_latest(REGISTRY)
