"""Policies are refused at load with file, line and reason, every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from identity.access import AccessPolicy
from identity.policy_files import OURS, statements
from tests.identity.rooms import NOW, REP

GOOD = '@id("good") permit (principal, action, resource);\n'


def faults(texts: dict[str, str]) -> list[tuple[str, str, str]]:
    with pytest.raises(Misconfigured) as caught:
        AccessPolicy.of(texts)
    return caught.value.faults


def test_every_fault_is_found_at_once_with_its_file_and_line() -> None:
    found = faults(
        {
            "one.cedar": GOOD
            + "\n// a comment; with a semicolon\n"
            + "permit (principal, action, resource) when { ; };",
            "two.cedar": '\n\n@id("typo")\npermit (principal, action, resource)\n'
            'when { resource.sensitivity == Sensitivity::"pubic" };',
            "three.cedar": '@id("attr") permit (principal, action, resource) when { context.scen == Scene::"group" };',
        }
    )
    places = [(file, key) for file, key, _ in found]
    assert ("one.cedar", "line 4") in places
    assert ("two.cedar", "typo (line 3)") in places
    assert ("three.cedar", "attr (line 1)") in places
    assert all("policy0" not in reason and reason for _, _, reason in found)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("permit (principal, action, resource)", "line 1", "unexpected end"),
        ("allow everybody;", "line 1", "not a Cedar policy"),
        (GOOD + GOOD, "good (line 2)", "same @id"),
        ("permit (principal == ?principal, action, resource);", "line 1", "template"),
        ('permit (principal in Role::"rep", action, resource);', "x.cedar:1 (line 1)", "Role"),
        ('permit (principal, action == Action::"delete", resource);', "x.cedar:1 (line 1)", "delete"),
        ("permit (principal, action, resource) when { principal.role };", "x.cedar:1 (line 1)", "role"),
    ],
)
def test_a_fault_says_what_is_wrong(text: str, key: str, reason: str) -> None:
    found = faults({"x.cedar": text})
    assert any(file == "x.cedar" and where == key and reason in why for file, where, why in found), found


DEEP = {
    "brackets": "(" * 20_000 + "true" + ")" * 20_000,
    "and": " && ".join(["true"] * 20_000),
    "sets": "[" * 5_000 + "1" + "]" * 5_000 + " == 1",
    "records": "{a:" * 5_000 + "1" + "}" * 5_000 + " == 1",
    "sum": " + ".join(["1"] * 3_000) + " == 1",
    "a chain within bounds": " && ".join(["true"] * 200),
    "if": "if true then true else " * 200 + "true",
    "path": "context" + ".a" * 200,
    "not": "!" * 200 + "true",
    "long": 'principal.team == "' + "x" * 30_000 + '"',
    "surrogate": 'principal.team == "\ud800"',
}


@pytest.mark.parametrize("what", DEEP)
def test_a_policy_nested_without_end_is_a_fault_and_never_the_end_of_the_process(what: str) -> None:
    (fault,) = faults({"x.cedar": f"permit (principal, action, resource) when {{ {DEEP[what]} }};"})
    assert fault[:2] == ("x.cedar", "line 1") and len(fault[2]) <= 500


def test_very_many_policies_are_refused_as_a_whole() -> None:
    (fault,) = faults({"x.cedar": "// much\n" * 60_000})
    assert "at most" in fault[2]


@pytest.mark.parametrize(
    "condition",
    [
        "context.minute + 1 < 10",
        "context.minute < context.weekday",
        "[context.minute].contains(3)",
        'context.now.toDate() < datetime("2027-01-01")',
        'context.now < datetime("2027-01-01").offset(duration("1h"))',
        "{a: context.minute}.a < 5",
        "(if context.mapped then context.minute else 3) < 4",
        "context == context",
        "[context].contains(context)",
    ],
)
def test_time_may_only_be_compared_with_a_literal(condition: str) -> None:
    condition = condition.replace("context.mapped", "principal.mapped")
    found = faults({"x.cedar": f'@id("t") permit (principal, action, resource) when {{ {condition} }};'})
    assert [(file, key) for file, key, _ in found] == [("x.cedar", "t (line 1)")]
    assert "literal" in found[0][2] or "one attribute" in found[0][2]


def test_statements_know_comments_strings_and_lines() -> None:
    text = '// ; "\n@id("a;b // c\\"")\npermit (x);\n\n  forbid\n(y) ; // end;\n// nothing more'
    assert [(line, part.split("(")[0].strip()) for line, part in statements(text)] == [(2, "@id"), (5, "forbid")]
    assert list(statements("")) == list(statements("// only a comment")) == []
    assert [line for line, _ in statements('a; "never closed ;\n')] == [1, 1]


def test_a_folder_replaces_by_file_name_and_adds(tmp_path: Path) -> None:
    (tmp_path / "sales.cedar").write_text("// nobody in sales sees more than a colleague\n")
    (tmp_path / "extra.cedar").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not a policy")
    policy = AccessPolicy.load(tmp_path)
    assert "sales-reads-confidential" not in policy.policies
    assert "colleagues-read-internal" in policy.policies
    assert (policy.policies["good"].file, policy.policies["good"].line) == ("extra.cedar", 1)


def test_the_hash_names_the_policies(tmp_path: Path) -> None:
    ours = AccessPolicy.load(None).hash
    assert AccessPolicy.load(tmp_path).hash == ours
    (tmp_path / "extra.cedar").write_text(GOOD)
    changed = AccessPolicy.load(tmp_path).hash
    assert changed != ours
    (tmp_path / "extra.cedar").write_text(GOOD.replace("permit", "forbid"))
    assert AccessPolicy.load(tmp_path).hash not in (ours, changed)


def test_a_deployment_cannot_bring_its_own_schema_or_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "schema.cedarschema").write_text("entity Member;")
    (tmp_path / "latin.cedar").write_bytes(b"// caf\xe9")
    with pytest.raises(Misconfigured) as caught:
        AccessPolicy.load(tmp_path)
    assert {Path(file).name for file, _, _ in caught.value.faults} == {"schema.cedarschema", "latin.cedar"}


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no such folder"):
        AccessPolicy.load(tmp_path / "nowhere")


def test_our_policies_are_named_and_documented_in_their_files() -> None:
    policy = AccessPolicy.load(None)
    assert len(policy.policies) >= 8
    for one in policy.policies.values():
        assert one.text.startswith(f'@id("{one.id}")')
        assert (OURS / one.file).read_text().splitlines()[one.line - 1] == one.text.splitlines()[0]


def test_a_policy_without_an_id_is_named_by_its_place() -> None:
    policy = AccessPolicy.of({"x.cedar": "\npermit (principal, action, resource);"})
    verdict = policy.permit(REP, "view", "public", "group", owner=False, team="", region="", at=NOW, zone="")
    assert verdict.policies == ("x.cedar:2",)
