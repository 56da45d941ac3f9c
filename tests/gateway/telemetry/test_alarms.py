"""Each alarm over samples: it rings where it must, and is still where it may not ring."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.model import seconds
from tests.gateway.telemetry.alarming import CASES, Case
from tests.gateway.telemetry.promql import GONE, Labels, Told, Unknown, named
from tests.gateway.telemetry.test_operating import RULES, alarms

RULE = {each["name"]: each for each in alarms()}
PROMTOOL = shutil.which("promtool")


def by_hand(case: Case, folder: Path) -> None:
    """Every step the rule is evaluated, and rings for whom it has been true for as long as it says."""
    told, rule, since = Told(case.series, case.step), RULE[case.alarm], dict[Labels, int]()
    for now in range(0, case.ends + 1, case.step):
        true = told.at(rule["expr"], now)
        since = {each: since.get(each, now) for each in true}
    patience = seconds(rule["for"]) if rule["for"] != "0m" else 0
    assert {each for each, at in since.items() if case.ends - at >= patience} == {
        named(f"any{{{each}}}")[1] for each in case.rings
    }


def by_prometheus(case: Case, folder: Path) -> None:
    """The same by its own `promtool`."""
    ringing = f'ALERTS{{alertname="{case.alarm}",alertstate="firing"}}'
    severity = RULE[case.alarm]["severity"]
    kept = [ringing[:-1] + f',severity="{severity}"{"," if each else ""}{each}}}' for each in case.rings]
    test = {
        "interval": f"{case.step}s",
        "input_series": [{"series": name, "values": written(told)} for name, told in case.series.items()],
        "promql_expr_test": [
            {
                "expr": ringing,
                "eval_time": f"{case.ends}s",
                "exp_samples": [{"labels": each, "value": 1} for each in kept],
            }
        ],
    }
    whole = {"rule_files": [str(RULES)], "evaluation_interval": f"{case.step}s", "tests": [test]}
    (folder / "test.json").write_text(json.dumps(whole))
    assert PROMTOOL is not None
    found = subprocess.run([PROMTOOL, "test", "rules", str(folder / "test.json")], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def written(told: list[float | None]) -> str:
    return " ".join("_" if each is None else "stale" if each == GONE else f"{each:f}" for each in told)


JUDGES: list[Callable[[Case, Path], None]] = [by_hand, *([by_prometheus] if PROMTOOL else [])]


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alarm}: {case.tale}")
def test_an_alarm_rings_when_it_must_and_only_then(
    case: Case, judge: Callable[[Case, Path], None], tmp_path: Path
) -> None:
    judge(case, tmp_path)


def test_every_alarm_is_heard_and_kept_still() -> None:
    told: dict[str, set[bool]] = defaultdict(set)
    for case in CASES:
        told[case.alarm].add(bool(case.rings))
    assert told == {name: {True, False} for name in RULE}


@pytest.mark.parametrize(
    "query",
    [
        "floatcard_waiting offset 5m",
        "rate(floatcard_waiting[5m:1m])",
        "count(floatcard_waiting)",
        "sum without (a) (floatcard_waiting)",
        "floatcard_waiting >= 1",
        "floatcard_waiting > bool 1",
        "floatcard_waiting / on (a) floatcard_waiting",
        "floatcard_waiting unless floatcard_waiting",
        "irate(floatcard_waiting[5m])",
        "-floatcard_waiting",
        "1 > bool 2",
        "1",
    ],
)
def test_a_form_that_is_not_known_is_refused(query: str) -> None:
    told = Told({'floatcard_waiting{a="b"}': [1.0, 1.0]}, 15)
    with pytest.raises(Unknown):
        told.at(query, 15)
