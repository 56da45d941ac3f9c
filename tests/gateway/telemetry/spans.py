"""Spans kept in memory, and a log kept as lines."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway import telemetry
from gateway.logs import Handler, Json, Text


class Spans:
    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.all if each.name == name]

    def under(self, span: ReadableSpan) -> list[ReadableSpan]:
        return [each for each in self.all if each.parent is not None and each.parent.span_id == span.context.span_id]

    def path(self, span: ReadableSpan) -> list[str]:
        """The names from the root of its trace down to it."""
        by_id = {each.context.span_id: each for each in self.all}
        names = [span.name]
        while span.parent is not None and (above := by_id.get(span.parent.span_id)) is not None:
            names.append(above.name)
            span = above
        return names[::-1] if span.parent is None else ["?", *names[::-1]]

    def text(self) -> str:
        return "\n".join(each.to_json() for each in self.all)


@contextlib.contextmanager
def recorded() -> Iterator[Spans]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    undo = telemetry.use(provider)
    try:
        yield Spans(exporter)
    finally:
        undo()
        provider.shutdown()


class Log:
    def __init__(self) -> None:
        self.json = io.StringIO()
        self.text = io.StringIO()
        self.bare = io.StringIO()
        """What a formatter of the library writes."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(each) for each in self.json.getvalue().splitlines()]

    def saying(self, words: str) -> list[dict[str, Any]]:
        return [each for each in self.lines if words in each["says"]]


@contextlib.contextmanager
def kept(instance: str = "one") -> Iterator[Log]:
    log, root = Log(), logging.getLogger()
    handlers: list[logging.Handler] = [Handler(log.json), Handler(log.text), logging.StreamHandler(log.bare)]
    handlers[0].setFormatter(Json(instance))
    handlers[1].setFormatter(Text(instance))
    before = root.level
    root.setLevel("INFO")
    for each in handlers:
        root.addHandler(each)
    try:
        yield log
    finally:
        root.setLevel(before)
        for each in handlers:
            root.removeHandler(each)
