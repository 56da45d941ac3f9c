"""Every log call and every span of ours, read in the program: plain sentences, and arguments that were looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.logs import HASHED, PLAIN
from gateway.telemetry import ATTRIBUTES

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("reconcile", "crm", "mentions", "cards", "channels", "identity", "gateway")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

# What may be put into a sentence: names of the configuration, codes, turns, counts, and our own errors, whose texts
# are sentences of the program. (`item.room` is the demo's chat, whose logger is not one of ours: it is not shown.)
LOOKED_AT = {
    "item.kind",
    "item.room",
    "name",
    "refused.say",
    "_route(request)",  # as it is registered
    "self._channel",
    "self._crm.name",
    "status",
    "took",  # seconds
    "version.n",  # the number of a version of the access policies
    "trail.turn",
    "type(failed).__name__",
    "type(fault).__name__",
    "fault.seq",  # of a decision: where the chain is broken, and nothing of what it says
    "fault.shard",
    "altered",  # the number of a row
    "crm.name",
    "channel.name",
    "self._done",
    "self._odd",
    *("source", "how"),  # a name of the configuration; `read` or `lost`
    "self._total",
    "self._percent()",
    "full.strerror",
    "full.strerror or type(full).__name__",
    "', '.join((f'{count} of {what}' for what, count in told.items()))",
    "broke if isinstance(broke, Retry) else away(broke)",
    *("broken", "failed", "tired", "why"),  # exceptions
}


def calls(source: str, path: str) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield f"{path}:{node.lineno}", node


def everywhere() -> Iterator[tuple[str, ast.Call]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from calls(path.read_text("utf-8"), str(path.relative_to(ROOT)))


def wrong_log(call: ast.Call) -> list[str]:
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr not in LEVELS or ast.unparse(func.value) != "log":
        return []
    first, *more = call.args
    constant = isinstance(first, ast.Constant) or (isinstance(first, ast.Name) and first.id.isupper())
    found = [] if constant else ["a sentence that is put together: write it out, with %s"]
    found += [f"{each}: look at what it may hold" for each in map(ast.unparse, more) if each not in LOOKED_AT]
    for keyword in call.keywords:
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
            keys = {str(each.value) for each in keyword.value.keys if isinstance(each, ast.Constant)}
            found += [f"{key}: no key of gateway/logs.py" for key in sorted(keys - PLAIN - HASHED)]
    return found


def wrong_span(call: ast.Call) -> list[str]:
    if ast.unparse(call.func) not in ("span", "telemetry.span"):
        return []
    found = [] if isinstance(call.args[0], ast.Constant) else ["a name that is put together"]
    return found + [
        f"{each.arg}: no attribute of gateway/telemetry.py" for each in call.keywords if each.arg not in ATTRIBUTES
    ]


def test_every_log_call_was_looked_at() -> None:
    wrong = [f"{where}: {each}" for where, call in everywhere() for each in wrong_log(call)]
    assert not wrong, "\n".join(wrong)


def test_every_span_has_a_name_and_attributes_of_the_list() -> None:
    ours = ((where, call) for where, call in everywhere() if not where.startswith("gateway/telemetry.py"))
    wrong = [f"{where}: {each}" for where, call in ours for each in wrong_span(call)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("log.warning(f'{x} broke')", "put together"),
        ("log.warning('%s broke', record.title)", "look at"),
        ("log.info('well', extra={'text': 1})", "no key"),
        ("span('x', room=1)", "no attribute"),
        ("telemetry.span(name)", "put together"),
    ],
)
def test_these_can_fail(source: str, says: str) -> None:
    (call,) = [call for _, call in calls(source, "x.py") if wrong_log(call) or wrong_span(call)]
    assert says in " ".join(wrong_log(call) + wrong_span(call))
