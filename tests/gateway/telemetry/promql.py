"""As much of PromQL as our alarms are written in, over samples of a test; every other form is refused.

A real parser takes a query apart; what it comes to follows Prometheus. Where its `promtool` is at hand the same samples
are put to that as well (test_alarms.py).
"""

from __future__ import annotations

import itertools
import math
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import promql_parser as ql

GONE = math.inf
"""Written down by Prometheus where a series is not told any more: it ends there, and not five minutes later."""
LOOK_BACK = 300.0

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Samples = list[tuple[float, float]]


class Unknown(Exception):
    """A form that is not evaluated here: add it, or write the alarm otherwise."""


class Told:
    """Series by their selectors, each with a value every `step` seconds from 0 on; None where a scrape told none."""

    def __init__(self, series: Mapping[str, Sequence[float | None]], step: float) -> None:
        self._series: list[tuple[str, Labels, Samples]] = []
        for written, values in series.items():
            told = [(i * step, value) for i, value in enumerate(values) if value is not None]
            self._series.append((*named(written), told))

    def at(self, query: str, now: float) -> Vector:
        return self._vector(ql.parse(query), float(now))

    def _vector(self, expr: Any, now: float) -> Vector:
        found = self._value(expr, now)
        if not isinstance(found, dict):
            raise Unknown(f"a number where series are wanted: {expr}")
        return found

    def _value(self, expr: Any, now: float) -> Vector | float:
        match expr:
            case ql.ParenExpr():
                return self._value(expr.expr, now)
            case ql.NumberLiteral():
                return float(expr.val)
            case ql.VectorSelector():
                last = {labels: told[-1][1] for labels, told in self._within(expr, now - LOOK_BACK, now).items()}
                return {labels: value for labels, value in last.items() if value != GONE}
            case ql.AggregateExpr():
                return self._aggregate(expr, now)
            case ql.Call():
                return self._call(expr, now)
            case ql.BinaryExpr():
                return _joined(expr, self._value(expr.lhs, now), self._value(expr.rhs, now))
        raise Unknown(type(expr).__name__)

    def _within(self, expr: Any, start: float, end: float) -> dict[Labels, Samples]:
        wanted, matchers = _selected(expr)
        found = {
            labels: [each for each in told if start < each[0] <= end]
            for name, labels, told in self._series
            if name == wanted and all(_fits(each, dict(labels).get(each.name, "")) for each in matchers)
        }
        return {labels: told for labels, told in found.items() if told}

    def _aggregate(self, expr: Any, now: float) -> Vector:
        how, by, parts = _TOGETHER.get(str(expr.op)), expr.modifier, dict[Labels, list[float]]()
        if how is None or (by is not None and by.type != ql.AggModifierType.By):
            raise Unknown(f"{expr.op} {by}")
        for labels, value in self._vector(expr.expr, now).items():
            parts.setdefault(_only(labels, by.labels if by is not None else ()), []).append(value)
        return {labels: how(values) for labels, values in parts.items()}

    def _call(self, expr: Any, now: float) -> Vector | float:
        name, args = expr.func.name, expr.args
        if name == "time":
            return now
        if name == "absent":
            labels = frozenset((each.name, each.value) for each in _selected(args[0])[1])
            return {} if self._vector(args[0], now) else {labels: 1.0}
        if name == "histogram_quantile":
            return _quantiles(float(args[0].val), self._vector(args[1], now))
        if name not in _OVER or not isinstance(args[0], ql.MatrixSelector):
            raise Unknown(name)
        window, rest = args[0].range.total_seconds(), [each.val for each in args[1:]]
        found = self._within(args[0].vector_selector, now - window, now).items()
        made = {each: _OVER[name]([one for one in told if one[1] != GONE], window, now, *rest) for each, told in found}
        return {labels: value for labels, value in made.items() if value is not None}


def named(series: str) -> tuple[str, Labels]:
    name, labels = _selected(ql.parse(series))
    return name, frozenset((each.name, each.value) for each in labels)


def _selected(expr: Any) -> tuple[str, Sequence[Any]]:
    if not isinstance(expr, ql.VectorSelector) or expr.offset or expr.at or expr.matchers.or_matchers:
        raise Unknown(f"a selector: {expr}")
    return expr.name or "", expr.matchers.matchers


def _fits(matcher: Any, text: str) -> bool:
    equal = text == matcher.value if "Equal" in str(matcher.op) else re.fullmatch(matcher.value, text) is not None
    return equal != ("Not" in str(matcher.op))


def _only(labels: Labels, names: Iterable[str]) -> Labels:
    return frozenset(each for each in labels if each[0] in names)


def _joined(expr: Any, left: Vector | float, right: Vector | float) -> Vector | float:
    op, more = str(expr.op), expr.modifier
    how = more.matching if more is not None else None
    if (more and more.return_bool) or (how and (op != "and" or how.type != ql.LabelModifierType.Include)):
        raise Unknown(f"{op} {more}")
    if isinstance(left, dict) and isinstance(right, dict):
        if op == "or":
            return {**right, **left}
        if op == "and":
            there = {_only(each, how.labels) if how else each for each in right}
            return {each: value for each, value in left.items() if (_only(each, how.labels) if how else each) in there}
        pairs = {each: (left[each], right[each]) for each in left.keys() & right.keys()}
    elif isinstance(left, dict) and isinstance(right, float):
        pairs = {each: (value, right) for each, value in left.items()}
    elif isinstance(left, float) and isinstance(right, dict) and op in _RECKONED:
        pairs = {each: (left, value) for each, value in right.items()}
    else:
        raise Unknown(f"{op} of such")
    if op in _COMPARED:
        return {each: one for each, (one, other) in pairs.items() if _COMPARED[op](one, other)}
    if op not in _RECKONED:
        raise Unknown(op)
    return {each: _RECKONED[op](one, other) for each, (one, other) in pairs.items()}


def _increase(told: Samples, window: float, now: float) -> float | None:
    if len(told) < 2:
        return None
    (began, first), (ended, last) = told[0], told[-1]
    grown = last - first + sum(a for (_, a), (_, b) in itertools.pairwise(told) if b < a)
    span, before, after = ended - began, began - (now - window), now - ended
    if grown > 0:  # a counter does not begin below nothing
        before = min(before, span * first / grown)
    apart = span / (len(told) - 1)
    return grown * (span + sum(each if each < apart * 1.1 else apart / 2 for each in (before, after))) / span


def _quantiles(share: float, buckets: Vector) -> Vector:
    parts: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in buckets.items():
        rest = frozenset(each for each in labels if each[0] != "le")
        parts.setdefault(rest, []).append((float(dict(labels)["le"]), count))
    return {labels: _quantile(share, sorted(part)) for labels, part in parts.items()}


def _quantile(share: float, part: list[tuple[float, float]]) -> float:
    wanted, lower, below = share * part[-1][1], 0.0, 0.0
    for upper, count in part:
        if count >= wanted and count > 0:
            return lower if upper == math.inf else lower + (upper - lower) * (wanted - below) / (count - below)
        lower, below = upper, count
    return math.nan


def _predicted(told: Samples, window: float, now: float, ahead: float) -> float | None:
    if len(told) < 2:
        return None
    slope, there = statistics.linear_regression([at for at, _ in told], [value for _, value in told])
    return there + slope * (now + ahead)


_OVER: dict[str, Callable[..., float | None]] = {
    "increase": _increase,
    "rate": lambda told, window, now: (grown := _increase(told, window, now)) and grown / window,
    "max_over_time": lambda told, window, now: max((value for _, value in told), default=None),
    "predict_linear": _predicted,
}
_TOGETHER: dict[str, Callable[[list[float]], float]] = {"sum": sum, "max": max}
_COMPARED = {">": operator.gt, "<": operator.lt, "==": operator.eq}
_RECKONED: dict[str, Callable[[float, float], float]] = {
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else math.nan,
}
