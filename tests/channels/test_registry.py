"""Loading a channel by its configured type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from channels import registry


def test_ours_are_loaded_by_their_short_name() -> None:
    assert registry.load("web").__name__ == "channels.web"
    assert registry.load("slack").__name__ == "channels.slack"


@pytest.mark.parametrize(
    "type_", ["", "model", "wire", "registry", "Web", "../web", "web.", ".web", "a b", "channels/web"]
)
def test_what_is_no_channel_is_refused(type_: str) -> None:
    with pytest.raises(ValueError, match="not a channel"):
        registry.load(type_)


@pytest.mark.parametrize("type_", ["carrier_pigeon", "nobody_has.this_module", "channels.web.nothing"])
def test_a_module_that_is_not_there_is_named(type_: str) -> None:
    with pytest.raises(ValueError, match="there is no module"):
        registry.load(type_)


def test_anybodys_own_package_is_loaded_and_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_house").mkdir()
    (tmp_path / "acme_house" / "__init__.py").write_text("")
    (tmp_path / "acme_house" / "half.py").write_text("class Config: ...\ndef draw(card): ...\n")
    (tmp_path / "acme_house" / "plain.py").write_text("class Config: ...\nparse = draw = Channel = print\n")
    (tmp_path / "acme_house" / "needy.py").write_text("import a_package_nobody_has\n")
    (tmp_path / "acme_house" / "whole.py").write_text("from channels.web import Channel, Config, draw, parse\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="has no parse and no Channel"):
        registry.load("acme_house.half")
    with pytest.raises(ValueError, match="not a pydantic model"):
        registry.load("acme_house.plain")
    with pytest.raises(ValueError, match="needs the package a_package_nobody_has"):
        registry.load("acme_house.needy")
    assert registry.load("acme_house.whole").__name__ == "acme_house.whole"


def test_a_vendors_library_is_loaded_only_with_its_channel() -> None:
    check = "import sys; from channels import registry; registry.load('web'); sys.exit('slack_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False, cwd=Path(__file__).parents[2]).returncode == 0
