"""Reading Cedar policies from files: statement by statement, so that a fault names its file and line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import cedarpy

from gateway.errors import Misconfigured
from identity.hours import TimeUse
from identity.policy_time import TimeFault, time_use

OURS: Final = Path(__file__).parent / "policies"
SCHEMA: Final = "schema.cedarschema"
LONGEST: Final = 20_000
WHOLE: Final = 400_000
MOST: Final = 250
DEEPEST: Final = 24
_NOTE: Final = 500
_STRING: Final = re.compile(r'"(?:\\.|[^"\\])*"?', re.DOTALL)
_NESTS: Final = re.compile(r"&&|\|\||[-+*!.(\[{<>=]|\b(?:if|has|like|in|is)\b")

Fault: TypeAlias = tuple[str, str, str]

_TOKEN: Final = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"?|;|\n|[^\s;"/]+|.', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Policy:
    """One statement. `id` is its `@id`, else `<file>:<line>`; `line` is where it begins, from 1.

    `note` is the comment that stands right above it: what it is for, in the words of whoever wrote it.
    """

    id: str
    file: str
    line: int
    text: str
    est: Mapping[str, Any] = field(repr=False)
    note: str = ""

    @property
    def effect(self) -> str:
        """`permit` or `forbid`."""
        return str(self.est.get("effect", ""))

    @property
    def where(self) -> str:
        return f"{self.id} (line {self.line})"


@dataclass(frozen=True, slots=True)
class Policies:
    """What was loaded, parsed once. `hash` names these policies under this schema."""

    policies: Mapping[str, Policy]
    handle: cedarpy.PolicySet
    schema: cedarpy.Schema
    use: TimeUse
    hash: str


def load(folder: Path | None) -> Policies:
    """Our policies, with a deployment's folder laid over them: a file of our name replaces ours, others are added.

    Raises `Misconfigured` with every fault found.
    """
    texts, faults = read(folder)
    return build(texts, faults)


def build(texts: Mapping[str, str], faults: Sequence[Fault] = ()) -> Policies:
    """Policies from texts by file name. Raises `Misconfigured` with every fault, those handed in included."""
    schema_text = schema_of_ours()
    schema = cedarpy.Schema.from_str(schema_text)
    found = list(faults)
    if sum(map(len, texts.values())) > WHOLE:
        raise Misconfigured([*found, ("policies", "", f"all of them together have at most {WHOLE} characters")])
    policies = _read_all(texts, schema, found)
    use = _time_use(policies.values(), found)
    if found:
        raise Misconfigured(found)
    return Policies(policies, _handle(policies), schema, use, _hash(schema_text, texts))


def schema_of_ours() -> str:
    return (OURS / SCHEMA).read_text(encoding="utf-8")


def read(folder: Path | None) -> tuple[dict[str, str], list[Fault]]:
    """The texts by file name, ours with the folder's laid over them, and what cannot be read of it."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(OURS.glob("*.cedar"))}
    if folder is None:
        return texts, []
    if not folder.is_dir():
        return texts, [(str(folder), "policies", "there is no such folder")]
    faults: list[Fault] = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".cedarschema":
            faults.append((str(path), path.name, "the schema is fixed: policies may be replaced and added, it may not"))
        elif path.suffix == ".cedar":
            try:
                texts[path.name] = path.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                faults.append((path.name, "file", f"cannot be read as UTF-8 text: {type(error).__name__}"))
    return texts, faults


def _read_all(texts: Mapping[str, str], schema: cedarpy.Schema, faults: list[Fault]) -> dict[str, Policy]:
    policies: dict[str, Policy] = {}
    for name in sorted(texts):
        lines = texts[name].split("\n")
        for line, statement in statements(texts[name]):
            policy = _read(name, line, statement, schema, faults)
            if policy is None:
                continue
            policy = replace(policy, note=_note(lines, line))
            if (twin := policies.get(policy.id)) is not None:
                faults.append((name, policy.where, f"the same @id is used in {twin.file}, line {twin.line}"))
            policies[policy.id] = policy
    return policies


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the line it begins on, from 1; what follows the last `;` counts as one unless empty."""
    line, start, parts = 1, 0, list[str]()
    for part in _TOKEN.findall(text):
        if not part.startswith("//"):
            if not start and not part.isspace():
                start = line
            if start:
                parts.append(part)
            if part == ";":
                yield start, "".join(parts)
                start, parts = 0, []
        line += part.count("\n")
    if start:
        yield start, "".join(parts)


def _read(file: str, line: int, text: str, schema: cedarpy.Schema, faults: list[Fault]) -> Policy | None:
    if (much := too_much(text)) is not None:
        faults.append((file, f"line {line}", much))
        return None
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
        cedarpy.PolicySet.from_json_str(json.dumps(parsed))
    except (ValueError, RecursionError) as error:
        faults.append((file, f"line {line}", f"not a Cedar policy: {error}"[:_NOTE]))
        return None
    if not (found := list(parsed["staticPolicies"].values())):
        faults.append((file, f"line {line}", "a template with slots is never linked here: write a policy"))
        return None
    est = found[0]
    policy = Policy(est.get("annotations", {}).get("id") or f"{file}:{line}", file, line, text, est)
    faults.extend((file, policy.where, _plain(error.error)) for error in cedarpy.validate_policies(text, schema).errors)
    return policy


def too_much(text: str) -> str | None:
    """Why a statement is not even parsed. Cedar's parser ends the whole process where it is nested deep enough."""
    plain = _STRING.sub('""', text)
    if len(text) > LONGEST:
        return f"a policy has at most {LONGEST} characters; split it"
    if len(_NESTS.findall(plain)) > MOST:
        return f"a policy has at most {MOST} operators and brackets; split it"
    if _depth(plain) > DEEPEST:
        return f"brackets are at most {DEEPEST} deep; split it"
    return None


def _depth(plain: str) -> int:
    depth = deepest = 0
    for sign in plain:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _note(lines: Sequence[str], line: int) -> str:
    """The comment lines right above `line` (from 1), as one."""
    above = line - 1
    while above and lines[above - 1].lstrip().startswith("//"):
        above -= 1
    return " ".join(one.strip().lstrip("/").strip() for one in lines[above : line - 1]).strip()[:_NOTE]


def _plain(reason: str) -> str:
    """Cedar numbers the policies it is given; ours are given one at a time, so its number says nothing."""
    return re.sub(r"for policy `policy0`[,:] ", "", reason)[:_NOTE]


def _time_use(policies: Iterable[Policy], faults: list[Fault]) -> TimeUse:
    uses: list[TimeUse] = []
    for policy in policies:
        try:
            uses.append(time_use(policy.est))
        except TimeFault as fault:
            faults.append((policy.file, policy.where, str(fault)))
    return TimeUse(
        tuple(sorted({minute for use in uses for minute in use.minutes})),
        any(use.weekdays for use in uses),
        tuple(sorted({instant for use in uses for instant in use.instants})),
    )


def _handle(policies: Mapping[str, Policy]) -> cedarpy.PolicySet:
    static = {policy.id: policy.est for policy in policies.values()}
    return cedarpy.PolicySet.from_json_str(json.dumps({"templates": {}, "staticPolicies": static, "templateLinks": []}))


def _hash(schema: str, texts: Mapping[str, str]) -> str:
    body = json.dumps([schema, sorted(texts.items())])
    return hashlib.sha256(body.encode()).hexdigest()[:32]
