"""What a piece of work is called across processes (its turn) and, where it is switched on, its OpenTelemetry spans.

The only home of opentelemetry. Switched off, a span costs a comparison, and nothing of the SDK is loaded. Attributes
are names of ours and of the configuration: no key outside `ATTRIBUTES`, no text that is not a plain name, never an
exception's message.
"""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from gateway.errors import Refused, Rejected, Retry, Unreadable
from gateway.metrics import CALLS, CRM_SECONDS, SPANS_LOST

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Tracer

Value = str | int | float | bool

ATTRIBUTES = frozenset(
    {"channel", "count", "crm", "did", "kind", "method", "outcome", "purpose", "reason", "status", "topic", "tries"}
)
NAME = re.compile(r"[A-Za-z0-9_.-]{0,64}")
_CARRIED = re.compile(r"([0-9a-f]{10})(?:;(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}))?")
_MARK = b"\x01"

QUEUE = 4096
"""Spans that may wait for the collector; what comes past it is dropped and counted."""
EXPORT_S = 5.0
STOP_S = 2.0

_turn: ContextVar[str] = ContextVar("turn", default="")


# -- the turn


_chance = random.Random(secrets.randbits(128))  # noqa: S311 -- a name for the log, not a secret


def new_turn() -> str:
    """Drawn here and not from the system: asking that lets another thread in, for every request."""
    return f"{_chance.getrandbits(40):010x}"


def turn() -> str:
    """The turn that runs here; empty outside of one."""
    return _turn.get()


def carrier() -> str:
    """What another process needs to go on with this turn and this trace; empty outside of a turn."""
    now = _turn.get()
    parent = _live.parent() if _live is not None and now else ""
    return f"{now};{parent}" if parent else now


def plain(carried: str) -> str:
    """The turn of a carrier, or of what is no carrier, itself."""
    return carried.partition(";")[0]


class begun:  # noqa: N801 -- used as a function is
    """A turn begins here, under whatever span is open."""

    __slots__ = ("_now", "_token")

    def __init__(self, now: str = "") -> None:
        self._now = now or new_turn()

    def __enter__(self) -> str:
        self._token = _turn.set(self._now)
        return self._now

    def __exit__(self, kind: object, why: object, where: object) -> None:
        _turn.reset(self._token)


def carried(text: str) -> AbstractContextManager[str]:
    """Goes on with what `carrier` said; a turn of its own where that is nothing."""
    found = _CARRIED.fullmatch(text)
    now, parent = (found[1], found[2] or "") if found is not None else ("", "")
    return begun(now) if _live is None else _under(_live, begun(now), parent)


@contextmanager
def _under(live: _Live, now: begun, parent: str) -> Iterator[str]:
    with now as turn, live.within(parent):
        yield turn


def stamped(trace: str) -> str:
    """A turn as it is stored with an edit: with the span that is open, where it is recorded, for whoever writes it."""
    return f"{trace};{_live.parent()}" if _live is not None and trace and _live.trace() else trace


def packed(body: bytes) -> bytes:
    """A job's body with what its turn and trace are."""
    now = carrier()
    return _MARK + now.encode() + b"\n" + body if now else body


def unpacked(body: bytes) -> tuple[str, bytes]:
    if not body.startswith(_MARK):
        return "", body
    now, _, rest = body[1:].partition(b"\n")
    return now.decode("ascii", "replace"), rest


# -- spans


class _Nothing:
    """The span where spans are switched off: one for all."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, why: object, where: object) -> None:
        return None


_NOTHING = _Nothing()


def span(name: str, **attributes: Value) -> AbstractContextManager[None]:
    return _NOTHING if _live is None else _live.span(name, attributes)


def trace() -> str:
    """The id of the trace that is recorded here, else empty."""
    return _live.trace() if _live is not None else ""


def allowed(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """What may leave: keys of ours, numbers, and texts that are plain names."""
    return {key: _tame(value) for key, value in attributes.items() if key in ATTRIBUTES}


def _tame(value: Value) -> Value:
    if isinstance(value, str):
        return value if NAME.fullmatch(value) else "?"
    return value if isinstance(value, int | float) else "?"


class calling:  # noqa: N801 -- used as a function is
    """A call to the other side: its span, how long it took, and what came of it."""

    __slots__ = ("_began", "_side", "_span", "_what")

    def __init__(self, side: Literal["crm", "channel"], target: str, method: str, *, traced: bool = True) -> None:
        self._side, self._what = side, (target, method)
        self._span = span(f"{side}.{method}", **{side: target}) if traced else _NOTHING

    def __enter__(self) -> None:
        self._span.__enter__()
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, where: TracebackType | None
    ) -> None:
        CALLS.labels(self._side, *self._what, outcome(kind)).inc()
        if self._side == "crm":
            CRM_SECONDS.labels(*self._what).observe(time.perf_counter() - self._began)
        self._span.__exit__(kind, why, where)


_OUTCOMES = (Retry, "retry"), (Refused, "refused"), (Rejected, "rejected"), (Unreadable, "unreadable")


def outcome(kind: type[BaseException] | None) -> str:
    """ok, retry, refused, rejected, unreadable, cancelled or broke."""
    if kind is None:
        return "ok"
    if issubclass(kind, asyncio.CancelledError):
        return "cancelled"
    return next((word for known, word in _OUTCOMES if issubclass(kind, known)), "broke")


class _Span:
    __slots__ = ("_live", "_span", "_token")

    def __init__(self, live: _Live, name: str, attributes: dict[str, Value]) -> None:
        self._live = live
        self._span = live.tracer.start_span(name, attributes=allowed(attributes))

    def __enter__(self) -> None:
        self._token = self._live.attach(self._live.api.trace.set_span_in_context(self._span))

    def __exit__(self, kind: type[BaseException] | None, why: object, where: object) -> None:
        self._live.detach(self._token)
        if kind is not None:
            status = self._live.api.trace.Status(self._live.api.trace.StatusCode.ERROR, kind.__name__)
            self._span.set_attribute("error.type", kind.__name__)
            self._span.set_status(status)
        self._span.end()


class _Api:
    """What of the library is used once it is loaded."""

    def __init__(self) -> None:
        from opentelemetry import context, trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.context: Any = context
        self.trace: Any = trace
        self.wire = TraceContextTextMapPropagator()


class _Live:
    def __init__(self, tracer: Tracer) -> None:
        self.api = _Api()
        self.tracer: Any = tracer
        self.attach = self.api.context.attach
        self.detach = self.api.context.detach

    def span(self, name: str, attributes: dict[str, Value]) -> _Span:
        return _Span(self, name, attributes)

    def trace(self) -> str:
        now = self.api.trace.get_current_span().get_span_context()
        return f"{now.trace_id:032x}" if now.is_valid and now.trace_flags.sampled else ""

    def parent(self) -> str:
        fields: dict[str, str] = {}
        self.api.wire.inject(fields)
        return fields.get("traceparent", "")

    @contextmanager
    def within(self, parent: str) -> Iterator[None]:
        """Under a span of elsewhere, and under none of here."""
        token = self.attach(self.api.wire.extract({"traceparent": parent}, self.api.context.Context()))
        try:
            yield
        finally:
            self.detach(token)


_live: _Live | None = None


def use(provider: TracerProvider) -> Callable[[], None]:
    """Every span goes to this provider until what is returned is called."""
    global _live
    before, _live = _live, _Live(provider.get_tracer("floatcard"))
    ours = _live

    def undo() -> None:
        global _live
        if _live is ours:
            _live = before

    return undo


Guard = Callable[[Callable[[], bool]], bool]
"""Makes a call that says whether it went well, or raises `Retry` while whom it is for does not answer."""


def start(otlp: str, ratio: float, instance: str, guard: Guard = lambda call: call()) -> Callable[[], None]:
    """Spans go to the collector at `otlp`; nothing where that is empty. What is returned sends the rest, for two
    seconds at most, and ends it."""
    if not otlp:
        return lambda: None
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    about = {"service.name": "floatcard", "service.instance.id": instance}
    sampler = ParentBasedTraceIdRatio(ratio)
    provider = TracerProvider(sampler=sampler, resource=Resource(about), shutdown_on_exit=False)
    provider.add_span_processor(_outgoing(endpoint(otlp), guard))
    undo = use(provider)

    def stop() -> None:
        undo()
        # A collector that hangs keeps nobody from ending.
        last = threading.Thread(target=provider.shutdown, name="telemetry-end", daemon=True)
        last.start()
        last.join(STOP_S)

    return stop


def _outgoing(to: str, guard: Guard) -> SpanProcessor:
    """A bounded queue in front of the collector: whatever that does, nobody waits, and what is lost is counted."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

    waiting = 0

    class Counted(OTLPSpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            nonlocal waiting
            waiting -= len(spans)
            send = super().export
            try:
                sent = guard(lambda: send(spans) is SpanExportResult.SUCCESS)
            except Retry:
                sent = False
            if not sent:
                SPANS_LOST.inc(len(spans))
            return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE

    class Bounded(BatchSpanProcessor):
        def on_end(self, span: Any) -> None:
            nonlocal waiting
            if not span.context.trace_flags.sampled:
                return
            if waiting >= QUEUE:
                SPANS_LOST.inc()
                return
            waiting += 1
            super().on_end(span)

    exporter, size = Counted(endpoint=to, timeout=EXPORT_S), min(512, QUEUE)
    return Bounded(exporter, max_queue_size=2 * QUEUE, max_export_batch_size=size, schedule_delay_millis=1000)


def endpoint(otlp: str) -> str:
    """A collector's bare address means its path for traces. Raises ValueError for what is no http address."""
    parts = urlsplit(otlp)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an http:// or https:// address of a collector, such as http://127.0.0.1:4318")
    return otlp if parts.path.strip("/") else f"{otlp.rstrip('/')}/v1/traces"
