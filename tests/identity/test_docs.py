"""What the pages say is what the policies do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from identity.access import AccessPolicy
from identity.disclosure import disclose
from identity.model import Attributes, Audience, Scene, Sensitivity
from tests.identity.rooms import ADMIN, CLASSES, MINUTE, NOW, OURS, REP, record
from tests.identity.test_defaults import SCENES, VIEW

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```cedar\n(.*?)```", PAGE, re.DOTALL)


def by_example(*ids: str) -> AccessPolicy:
    texts = {f"{id_}.cedar": text for text in EXAMPLES for id_ in ids if f'@id("{id_}")' in text}
    assert len(texts) == len(ids)
    return AccessPolicy.of({"all.cedar": '@id("all") permit (principal, action, resource);', **texts})


def sees(
    policy: AccessPolicy, who: Attributes, one: Sensitivity = "confidential", at: int = NOW, region: str = "sh"
) -> bool:
    return policy.permit(who, "view", one, "direct", owner=False, team="", region=region, at=at, zone="").allowed


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_loads(text: str) -> None:
    assert len(AccessPolicy.of({"example.cedar": text}).policies) == 1


def test_the_region_example() -> None:
    policy = by_example("confidential-stays-in-its-region")
    assert sees(policy, REP)
    assert not sees(policy, REP, region="bj")
    assert sees(policy, REP, "internal", region="bj")
    assert sees(policy, ADMIN, region="bj")


def test_the_office_hours_example() -> None:
    policy = by_example("facts-in-office-hours")  # NOW is Wednesday 11:06
    assert sees(policy, REP)
    assert not sees(policy, REP, at=NOW + 7 * 60 * MINUTE)
    assert sees(policy, REP, "public", at=NOW + 7 * 60 * MINUTE)
    assert not sees(policy, REP, at=NOW + 3 * 24 * 60 * MINUTE)


def test_the_auditors_example() -> None:
    (text,) = [text for text in EXAMPLES if "auditor" in text]
    policy = AccessPolicy.of({"example.cedar": text})
    auditor = Attributes(("auditor",), external=False, mapped=True)
    end = 1_806_508_800_000  # 2027-03-31T16:00:00Z

    def reads(at: int) -> bool:
        return policy.permit(
            auditor, "view", "restricted", "console", owner=False, team="", region="", at=at, zone=""
        ).allowed

    assert reads(end - 1)
    assert not reads(end)
    assert next(policy.boundaries(NOW, "")) == end


def test_the_marketing_example_is_the_policy_that_ships() -> None:
    (text,) = [text for text in EXAMPLES if "marketing" in text]
    assert (
        AccessPolicy.load(None).policies["marketing-documents-hold-nothing-confidential"].text.strip() == text.strip()
    )


ROWS = {
    "anybody unknown": 0,
    "colleague, not mapped": 2,
    "`employee`": 3,
    "`rep`": 5,
    "`rep` who owns the record": 6,
    "`manager`, `admin`": 8,
    "`rep` in `marketing` too": 10,
    "`auditor`": 11,
}


@pytest.mark.parametrize("title", ROWS)
def test_the_table_of_the_defaults_is_the_tested_one(title: str) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {title} |") and line.count("|") == 9]
    said = [cell.strip().replace(" ", "").replace("–", "") for cell in line.strip("|").split("|")][1:]
    assert said == list(VIEW[ROWS[title]][2:])
    assert len(said) == len(SCENES)


def test_the_owners_example() -> None:
    policy = by_example("only-owners-edit-what-is-confidential")

    def edits(owner: bool, one: Sensitivity) -> bool:
        return policy.permit(REP, "edit", one, "direct", owner=owner, team="", region="", at=NOW, zone="").allowed

    assert edits(True, "confidential") and not edits(False, "confidential") and edits(False, "internal")


MARKETING_ROWS = re.findall(
    r"^\| (`[^|]+`) \| `(document|approval|direct)` \| (\w+) \| (\w+) \| (\w+) \|", PAGE, re.MULTILINE
)


@pytest.mark.parametrize("row", MARKETING_ROWS, ids=str)
def test_the_marketing_table_is_what_is_decided(row: tuple[str, Scene, str, str, str]) -> None:
    (who, scene), said = row[:2], row[2:]
    roles = tuple(sorted(re.findall(r"`(\w+)`", who)))
    reader = Attributes(roles, external=False, mapped=True)
    shown = disclose(
        record(),
        Audience(scene, {reader: 1}),
        NOW,
        OURS,
        CLASSES,
        owners=frozenset(),
        zone="",
    )
    has = [name in (*shown.record.fields, *shown.record.related) for name in ("industry", "contact", "receivables")]
    assert has == [each == "yes" for each in said]


def test_the_marketing_table_has_every_case() -> None:
    assert len(MARKETING_ROWS) == 5
