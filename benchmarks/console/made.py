"""How large the deployment is, and the rows of its tables that need no key and no ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DAY_MS = 86_400_000
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    customers: int
    rooms: int
    people: int
    edits: int
    disputed: int
    settled: int
    alerts: int
    cards: int
    reports: int


FULL = Sizes(
    customers=100_000,
    rooms=2_000,
    people=5_000,
    edits=300_000,
    disputed=300,
    settled=3_000,
    alerts=5_000,
    cards=20_000,
    reports=20_000,
)
SMALL = Sizes(
    customers=400, rooms=60, people=80, edits=2_000, disputed=30, settled=60, alerts=120, cards=200, reports=200
)


def people(count: int) -> list[Row]:
    roles = (["rep", "employee"], ["marketing", "employee"], ["employee"], ["rep", "employee", "manager"])
    more = {"external": False, "active": True, "locale": "", "zone": ""}
    return [
        {
            "id": f"p{n}",
            "name": f"Person {n}",
            "roles": json.dumps(roles[n % 4]),
            "team": ("east", "south", "north")[n % 3],
            "region": "",
            "emails": json.dumps([f"person{n}@example.com"]),
            **more,
        }
        for n in range(count)
    ]


def im(n: int) -> str:
    return f"web/demo/user/u{n}"


def links(count: int, now: int) -> list[Row]:
    made = {"step": "import", "evidence": "seeded", "made_by": "bench", "at": now, "verified_at": now}
    ends = {"ended_at": None, "ended_by": ""}
    return [{"id": f"l{n}", "person": f"p{n}", "kind": "im", "key": im(n), **made, **ends} for n in range(count)]


def rooms(count: int, now: int) -> list[Row]:
    told = {"complete": True, "rostered_at": now, "told_at": 0, "locale": ""}
    return [
        {
            "key": f"web/room{n:05d}",
            "title": f"room {n}",
            "kind": "public" if n % 10 == 0 else "group",
            "external": n % 50 == 0,
            "quiet_until": now + DAY_MS if n % 40 == 0 else 0,
            **told,
        }
        for n in range(count)
    ]


def members(sizes: Sizes) -> list[Row]:
    """Twenty each; in every tenth room a guest, and in every room one whom nobody has mapped."""
    rows: list[Row] = []
    for n in range(sizes.rooms):
        key = f"web/room{n:05d}"
        rows += [
            {"room": key, "im": im((n * 7 + at) % sizes.people), "name": f"Person {n}", "kind": "member"}
            for at in range(20)
        ]
        rows.append({"room": key, "im": f"web/demo/user/new{n % 500}", "name": f"New {n}", "kind": "member"})
        if n % 10 == 0:
            rows.append({"room": key, "im": f"web/demo/user/guest{n}", "name": f"Guest {n}", "kind": "guest"})
    return rows


def accounts(sizes: Sizes, now: int) -> list[Row]:
    return [
        {
            "im": f"web/demo/user/new{n}",
            "name": f"New {n}",
            "kind": "member",
            "room": f"web/room{n % sizes.rooms:05d}",
            "seen_at": now - n,
        }
        for n in range(min(500, sizes.rooms))
    ]


def alerts(sizes: Sizes, now: int) -> list[Row]:
    states = ("open", "acknowledged", "acknowledged", "over", "snoozed")
    return [
        {
            "id": f"a{n}",
            "rule": "risk_high" if n % 3 else "conflict_open",
            "record": key(n % sizes.customers),
            "subject": f"r{n}:1",
            "state": states[n % 5],
            "since": now - n * 60_000,
            "by": f"p{n % sizes.people}" if n % 5 in (1, 2) else "",
            "until": now + DAY_MS if n % 5 == 4 else 0,
            "trace": "",
        }
        for n in range(sizes.alerts)
    ]


def slots(sizes: Sizes, now: int) -> list[Row]:
    rows: list[Row] = []
    for n in range(sizes.cards):
        key = f"web/room{n % sizes.rooms:05d}"
        at = now - n * 30 * DAY_MS // sizes.cards
        rows.append(
            {
                "id": f"s{n}",
                "place": f"{key}/",
                "room": key,
                "purpose": "card",
                "subject": f"m{n}",
                "message": json.dumps([f"{key}/", f"m{n}"]),
                "digest": "0" * 32,
                "audience": "",
                "valid_until": None,
                "painted_at": at,
                "reader": "",
                "posted_at": at,
                "state": "{}",
            }
        )
    return rows


def slot_records(sizes: Sizes) -> list[Row]:
    return [{"slot": f"s{n}", "record": key(n * 5 % sizes.customers)} for n in range(sizes.cards)]


def lessons(sizes: Sizes, now: int) -> list[Row]:
    kinds = ("shown", "shown", "shown", "used", "shown", "wrong", "shown", "none", "shown", "picked")
    return [
        {
            "id": f"t{n}",
            "name": f"name {n % 700}",
            "room": f"web/room{n % sizes.rooms:05d}",
            "message": f"m{n}",
            "record": key(n % sizes.customers),
            "kind": kinds[n % 10],
            "by": f"p{n % sizes.people}",
            "at": now - n * 30 * DAY_MS // sizes.reports,
            "ended_at": None,
            "ended_by": "",
        }
        for n in range(sizes.reports)
    ]


def key(n: int) -> str:
    return f"local:account:c{n}"
