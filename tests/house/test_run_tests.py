"""A second try is of everything that failed, and of the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

CASE = '<testcase classname="tests.a" name="{name}">{outcome}</testcase>'
BROKEN = '<failure message="x"/>'


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.delenv("FLOATCARD_SOAK", raising=False)
    path = Path(__file__).parents[2] / "scripts/run_tests.py"
    spec = importlib.util.spec_from_file_location("run_tests", path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def report(path: Path, **outcomes: str) -> Path:
    cases = "".join(CASE.format(name=name, outcome=outcome) for name, outcome in outcomes.items())
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", "utf-8")
    return path


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"one": "", "two": ""}, 0),
        ({"one": ""}, 1),
        ({"one": "", "two": BROKEN}, 1),
        ({"one": "", "two": "<skipped/>"}, 1),
    ],
    ids=["both pass", "one is not found again", "one fails again", "one is skipped"],
)
def test_what_failed_has_to_run_again_and_pass(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: dict[str, str], code: int
) -> None:
    first = report(tmp_path / "together.xml", one=BROKEN, two=BROKEN, three="")

    def pytest_(*words: str) -> int:
        (told,) = [word.partition("=")[2] for word in words if word.startswith("--junitxml=")]
        report(Path(told), **second)
        return int(any("failure" in each for each in second.values()))

    monkeypatch.setattr(runner, "pytest", pytest_)
    assert runner.again([1, 0], [first]) == [code, 0]
