"""The dashboard, the alarms and the runbook name what is there: every metric, every alarm's section."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import REGISTRY, exposition
from tests.docs.generated import DOCS, counted
from tests.docs.test_docs import _anchors

PAGES = DOCS / "operating"
DASHBOARD = PAGES / "grafana.json"
RULES = PAGES / "alerts.yaml"
RUNBOOK = PAGES / "runbook.md"
NAME = re.compile(r"\b(?:floatcard|process)_[a-z_]+")
OF_PROMETHEUS = {"up"}
ALARM = re.compile(
    r"      - alert: (?P<name>\w+)\n        expr: '(?P<expr>(?:[^'\n]|'')+)'\n        for: (?P<for>\d+[mhd])\n"
    r"        labels:\n          severity: (?P<severity>page|ticket)\n"
    r"        annotations:\n          summary: '(?P<summary>(?:[^'\n]|'')+)'\n          runbook: (?P<runbook>\S+)\n"
)


def exposed() -> dict[str, str]:
    """Every name a scrape may hold, with its family; a family that has counted nothing yet as well."""
    names: dict[str, str] = {}
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}
    families = [*text_string_to_metric_families(exposition().decode()), *REGISTRY.collect()]
    for family in families:
        for ending in endings.get(family.type, ("",)):
            names[family.name + ending] = family.name
    return names


def labels_of() -> dict[str, set[str]]:
    """By the name of the family: the labels a query may use."""
    found = {"instance", "job", "le"}
    return {name: {*re.findall(r"`(\w+)`", labels), *found} for name, _, labels, _ in counted()}


def panels() -> Iterator[dict[str, Any]]:
    yield from (each for each in json.loads(DASHBOARD.read_text("utf-8"))["panels"] if each["type"] != "row")


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def alarms() -> list[dict[str, str]]:
    return [found.groupdict() for found in ALARM.finditer(RULES.read_text("utf-8"))]


def unknown(query: str) -> list[str]:
    return sorted(set(NAME.findall(query)) - exposed().keys())


def balanced(query: str) -> bool:
    text = re.sub(r'"[^"]*"', '""', query)
    stack = []
    for each in text:
        if each in "([{":
            stack.append({"(": ")", "[": "]", "{": "}"}[each])
        elif each in ")]}" and (not stack or stack.pop() != each):
            return False
    return not stack


# -- the dashboard


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    assert len(queries()) > 40
    assert [(query, unknown(query)) for query in queries() if unknown(query) or not balanced(query)] == []


def test_every_metric_is_on_the_dashboard() -> None:
    names = exposed()
    asked = {names[name] for query in queries() for name in NAME.findall(query) if name in names}
    assert {name for name in names.values() if name.startswith("floatcard_")} - asked - documented() == set()
    assert {"floatcard_turn_seconds", "floatcard_outbox_rows", "floatcard_loop_lag_seconds"} <= asked


def documented() -> set[str]:
    """Those a page explains in its own words, outside of the table of all."""
    pages = [path.read_text("utf-8") for path in sorted(DOCS.rglob("*.md"))]
    text = "\n".join(
        re.sub(r"<!-- generated: metrics -->.*?<!-- end: metrics -->", "", page, flags=re.S) for page in pages
    )
    names = exposed()
    return {names[name] for name in NAME.findall(text) if name in names}


def test_queries_use_labels_that_there_are() -> None:
    names, labels = exposed(), labels_of()
    for query in [*queries(), *(each["expr"] for each in alarms())]:
        for name, inside in re.findall(r"\b(floatcard_[a-z_]+)\{([^}]*)\}", query):
            known = labels.get(name) or labels.get(names[name]) or labels[f"{names[name]}_total"]
            used = set(re.findall(r"(\w+)=~?\"", inside))
            assert used <= known, (query, used - known)


def test_the_dashboard_is_one() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    assert board["title"] and board["uid"] and board["schemaVersion"] >= 36 and isinstance(board["version"], int)
    ids = [each["id"] for each in board["panels"]]
    assert len(ids) == len(set(ids))
    variables = {each["name"] for each in board["templating"]["list"]}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        assert panel["title"] and (panel["type"] == "row" or panel["datasource"]["uid"] == "${source}")
    for query in queries():
        assert set(re.findall(r"\$(\w+)", query)) <= variables | {"__rate_interval"}, query
    refs = [[target["refId"] for target in panel["targets"]] for panel in panels()]
    assert all(len(each) == len(set(each)) for each in refs)


# -- the alarms


def test_the_file_of_alarms_holds_nothing_but_alarms() -> None:
    """It is read by a pattern: what the pattern does not take is a fault of the file."""
    text = RULES.read_text("utf-8")
    rest = ALARM.sub("", "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n")
    assert rest == "groups:\n  - name: floatcard\n    rules:\n"
    names = [each["name"] for each in alarms()]
    assert len(names) == len(set(names)) == text.count("- alert:") >= 20


def test_alarms_ask_for_metrics_that_there_are() -> None:
    for each in alarms():
        assert unknown(each["expr"]) == [] and balanced(each["expr"]), each["name"]
        bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\([\w, ]*\)', "", each["expr"])
        assert NAME.search(each["expr"]) or set(re.findall(r"\b[a-z]+\b", bare)) & OF_PROMETHEUS, each["name"]


def test_a_summary_names_labels_that_its_expression_keeps() -> None:
    for each in alarms():
        told = set(re.findall(r"\$labels\.(\w+)", each["summary"]))
        kept = {word for by in re.findall(r"by \(([\w, ]+)\)", each["expr"]) for word in by.split(", ")}
        assert told <= (kept or {"instance", "job"}), each["name"]


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    page = RUNBOOK.read_text("utf-8")
    named = {each["runbook"].partition("#")[2] for each in alarms()}
    assert all(each["runbook"].startswith("docs/operating/runbook.md#") for each in alarms())
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    assert named <= _anchors(RUNBOOK) and len(named) == len(sections)
    for section in sections:
        parts = re.findall(r"^- \*\*(\w+)\*\*: \S", section, re.MULTILINE)
        assert parts == ["Means", "See", "Do", "Over"], section.splitlines()[0]


@pytest.mark.parametrize("query", ["floatcard_nothing > 0", "rate(floatcard_waiting_total[5m])"])
def test_a_metric_that_is_not_there_is_found(query: str) -> None:
    assert unknown(query)


def test_brackets_that_do_not_close_are_found() -> None:
    assert not balanced("sum(rate(x[5m])") and not balanced("a)") and balanced('max(x{a=")"})')


# -- the metrics themselves


def test_labels_are_names_of_ours_and_of_the_configuration() -> None:
    """Each label's values come from the program or the configuration, so that their number is bounded."""
    bounded = {
        *(
            "bus",
            "channel",
            "crm",
            "did",
            "how",
            "kind",
            "lane",
            "lease",
            "level",
            "method",
            "outcome",
            "purpose",
            "rank",
        ),
        *("reason", "rule", "side", "source", "state", "status", "store", "target", "topic"),
        *("version", "what", "why"),
    }
    for name, _, labels, _ in counted():
        assert set(re.findall(r"`(\w+)`", labels)) <= bounded, name
