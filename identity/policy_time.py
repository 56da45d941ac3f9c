"""What a policy asks about time, read from its parsed form."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from identity.hours import TimeUse

_COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!=", "contains"})
_TIMES: Final = frozenset({"minute", "weekday", "now"})
_ARITHMETIC: Final = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class TimeFault(Exception):
    """Time is used in a way whose next change cannot be told."""


def time_use(est: Mapping[str, Any]) -> TimeUse:
    """The literals one policy compares time with. Raises `TimeFault`."""
    found: dict[str, set[int]] = {name: set() for name in _TIMES}
    for condition in est.get("conditions", ()):
        _walk(condition["body"], found)
    minutes = {edge for minute in found["minute"] for edge in (minute, minute + 1)}
    instants = {edge for instant in found["now"] for edge in (instant, instant + 1)}
    return TimeUse(tuple(sorted(minutes)), bool(found["weekday"]), tuple(sorted(instants)))


def _walk(node: Any, found: dict[str, set[int]]) -> None:
    if isinstance(node, list):
        for part in node:
            _walk(part, found)
    if not isinstance(node, dict):
        return
    for kind, operands in node.items():
        if kind in _COMPARISONS and (asked := _asked(operands)) is not None:
            found[asked].update(_literals(asked, operands))
        elif kind == "Record":
            _walk(list(operands.values()), found)
        elif kind == "Var" and operands == "context":
            raise TimeFault("the context may only be asked for one attribute at a time, as in context.scene")
        elif kind in (".", "has") and operands["left"] == {"Var": "context"}:
            _plain_attribute(kind, operands["attr"])
        elif kind != "Value":
            _walk(operands, found)


def _plain_attribute(kind: str, attribute: str) -> None:
    if kind == "." and attribute in _TIMES:
        raise TimeFault(f"context.{attribute} may only be compared with a literal, so that its next change is known")


def _asked(operands: Mapping[str, Any]) -> str | None:
    """The time attribute that stands alone on one side of a comparison."""
    for side in ("left", "right"):
        match operands[side]:
            case {".": {"left": {"Var": "context"}, "attr": str(name)}} if name in _TIMES:
                return name
    return None


def _literals(asked: str, operands: Mapping[str, Any]) -> Iterator[int]:
    left_asked = _asked({"left": operands["left"], "right": {}}) is not None
    other = operands["right" if left_asked else "left"]
    for node in other.get("Set", (other,)):
        value = _instant(node) if asked == "now" else _number(node)
        if value is None:
            raise TimeFault(f"context.{asked} may only be compared with a literal, so that its next change is known")
        yield value


def _number(node: Any) -> int | None:
    """A number, or a sum or product of numbers such as `9 * 60 + 30`."""
    ((kind, operands),) = node.items()
    if kind == "Value":
        return operands if isinstance(operands, int) and not isinstance(operands, bool) else None
    if kind == "neg":
        return _combined("-", 0, _number(operands["arg"]))
    if kind in _ARITHMETIC:
        return _combined(kind, _number(operands["left"]), _number(operands["right"]))
    return None


def _combined(sign: str, left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else _ARITHMETIC[sign](left, right)


def _instant(node: Any) -> int | None:
    match node:
        case {"datetime": [{"Value": str(text)}]}:
            return _parsed(text)
    return None


def _parsed(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
