"""What Prometheus is told, and which alarm is to ring of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.gateway.telemetry.promql import GONE

Series = dict[str, list[float | None]]

A, B = 'instance="a:1",job="floatcard"', 'instance="b:1",job="floatcard"'
OLD = -100_000.0
"""When a process started that has been there for more than a day."""


@dataclass(frozen=True)
class Case:
    alarm: str
    tale: str
    series: Series
    rings: tuple[str, ...] = ()
    """For whom at the end, as labels; nothing where it is to be still."""
    step: int = 15

    @property
    def ends(self) -> int:
        return (max(map(len, self.series.values())) - 1) * self.step


def gauge(name: str, values: Sequence[float | None], labels: str = "", at: str = A) -> Series:
    return {f"{name}{{{at}{',' if labels else ''}{labels}}}": list(values)}


def steady(value: float, minutes: float, step: int = 15) -> list[float | None]:
    return [value] * (int(minutes * 60 / step) + 1)


def counting(a_minute: float, minutes: float) -> list[float | None]:
    """From 0 on, four times a minute."""
    return [i * a_minute / 4 for i in range(int(minutes * 4) + 1)]


def started(at: float, values: Sequence[float | None], where: str = A) -> Series:
    return gauge(
        "process_start_time_seconds", [at if value not in (None, GONE) else value for value in values], "", where
    )


def event(name: str, labels: str, values: Sequence[float | None], *, since: float = OLD, at: str = A) -> Series:
    """A counter, and the process that it is of."""
    return {**gauge(name, values, labels, at), **started(since, values, at)}


def spread(name: str, buckets: Sequence[tuple[str, float]], minutes: float, labels: str = "") -> Series:
    """A histogram: in each bucket as many a minute."""
    comma = "," if labels else ""
    return {f'{name}{{{A},{labels}{comma}le="{le}"}}': counting(a_minute, minutes) for le, a_minute in buckets}


NEVER, ONCE = steady(0, 20), [*steady(0, 10), *steady(1, 3)]
LONG_AGO = [*steady(0, 2), *steady(1, 70)]
FROM_THE_FIRST = [*[None] * 4, *steady(1, 5)]
"""It happened before the first scrape of a process that is new."""


def happenings(alarm: str, name: str, labels: str, kept: str, other: str = "") -> list[Case]:
    """Of an alarm for something that happens once."""
    other_labels = labels.replace(other, "something-else") if other else ""
    cases = [
        Case(alarm, "happens once", event(name, labels, ONCE), (kept,)),
        Case(alarm, "happened before the first scrape", event(name, labels, FROM_THE_FIRST, since=40), (kept,)),
        Case(
            alarm,
            "happens again after a restart",
            {**event(name, labels, [*steady(1, 5), *steady(1, 1)], since=300)},
            (kept,),
        ),
        Case(alarm, "never happens", event(name, labels, NEVER)),
        Case(alarm, "happened long ago", event(name, labels, LONG_AGO)),
        Case(alarm, "happened before Prometheus looked", event(name, labels, FROM_THE_FIRST)),
    ]
    return [*cases, *([Case(alarm, "something else happens", event(name, other_labels, ONCE))] if other else [])]


def leases(*values: Sequence[float | None]) -> Series:
    lease = 'lease="sweep crm"'
    return {
        key: each
        for at, told in zip((A, B), values, strict=False)
        for key, each in gauge("floatcard_lease_held", told, lease, at).items()
    }


def over(alarm: str, name: str, labels: str, limit: float, minutes: float, step: int = 15) -> list[Case]:
    """Of an alarm for a value that stands above a limit for a while."""
    little = steady(limit * 0.9, 2, step)
    last = [*little, *steady(limit * 1.1, max(minutes - 1, 0), step)] if minutes else little
    return [
        Case(alarm, "above", gauge(name, [*little, *steady(limit * 1.1, minutes + 1, step)], labels), (labels,), step),
        Case(alarm, "below", gauge(name, steady(limit * 0.9, minutes + 5, step), labels), (), step),
        Case(alarm, "not for long", gauge(name, last, labels), (), step),
        Case(alarm, "over again", gauge(name, [*steady(limit * 2, minutes + 2, step), *little], labels), (), step),
    ]


def level(alarm: str, name: str) -> list[Case]:
    return [
        Case(alarm, "at 0", gauge(name, [*steady(1, 2), *steady(0, 2)]), (A,)),
        Case(alarm, "at 0 on one of two", {**gauge(name, steady(0, 2)), **gauge(name, steady(1, 2), "", B)}, (A,)),
        Case(alarm, "at 1", gauge(name, steady(1, 5))),
        Case(alarm, "for a moment", gauge(name, [*steady(1, 2), 0, 0, 1, 1])),
    ]


CRM, CHANNEL, TARGET = 'crm="hub"', 'channel="slack"', 'target="hub feed"'

CASES: list[Case] = [
    *level("FloatcardDown", "up"),
    Case(
        "FloatcardDown",
        "none is scraped",
        gauge("up", steady(1, 3), "", 'instance="c:1",job="other"'),
        ('job="floatcard"',),
    ),
    *level("FloatcardStoreAway", "floatcard_store_up"),
    *level("FloatcardQueueAway", "floatcard_queue_up"),
    *over("FloatcardQueueOld", "floatcard_queue_age_seconds", 'lane="press"', 60, 2),
    *over("FloatcardOutboxOld", "floatcard_outbox_age_seconds", CRM, 600, 1),
    *over("FloatcardDueLate", "floatcard_due_overdue_seconds", "", 120, 2),
    *over("FloatcardConflictsWait", "floatcard_conflicts_open", "", 50, 60, 60),
    *happenings("FloatcardParked", "floatcard_parked_total", "", ""),
    *happenings("FloatcardCrmRefuses", "floatcard_written_total", f'{CRM},outcome="refused"', CRM, "refused"),
    *happenings(
        "FloatcardUnreadable", "floatcard_received_total", f'{CHANNEL},outcome="unreadable"', CHANNEL, "unreadable"
    ),
    *happenings("FloatcardSourceSetBack", "floatcard_crm_behind_total", f'{CRM},kind="rewound"', CRM, "rewound"),
    *happenings(
        "FloatcardNumbersMissing", "floatcard_source_gaps_total", 'source="erp",outcome="lost"', 'source="erp"', "lost"
    ),
    # Leases: what is said by a gateway that waits is what tells of one that was killed.
    Case(
        "FloatcardLeaseNobody",
        "a killed holder is followed by nobody",
        leases([*steady(1, 5), GONE], steady(0, 8)),
        ('lease="sweep crm"',),
    ),
    Case("FloatcardLeaseNobody", "nobody ever takes it", leases(steady(0, 3), steady(0, 3)), ('lease="sweep crm"',)),
    Case("FloatcardLeaseNobody", "one holds it", leases(steady(1, 5), steady(0, 5))),
    Case(
        "FloatcardLeaseNobody",
        "a killed holder is followed",
        leases([*steady(1, 5), GONE], [*steady(0, 5.5), *steady(1, 2)]),
    ),
    Case(
        "FloatcardLeaseNobody", "it ended by itself everywhere", leases([0, 1, GONE], [0, 0, 0, 1, GONE, *[None] * 12])
    ),
    Case("FloatcardLeaseTwice", "two hold it", leases(steady(1, 3), steady(1, 3)), ('lease="sweep crm"',)),
    Case(
        "FloatcardLeaseTwice",
        "it goes from one to the other",
        leases([*steady(1, 2), *steady(0, 2)], [*steady(0, 1.5), *steady(1, 2.5)]),
    ),
    Case(
        "FloatcardFeedOld",
        "never read since the start",
        gauge("floatcard_swept_timestamp_seconds", steady(0, 8), CRM),
        (CRM,),
    ),
    Case(
        "FloatcardFeedOld",
        "whoever read it was killed, and nobody reads it",
        {
            **gauge("floatcard_swept_timestamp_seconds", [*counting(60, 5), GONE, *[None] * 16], CRM),
            **gauge("floatcard_swept_timestamp_seconds", steady(OLD, 9), CRM, B),
        },
        (CRM,),
    ),
    Case(
        "FloatcardFeedOld",
        "read by one, the other waits",
        {
            **gauge("floatcard_swept_timestamp_seconds", counting(60, 9), CRM),
            **gauge("floatcard_swept_timestamp_seconds", steady(OLD, 9), CRM, B),
        },
    ),
    Case("FloatcardFeedOld", "just started", gauge("floatcard_swept_timestamp_seconds", steady(0, 4), CRM)),
    Case(
        "FloatcardBreakerOpen",
        "open but for the probes",
        gauge("floatcard_breaker", [0, *[2, 2, 1] * 8], TARGET),
        (TARGET,),
    ),
    Case("FloatcardBreakerOpen", "open for a moment", gauge("floatcard_breaker", [0, 0, 2, *steady(0, 1.5)], TARGET)),
    Case("FloatcardBreakerOpen", "nobody calls it any more", gauge("floatcard_breaker", [2, *steady(1, 6)], TARGET)),
    Case("FloatcardBreakerOpen", "traces alone", gauge("floatcard_breaker", steady(2, 6), 'target="traces collector"')),
    Case(
        "FloatcardShedding",
        "again and again",
        gauge("floatcard_shed_total", counting(2, 15), 'kind="said"'),
        ('kind="said"',),
    ),
    Case(
        "FloatcardStoreUnwritten",
        "each try for five minutes",
        gauge("floatcard_commits_failed_total", counting(6, 5), 'why="full"'),
        ('why="full"',),
    ),
    Case("FloatcardStoreUnwritten", "never", gauge("floatcard_commits_failed_total", steady(0, 5), 'why="full"')),
    Case(
        "FloatcardStoreUnwritten",
        "the database started again",
        gauge("floatcard_commits_failed_total", [0, 0, 3, *steady(3, 5)], 'why="unreachable"'),
    ),
    Case(
        "FloatcardStoreUnwritten",
        "over again",
        gauge("floatcard_commits_failed_total", [*counting(6, 5), *steady(30, 4)], 'why="full"'),
    ),
    Case(
        "FloatcardOutgoingWaits",
        "two a second",
        gauge("floatcard_limited_total", counting(120, 12), f'{CHANNEL},rank="card"'),
        (CHANNEL,),
    ),
    Case(
        "FloatcardOutgoingWaits",
        "one in two seconds",
        gauge("floatcard_limited_total", counting(30, 12), f'{CHANNEL},rank="card"'),
    ),
    Case(
        "FloatcardOutgoingWaits",
        "a burst, long ago",
        gauge("floatcard_limited_total", [*counting(120, 12), *steady(1440, 6)], f'{CHANNEL},rank="card"'),
    ),
    Case("FloatcardShedding", "never", gauge("floatcard_shed_total", steady(0, 15), 'kind="said"')),
    Case(
        "FloatcardCallsFail",
        "one in three",
        {
            **gauge("floatcard_calls_total", counting(4, 25), 'target="hub",outcome="ok"'),
            **gauge("floatcard_calls_total", counting(2, 25), 'target="hub",outcome="retry"'),
        },
        ('target="hub"',),
    ),
    Case(
        "FloatcardCallsFail",
        "one in twenty",
        {
            **gauge("floatcard_calls_total", counting(19, 25), 'target="hub",outcome="ok"'),
            **gauge("floatcard_calls_total", counting(1, 25), 'target="hub",outcome="broke"'),
        },
    ),
    Case(
        "FloatcardCallsFail",
        "nobody calls",
        {
            **gauge("floatcard_calls_total", steady(9, 25), 'target="hub",outcome="ok"'),
            **gauge("floatcard_calls_total", steady(9, 25), 'target="hub",outcome="retry"'),
        },
    ),
    Case(
        "FloatcardRejected",
        "twenty a minute",
        gauge("floatcard_received_total", counting(20, 12), f'{CHANNEL},outcome="rejected"'),
        (CHANNEL,),
    ),
    Case(
        "FloatcardRejected",
        "six a minute",
        gauge("floatcard_received_total", counting(6, 12), f'{CHANNEL},outcome="rejected"'),
    ),
    Case(
        "FloatcardRejected",
        "accepted ones",
        gauge("floatcard_received_total", counting(900, 12), f'{CHANNEL},outcome="accepted"'),
    ),
    Case(
        "FloatcardPressesSlow",
        "one in ten is slow",
        spread("floatcard_turn_seconds_bucket", (("1", 9), ("2.5", 9), ("5", 10), ("+Inf", 10)), 12, 'kind="pressed"'),
        ("",),
    ),
    Case(
        "FloatcardPressesSlow",
        "fast",
        spread("floatcard_turn_seconds_bucket", (("1", 10), ("2.5", 10), ("+Inf", 10)), 12, 'kind="pressed"'),
    ),
    Case(
        "FloatcardPressesSlow",
        "messages are slow",
        spread("floatcard_turn_seconds_bucket", (("1", 0), ("5", 10), ("+Inf", 10)), 12, 'kind="said"'),
    ),
    Case(
        "FloatcardPressesSlow",
        "nobody presses",
        spread("floatcard_turn_seconds_bucket", (("1", 0), ("5", 0), ("+Inf", 0)), 12, 'kind="pressed"'),
    ),
    Case(
        "FloatcardCommitsSlow",
        "one in ten is slow",
        spread("floatcard_commit_seconds_bucket", (("0.5", 9), ("1", 10), ("+Inf", 10)), 20),
        ('instance="a:1"',),
    ),
    Case(
        "FloatcardCommitsSlow",
        "fast",
        spread("floatcard_commit_seconds_bucket", (("0.5", 10), ("1", 10), ("+Inf", 10)), 20),
    ),
    Case(
        "FloatcardLoopLags",
        "one in ten is late",
        spread("floatcard_loop_lag_seconds_bucket", (("0.25", 9), ("0.5", 10), ("+Inf", 10)), 20),
        ('instance="a:1"',),
    ),
    Case("FloatcardLoopLags", "in time", spread("floatcard_loop_lag_seconds_bucket", (("0.25", 10), ("+Inf", 10)), 20)),
    Case(
        "FloatcardErrors", "six a minute", gauge("floatcard_log_lines_total", counting(6, 25), 'level="error"'), ("",)
    ),
    Case("FloatcardErrors", "one a minute", gauge("floatcard_log_lines_total", counting(1, 25), 'level="error"')),
    Case("FloatcardErrors", "what is no error", gauge("floatcard_log_lines_total", counting(60, 25), 'level="info"')),
    Case(
        "FloatcardFilesRunOut",
        "nine in ten",
        {**gauge("process_open_fds", steady(90, 7)), **gauge("process_max_fds", steady(100, 7))},
        (A,),
    ),
    Case(
        "FloatcardFilesRunOut",
        "half",
        {**gauge("process_open_fds", steady(50, 7)), **gauge("process_max_fds", steady(100, 7))},
    ),
    Case(
        "FloatcardFilesRunOut",
        "another program",
        {
            **gauge("process_open_fds", steady(90, 7), "", 'instance="c:1",job="other"'),
            **gauge("process_max_fds", steady(100, 7), "", 'instance="c:1",job="other"'),
        },
    ),
    Case(
        "FloatcardStoreGrows",
        "a tenth a day",
        gauge("floatcard_store_bytes", [1e9 + i * 2.8e5 for i in range(120 * 4)]),
        ("",),
        240,
    ),
    Case(
        "FloatcardStoreGrows",
        "a hundredth a day",
        gauge("floatcard_store_bytes", [1e9 + i * 2.8e4 for i in range(120 * 4)]),
        (),
        240,
    ),
    Case(
        "FloatcardBackupOld",
        "two days ago",
        gauge("floatcard_backup_timestamp_seconds", steady(-172_800, 70, 60)),
        ("",),
        60,
    ),
    Case(
        "FloatcardBackupOld", "a day ago", gauge("floatcard_backup_timestamp_seconds", steady(-86_400, 70, 60)), (), 60
    ),
    Case("FloatcardSpansLost", "for long", gauge("floatcard_spans_lost_total", counting(9, 45)), ("",)),
    Case("FloatcardSpansLost", "none", gauge("floatcard_spans_lost_total", steady(9, 45))),
]
