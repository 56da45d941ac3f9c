"""One trace from the wire to the CRM, across processes; and a collector that is of no use harms nobody."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import timeit
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway import telemetry
from gateway.bus.model import Delivery, Job
from gateway.clock import SystemClock
from gateway.config import check
from gateway.errors import Retry
from gateway.metrics import SPANS_LOST
from gateway.outgoing.breaker import Breakers
from gateway.outgoing.targets import TRACES
from gateway.worker import Worker
from tests.gateway.house import LI, NAME, configured, opened
from tests.gateway.telemetry.spans import kept, recorded


async def test_a_message_is_one_trace_from_the_wire_to_the_network(tmp_path: Path) -> None:
    with recorded() as spans:
        async with opened(tmp_path) as live:
            await live.say(LI, "deal", NAME)
            await live.settle()
            live.card("deal")
    (sent,) = spans.named("channel.send")
    assert spans.path(sent) == ["receive", "publish", "turn", "show", "channel.send"]
    for name in ("identify", "mention", "disclose", "draw"):
        paths = [spans.path(each) for each in spans.named(name) if each.context.trace_id == sent.context.trace_id]
        assert ["receive", "publish", "turn", name] in paths, name
    assert sent.attributes == {"channel": "web"}


async def test_an_edit_is_one_trace_from_the_wire_to_the_crm(tmp_path: Path) -> None:
    with recorded() as spans, kept() as log:
        async with opened(tmp_path) as live:
            await live.say(LI, "deal", NAME)
            await live.settle()
            form = await live.open_form(LI, live.card("deal"))
            await live.submit(LI, "deal", form, phone="+86 512 6288 1111")
            await live.settle()
            assert live.crm.writes == 1
            history = await live.s.ledger.history("local:account:hx-medical", "phone")
            (row,) = [each for each in history if each.edit.system == "web"]
    (applied,) = spans.named("crm.apply")
    assert spans.path(applied) == ["receive", "publish", "turn", "decide", "outbox", "crm.apply"]
    assert len(row.trace) == 10, "the turn is the edit's, as it was"
    assert not [each for each in log.lines if each["level"] == "ERROR"]


async def test_an_edit_stopped_in_one_process_is_written_by_the_next_in_the_same_trace(tmp_path: Path) -> None:
    with recorded() as spans, kept() as log:
        async with opened(tmp_path) as live:
            clock, chat = live.clock, live.chat
            await live.say(LI, "deal", NAME)
            await live.settle()
            await live.submit(LI, "deal", await live.open_form(LI, live.card("deal")), phone="+86 512 6288 1111")
            await live.quiet()
            (row,) = await live.s.ledger.history("local:account:hx-medical", "phone", 1)
            assert live.crm.writes == 0
        async with opened(tmp_path, clock, chat) as other:
            broken = other.crm.__class__.apply

            async def tells(self: Any, change: Any, *, once: str) -> Any:
                raise RuntimeError("lost")

            other.crm.__class__.apply = tells  # type: ignore[method-assign]
            try:
                await other.house.writebacks["local"].once()
            finally:
                other.crm.__class__.apply = broken  # type: ignore[method-assign]
    (applied,) = spans.named("crm.apply")
    assert spans.path(applied) == ["receive", "publish", "turn", "decide", "outbox", "crm.apply"]
    (line,) = log.saying("a write to local broke")
    assert line["turn"] == row.trace and line["trace"] == f"{applied.context.trace_id:032x}"
    assert applied.attributes == {"crm": "local", "error.type": "RuntimeError"}


class Elsewhere:
    """A bus that hands a job to this process as another one published it: as bytes."""

    shared = True

    def __init__(self) -> None:
        self.ended: list[int] = []

    def holds(self, delivery: Delivery) -> bool:
        return True

    async def ack(self, delivery: Delivery) -> None:
        self.ended.append(delivery.id)

    async def retry(self, delivery: Delivery, after: float) -> Delivery:
        return delivery


async def test_a_job_of_another_process_goes_on_with_its_turn_and_trace() -> None:
    with recorded() as spans:
        with telemetry.begun() as now, telemetry.span("publish"):
            body = telemetry.packed(b"the body")
        seen: list[tuple[str, str, bytes]] = []

        async def handle(delivery: Delivery) -> None:
            with telemetry.span("turn", topic=delivery.job.topic):
                seen.append((telemetry.turn(), telemetry.trace(), telemetry.unpacked(delivery.job.body)[1]))

        bus: Any = Elsewhere()
        worker = Worker(bus, handle, at_a_time=1, tries=1)
        with telemetry.begun(), telemetry.span("somebody else's"):  # the lane's task is made in here
            worker.deliver(Delivery(1, Job("event", "room:x", "1", body), 1))
            worker.deliver(Delivery(2, Job("event", "room:x", "2", b"bare"), 1))
        while len(bus.ended) < 2:
            await worker.idle()
    (published,) = spans.named("publish")
    first, second = spans.named("turn")
    assert seen[0] == (now, f"{published.context.trace_id:032x}", b"the body")
    assert spans.path(first) == ["publish", "turn"] and spans.path(second) == ["turn"]
    assert seen[1][0] not in ("", now) and seen[1][2] == b"bare"


@pytest.mark.parametrize(
    "text", ["", "x", "0123456789;", "0123456789;00-zz-1-01", "\n", "0123456789 ; DROP", "0" * 500]
)
def test_a_carrier_that_is_none_is_a_turn_of_its_own(text: str) -> None:
    with recorded(), telemetry.carried(text) as now:
        assert len(now) == 10 and telemetry.carrier().startswith(now) and not telemetry.trace()


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\xff\xfe", b"\x01abc", b"{}", "网络\n名".encode()])
def test_any_body_comes_back(body: bytes) -> None:
    with telemetry.begun():
        assert telemetry.unpacked(telemetry.packed(body))[1] == body
    telemetry.unpacked(body)


def test_attributes_are_names_and_numbers_of_the_list() -> None:
    given: dict[str, Any] = {"topic": "event", "tries": 2, "kind": "<李婷>", "channel": "a b", "room": "deal"}
    with recorded() as spans, telemetry.span("turn", **given):
        pass
    assert spans.all[0].attributes == {"topic": "event", "tries": 2, "kind": "?", "channel": "?"}


def test_an_exception_leaves_its_type_and_not_its_message() -> None:
    with recorded() as spans, pytest.raises(Retry), telemetry.span("show"):
        raise Retry(1, "canary")
    assert "canary" not in spans.text() and spans.all[0].attributes == {"error.type": "Retry"}
    assert spans.all[0].events == ()


def test_a_span_that_is_switched_off_costs_next_to_nothing() -> None:
    """A microsecond on a quiet machine; ten of them are allowed for on a busy one, and no span is made."""
    assert telemetry._live is None

    def one() -> None:
        with telemetry.span("turn", topic="event", tries=1):
            pass

    best = min(timeit.repeat(one, number=20_000, repeat=5)) / 20_000
    assert telemetry.span("a") is telemetry.span("b", kind="x") and best < 10e-6


# -- collectors of no use


@asynccontextmanager
async def collector(behave: Any) -> AsyncIterator[tuple[str, list[int]]]:
    asked: list[int] = []

    async def take(request: web.Request) -> web.StreamResponse:
        asked.append(len(await request.read()))
        found: web.StreamResponse = await behave()
        return found

    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def _well() -> web.Response:
    return web.Response(body=b"", content_type="application/x-protobuf")


async def _broken() -> web.Response:
    return web.Response(status=500)


async def _hangs() -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


def lost() -> float:
    (family,) = SPANS_LOST.collect()
    return float(family.samples[0].value)


async def test_a_collector_that_answers_gets_every_span() -> None:
    async with collector(_well) as (url, asked):
        before, stop = lost(), telemetry.start(url, 1.0, "one")
        for _ in range(50):
            with telemetry.span("turn"):
                pass
        await asyncio.to_thread(stop)
        assert sum(asked) > 1000 and lost() == before


@pytest.mark.parametrize("behave", [_broken, _hangs])
async def test_a_collector_that_does_not_keeps_nobody_waiting(behave: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "QUEUE", 100)
    monkeypatch.setattr(telemetry, "EXPORT_S", 0.3)
    monkeypatch.setattr(telemetry, "STOP_S", 0.2)
    async with collector(behave) as (url, _):
        before, stop = lost(), telemetry.start(url, 1.0, "one")
        for _ in itertools.repeat(None, 5000):
            with telemetry.span("turn"):
                pass
        assert lost() - before >= 4000, "a bounded queue: what is too much is dropped and counted"
        async with asyncio.timeout(10):
            await asyncio.to_thread(stop)
        assert telemetry._live is None


async def test_a_collector_that_is_down_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "QUEUE", 10)
    monkeypatch.setattr(telemetry, "EXPORT_S", 0.3)
    breakers = Breakers(SystemClock())

    def guard(send: Callable[[], bool]) -> bool:
        return breakers[TRACES].attempt(send)

    def down() -> bool:
        raise OSError

    while breakers[TRACES].state == "closed":
        with suppress(OSError):
            guard(down)
    breakers[TRACES]._until += 60_000
    async with collector(_well) as (url, asked):
        before, stop = lost(), telemetry.start(url, 1.0, "one", guard)
        for _ in range(5):
            with telemetry.span("turn"):
                pass
        await asyncio.to_thread(stop)
        assert asked == [] and lost() == before + 5, "counted, and not sent"
        breakers[TRACES]._until = 0
        stop = telemetry.start(url, 1.0, "one", guard)
        with telemetry.span("turn"):
            pass
        await asyncio.to_thread(stop)
        assert sum(asked) > 0 and breakers[TRACES].failures == 0


async def test_a_gateway_works_with_a_collector_that_is_not_there(tmp_path: Path) -> None:
    stop = telemetry.start("http://127.0.0.1:9", 1.0, "one")
    try:
        async with opened(tmp_path) as live:
            await live.say(LI, "deal", NAME)
            await live.settle()
            assert live.card("deal")
    finally:
        await asyncio.to_thread(stop)


async def test_a_ratio_of_nothing_records_nothing() -> None:
    async with collector(_well) as (url, asked):
        stop = telemetry.start(url, 0.0, "one")
        with telemetry.begun(), telemetry.span("turn"):
            assert telemetry.trace() == ""
            assert not int(telemetry.carrier()[-2:], 16) & 1, "and whoever goes on with it records nothing either"
        await asyncio.to_thread(stop)
        assert asked == []


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://otel.example/", "https://otel.example/v1/traces"),
        ("http://otel.example/own/path", "http://otel.example/own/path"),
    ],
)
def test_a_bare_address_means_the_collectors_path(given: str, asked: str) -> None:
    assert telemetry.endpoint(given) == asked


def test_an_address_that_is_none_is_found_at_the_start(tmp_path: Path) -> None:
    path = configured(tmp_path, "http://127.0.0.1:1", extra='[telemetry]\notlp = "localhost:4318"\n')
    (fault,) = check(path)
    assert fault[1] == "telemetry.otlp" and "http" in fault[2]


def test_what_is_switched_off_is_not_loaded() -> None:
    tell = "import gateway.http.run, sys; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    told = subprocess.run([sys.executable, "-c", tell], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "[]"
