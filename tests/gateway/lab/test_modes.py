"""Merge policies as they are configured: what may be written, and what is told of what may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import Misconfigured
from gateway.policies import policies

CONFIG = """
deployment = "acme"
master_key = "%s"
[fields.tags]
label = { en = "Tags" }
policy = "tags"
[fields.stage]
label = { en = "Stage" }
policy = "stage"
[policies.tags]
mode = "merge"
merge = "set_union"
propose_only = ["agent"]
[policies.stage]
mode = "merge"
merge = "monotone"
order = ["lead", "offer", "won"]
"""


def config(tmp_path: Path, text: str = CONFIG) -> Path:
    file = tmp_path / "floatcard.toml"
    (tmp_path / "key").write_text("00" * 32)
    file.write_text(text % f"file:{tmp_path}/key", encoding="utf-8")
    return file


def test_merges_are_configured(tmp_path: Path) -> None:
    made = policies(load(config(tmp_path)))
    tags, stage = made.of("account", "tags"), made.of("account", "stage")
    assert (tags.mode, tags.merge, tags.propose_only) == ("merge", "set_union", ("agent",))
    assert (stage.merge, stage.order) == ("monotone", ("lead", "offer", "won"))


@pytest.mark.parametrize(
    ("was", "is_", "key"),
    [
        ('merge = "set_union"\n', "", "policies.tags.merge"),
        ('mode = "merge"\nmerge = "set_union"', 'mode = "review"\nmerge = "set_union"', "policies.tags.merge"),
        ('order = ["lead", "offer", "won"]', "", "policies.stage.order"),
        ('merge = "set_union"', 'merge = "magic"', "policies.tags.merge"),
    ],
)
def test_what_cannot_work_is_named(tmp_path: Path, was: str, is_: str, key: str) -> None:
    assert was in CONFIG
    with pytest.raises(Misconfigured) as wrong:
        load(config(tmp_path, CONFIG.replace(was, is_)))
    assert [fault[1] for fault in wrong.value.faults] == [key]
