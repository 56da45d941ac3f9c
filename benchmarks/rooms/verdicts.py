"""What a room may see of one record: `python -m benchmarks.rooms.verdicts`.

5,000 members of 400 distinct roles, teams and regions, 40 fields of four classes: one verdict for each field. Cold, as
a gateway that has just begun; warm, as for each card after; beside it the definition itself, every member asked about
every field, which also keeps what it was told before.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

from benchmarks.common import HERE, keep, machine, table
from crm.model import FieldValue, Record, RecordRef
from identity.access import AccessPolicy
from identity.disclosure import ORDER, Classes, disclose
from identity.model import Attributes, Audience

NOW = 1_795_000_000_000
ROLES = ("rep", "manager", "admin", "employee", "marketing")
TEAMS = "permit (principal, action, resource) when { principal.team == resource.team || !principal.external };"
HOURS = """permit (principal, action, resource)
when { !principal.external && context.minute >= 9 * 60 && context.minute < 23 * 60 && context.weekday < 6 };"""


def room(members: int, kinds: int) -> Audience:
    made = [
        Attributes((ROLES[n % 5],), f"t{n // 5 % 80}", f"r{n // 100}", external=False, mapped=True)
        for n in range(kinds)
    ]
    return Audience("group", dict.fromkeys(made, members // kinds), at=NOW)


def customer(fields: int) -> tuple[Record, Classes]:
    values = {f"f{n}": FieldValue(str(n)) for n in range(fields)}
    record = Record(RecordRef("local", "account", "1"), "x", "", 1, values, {}, team="t1", region="r1")
    return record, Classes({name: ORDER[n % 4] for n, name in enumerate(values)}, {})


def ours(access: AccessPolicy, record: Record, classes: Classes, room: Audience) -> frozenset[str]:
    shown = disclose(record, room, NOW, access, classes, owners=frozenset(), zone="Asia/Shanghai")
    return frozenset(shown.record.fields)


def brute(access: AccessPolicy, record: Record, classes: Classes, room: Audience) -> frozenset[str]:
    """The definition: field by field, member by member."""

    def may(who: Attributes, field: str) -> bool:
        team, region, zone = record.team, record.region, "Asia/Shanghai"
        return access.permit(
            who, "view", classes.of(field), room.scene, owner=False, team=team, region=region, at=NOW, zone=zone
        ).allowed

    members = [who for who, count in room.counts.items() for _ in range(count)]
    return frozenset(field for field in record.fields if all(may(who, field) for who in members))


def timed(work: Callable[[], object], times: int) -> float:
    """The median, in milliseconds."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def rows(members: int, kinds: int, fields: int, times: int) -> list[list[object]]:
    record, classes = customer(fields)
    audience = room(members, kinds)
    made: list[list[object]] = []
    for name, texts in (
        ("ours, the defaults", None),
        ("by team, each its own", {"t.cedar": TEAMS}),
        ("by the hour", {"h.cedar": HOURS}),
    ):
        access = AccessPolicy.load(None) if texts is None else AccessPolicy.of(texts)
        assert ours(access, record, classes, audience) == brute(access, record, classes, audience)
        fresh = iter([AccessPolicy(access.ruling) for _ in range(times)])
        made.append([name, *_timed(access, fresh, times, record, classes, audience)])
    return made


def _timed(
    access: AccessPolicy, fresh: Iterator[AccessPolicy], times: int, record: Record, classes: Classes, room: Audience
) -> list[float]:
    cold = timed(lambda: ours(next(fresh), record, classes, room), times)
    warm = timed(lambda: ours(access, record, classes, room), times)
    every = timed(lambda: brute(access, record, classes, room), 1)
    return [cold, warm, every, every / warm]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=5_000)
    parser.add_argument("--kinds", type=int, default=400)
    parser.add_argument("--fields", type=int, default=40)
    parser.add_argument("--times", type=int, default=9)
    it = parser.parse_args()
    head = ["policies", "cold ms", "warm ms", "every member asked, ms", "that, warm = 1"]
    about = f"{it.members} members of {it.kinds} distinct attributes, {it.fields} fields; medians of {it.times}."
    found = table(head, rows(it.members, it.kinds, it.fields, it.times))
    keep(HERE / "rooms" / "verdicts.md", "What a large room may see", machine("cedarpy"), about, found)


if __name__ == "__main__":
    main()
