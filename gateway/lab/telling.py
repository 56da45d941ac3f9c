"""A change of policy in English, for the terminal: counts, trace codes and ids, never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.lab.study import KINDS
from gateway.store.policy_changes import PolicyChange

SAYS: Mapping[str, str] = {
    "differ": "values would be others",
    "opens": "conflicts would open",
    "closes": "open conflicts would be decided",
    "not_asked": "conflicts would not have been asked",
    "asked_more": "conflicts would have been asked besides",
    "lost": "edits that took effect would have lost",
    "won": "edits that lost would have taken effect",
}


def told_change(change: PolicyChange) -> str:
    """One line."""
    said = [change.id, change.state, ", ".join(change.fields), modes(change), f"proposed by {change.proposed_by}"]
    if change.approved_by:
        said.append(f"approved by {change.approved_by}: {_plain(change.reason)}")
    if change.ended_by:
        said.append(f"ended by {change.ended_by}: {_plain(change.ended_why)}")
    if change.state in ("applying", "applied", "undoing", "undone", "cancelled") and change.total:
        said.append(f"{change.done} of {change.total} fields")
    return "  ".join(said)


def modes(change: PolicyChange) -> str:
    return ", ".join(sorted({policy.mode for policy in change.policies.values()}))


def told_plan(change: PolicyChange) -> str:
    return "\n".join([told_change(change), *(_lines(change.report) if change.report is not None else ())])


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"  looked at {report['edits']} edits of {report['fields']} fields of {report['customers']} customers; "
        f"{report['judged']} edits held against the past"
    )
    for kind in KINDS:
        counts = report["counts"][kind]
        if not counts:
            continue
        named = ", ".join(f"{name} {n}" for name, n in counts.items())
        yield f"  {sum(counts.values())} {SAYS[kind]}: {named}"
        for each in report["examples"][kind][:3]:
            at = datetime.fromtimestamp(each["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
            yield f"    {each['decision']}  {_plain(each['record'])}  {each['field']}  {at}"
    if not any(report["counts"][kind] for kind in KINDS):
        yield "  nothing would have been different"


def _plain(text: str) -> str:
    """Nothing in it steers the terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
