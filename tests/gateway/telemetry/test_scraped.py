"""What real gateways tell a scrape: all that an alarm reads is there from the start, and who holds what is seen."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import promql_parser as ql
import pytest
from aiohttp import ClientConnectionError, ClientSession
from prometheus_client.parser import text_string_to_metric_families

from gateway import beginnings
from tests.cluster.gateways import ROOT, Gateway, Ground, cleared
from tests.engines.redis import Redis
from tests.gateway.telemetry.promql import Told, Vector
from tests.gateway.telemetry.test_operating import alarms

NETWORKS = """
[channels.web]
type = "web"
url = "http://127.0.0.1:9"
secret = "file:{folder}/web.key"
[channels.chat]
type = "slack"
team = "T0001"
signing_secret = "file:{folder}/web.key"
bot_token = "file:{folder}/web.key"
base_url = "http://127.0.0.1:9/api"
[channels.tg]
type = "telegram"
bot_token = "file:{folder}/web.key"
username = "a_bot"
secret = "file:{folder}/web.key"
mode = "polling"
base_url = "http://127.0.0.1:9"
[sources.erp]
[crms.hub]
type = "hubspot"
base_url = "http://127.0.0.1:9"
token = "file:{folder}/web.key"
client_secret = "file:{folder}/web.key"
app = "1"
portal = 1
"""
"""Slack delivers, Telegram is asked, and behind port 9 is nobody: what is told is told without them."""
LATER = {
    # A share of all calls: before the first one there is none.
    "floatcard_calls_total",
    'floatcard_calls_total{outcome=~"retry|broke"}',
    # Told as soon as it is waited for, which is after each CRM was read once: who only starts cannot follow anybody.
    "floatcard_lease_held",
    # Prometheus's own word.
    'up{job="floatcard"}',
}
RULE = {each["name"]: each["expr"] for each in alarms()}


@pytest.fixture
async def two(tmp_path: Path, postgresql_url: str, redis_server: Redis) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """On one store and one queue; neither is started."""
    ground = Ground(tmp_path, postgresql_url, redis_server.url(), "", channel=NETWORKS.format(folder=tmp_path))
    await ground.furnish(["华星医疗"])
    gateways = Gateway(ground, "one"), Gateway(ground, "two")
    try:
        yield gateways
    finally:
        cleared(gateways)


async def scraped(gateway: Gateway) -> dict[str, list[float | None]]:
    """As Prometheus has it after one scrape, whenever that is."""
    async with ClientSession() as session, session.get(f"{gateway.url}/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    found: dict[str, list[float | None]] = {}
    for sample in (each for family in families for each in family.samples):
        labels = {"instance": gateway.name, "job": "floatcard", **sample.labels}
        found[f"{sample.name}{{{','.join(f'{name}={_quoted(value)}' for name, value in labels.items())}}}"] = [
            sample.value
        ]
    return found


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_by(query: str) -> Iterator[str]:
    """The series that a query reads, as selectors."""
    found: list[ql.VectorSelector] = []

    def look(each: ql.Expr) -> bool:
        found.extend([each] if isinstance(each, ql.VectorSelector) else [])
        return True

    ql.walk(ql.parse(query), look)
    return (str(each).removesuffix("{}") for each in found)


def by(label: str, found: Vector) -> set[str]:
    return {dict(labels)[label] for labels in found}


async def test_whatever_an_alarm_reads_is_there_from_the_start(two: tuple[Gateway, Gateway]) -> None:
    one, _ = two
    one.begin()
    told = await _until(lambda told: True, one)
    read = {each for query in RULE.values() for each in read_by(query)} - LATER
    assert len(read) > 20 and [each for each in sorted(read) if not told.at(each, 0)] == []
    wanted = {
        'floatcard_received_total{outcome="unreadable"}': ("channel", {"web", "chat", "tg", "hub"}),
        'floatcard_received_total{outcome="rejected"}': ("channel", {"web", "chat", "tg", "hub"}),
        'floatcard_written_total{outcome="refused"}': ("crm", {"hub", "local"}),
        'floatcard_crm_behind_total{kind="rewound"}': ("crm", {"hub", "local", "erp"}),
        'floatcard_source_gaps_total{outcome="lost"}': ("source", {"erp"}),
        "floatcard_swept_timestamp_seconds": ("crm", {"hub", "local"}),
        "floatcard_outgoing_waiting": ("channel", {"web", "chat", "tg"}),
        'floatcard_turn_seconds_count{kind=~"pressed|submitted"}': ("kind", {"pressed", "submitted"}),
    }
    assert {each: by(label, told.at(each, 0)) for each, (label, _) in wanted.items()} == {
        each: names for each, (_, names) in wanted.items()
    }
    (of_hub,) = told.at('floatcard_swept_timestamp_seconds{crm="hub"}', 0).values()
    assert time.time() - 120 < of_hub <= time.time(), "nobody has read it, and nobody could have for longer"


def words_of(counter: str) -> set[str]:
    """What the program counts under it by name, wherever it does."""
    found: set[str] = set()
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        for call in (each for each in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(each, ast.Call)):
            head = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "labels" else None
            if counter in {each.id for each in (head, *call.args[:1]) if isinstance(each, ast.Name)}:
                inside = [each for argument in call.args for each in ast.walk(argument)]
                found |= {str(each.value) for each in inside if isinstance(each, ast.Constant)}
    return found


@pytest.mark.parametrize("counter", ["RECEIVED", "WRITTEN", "BEHIND"])
def test_whatever_is_counted_by_name_is_begun(counter: str) -> None:
    found = words_of(counter)
    assert found and found == set(getattr(beginnings, counter))


LEASES = {"schedule", "directory", "retention", "laboratory", "lists", "sweep hub", "sweep local", "listen tg"}


async def test_a_killed_holder_is_missed_until_another_follows(two: tuple[Gateway, Gateway]) -> None:
    one, other = two
    await one.start()
    await _until(lambda told: by("lease", told.at("floatcard_lease_held == 1", 0)) == LEASES, one)
    await other.start()
    told = await _until(lambda told: by("lease", told.at("floatcard_lease_held", 0)) == LEASES, other)
    assert set(told.at("floatcard_lease_held", 0).values()) == {0.0}, "it says what it waits for, and only that"
    both = Told({**await scraped(one), **await scraped(other)}, 15)
    assert (both.at(RULE["FloatcardLeaseNobody"], 0), both.at(RULE["FloatcardLeaseTwice"], 0)) == ({}, {})
    one.kill()
    alone = Told(await scraped(other), 15)
    assert by("lease", alone.at(RULE["FloatcardLeaseNobody"], 0)) == LEASES
    await _until(lambda told: not told.at(RULE["FloatcardLeaseNobody"], 0), other)


async def _until(true: Callable[[Told], bool], gateway: Gateway, within: float = 60.0) -> Told:
    ends = time.monotonic() + within
    while True:
        with contextlib.suppress(ClientConnectionError):  # it does not listen yet
            if true(told := Told(await scraped(gateway), 15)):
                return told
        assert time.monotonic() < ends, gateway.log()
        await asyncio.sleep(0.1)
