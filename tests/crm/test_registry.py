from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crm import local
from crm.registry import load


def test_ours_by_name() -> None:
    assert load("local") is local


def test_anybodys_by_dotted_path() -> None:
    assert load("crm.local") is local


@pytest.mark.parametrize(
    "type_", ["nosuch", "model", "registry", "", "Local", "../x", "no.such", "crm.nosuch", "json.decoder", "os.path"]
)
def test_what_is_no_crm_is_told(type_: str) -> None:
    with pytest.raises(ValueError, match=f"CRM type {type_!r}"):
        load(type_)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_crm_for_test").mkdir()
    (tmp_path / "acme_crm_for_test" / "__init__.py").write_text("")
    (tmp_path / "acme_crm_for_test" / "crm.py").write_text("import no_such_client\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="needs the package no_such_client"):
        load("acme_crm_for_test.crm")
    sys.modules.pop("acme_crm_for_test", None)
