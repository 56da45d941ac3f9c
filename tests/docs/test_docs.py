"""The pages say what is so: a missing setting, command, endpoint or metric fails, and so does a broken link."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gateway.config import check
from gateway.http.api_table import ENDPOINTS
from tests.docs.generated import DOCS, PARTS, ROOT, commands, counted, settings, written

PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PARTS)
def test_what_the_code_dictates_is_as_the_code_has_it(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert text == written(page, text), f"docs/{page} is out of date: python -m tests.docs.generated writes it"


def test_every_setting_has_a_heading_of_its_own() -> None:
    keys = re.findall(r"^### (.+)$", settings(), re.MULTILINE)
    some = ("deployment", "fields.<name>.label", "server.port", "channels.<name>.secret", "crms.<name>.link")
    assert {f"`{key}`" for key in some} <= set(keys)
    headings = HEADING.findall((DOCS / "configuration.md").read_text("utf-8"))
    assert set(keys) <= set(headings)


def test_every_command_has_its_true_signature() -> None:
    text = (DOCS / "commands.md").read_text("utf-8")
    for name in ("demo", "run", "check", "import", "mentions", "resolve", "audit verify", "audit publish", "token"):
        assert f"## floatcard {name}\n" in text
    assert commands().count("## floatcard ") == len(re.findall(r"^## floatcard ", text, re.MULTILINE))


def test_every_endpoint_and_every_metric_is_told() -> None:
    api, operating = (DOCS / "api.md").read_text("utf-8"), (DOCS / "operating.md").read_text("utf-8")
    assert all(f"### {each.method} {each.full_path}\n" in api for each in ENDPOINTS)
    assert len(counted()) > 10 and all(f"`{name}`" in operating for name, *_ in counted())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    broken = [link for link in LINK.findall(text) if not _leads(page, link)]
    assert not broken


def _leads(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return link.startswith(("https://", "mailto:"))
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them."""
    text = FENCE.sub("", page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_toml_in_the_pages_is_toml(page: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        tomllib.loads(block)


def test_the_configuration_to_start_from_has_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```", (DOCS / "start.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    whole = tmp_path / "floatcard.toml"
    whole.write_text("\n".join(blocks), "utf-8")
    (tmp_path / "master.key").write_text("0" * 64, "ascii")
    for name in ("SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"):
        monkeypatch.setenv(name, "not-a-real-secret")
    assert check(whole) == []
