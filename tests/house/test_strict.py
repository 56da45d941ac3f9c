"""The suite's own rules: where nothing may be skipped, a skip fails."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """
import pytest

@pytest.mark.data
def test_data():
    pytest.skip("no outside data")

def test_other():
    pytest.skip("no browser")
"""

pytest_plugins = ["pytester"]


def outcomes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, data: str) -> dict[str, int]:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("FLOATCARD_DATA", data)
    pytester.makeconftest((ROOT / "tests/conftest.py").read_text("utf-8"))
    pytester.makeini("[pytest]\nmarkers = data\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(SOURCE)
    return pytester.runpytest("-p", "no:cacheprovider").parseoutcomes()


@pytest.mark.parametrize(
    ("ci", "data", "expected"),
    [
        ("", "", {"skipped": 2}),
        ("true", "", {"skipped": 1, "failed": 1}),
        ("true", "/somewhere", {"failed": 2}),
    ],
)
def test_a_skip_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, data: str, expected: dict[str, int]
) -> None:
    assert outcomes(pytester, monkeypatch, ci, data) == expected
