"""From what somebody proposes to a change of policy that can be planned. Raises `Refused` for what cannot work."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace

from gateway.config.model import PolicySpec
from gateway.errors import Refused
from gateway.policies import policy_of_spec
from gateway.store.policy_changes import PolicyChange
from reconcile.policy import Policies

DAY_MS = 86_400_000
MOST_DAYS = 3_650
MOST_RECORDS = 1_000


def proposed(
    known: Collection[str],
    ruling: Policies,
    names: Sequence[str],
    spec: PolicySpec,
    *,
    by: str,
    now: int,
    days: int | None = None,
    records: Sequence[str] = (),
) -> PolicyChange:
    """`known`: the configured fields. `days`: only fields decided within so many, and edits of that time."""
    if not names:
        raise Refused("Name at least one field.")
    for name in names:
        if name not in known:
            raise Refused("There is no field {field} in the configuration.", field=name[:64])
    _sound(spec)
    if days is not None and not 0 < days <= MOST_DAYS:
        raise Refused("Choose from 1 to {most} days.", most=MOST_DAYS)
    if len(records) > MOST_RECORDS:
        raise Refused("Choose at most {most} customers; without any it is all of them.", most=MOST_RECORDS)
    id_ = f"pc-{secrets.token_hex(6)}"
    made = policy_of_spec(id_, spec)
    policies = {}
    for name in dict.fromkeys(names):
        rules = ruling.of("account", name)
        # how a field is compared is the field's own, whatever policy rules it
        policies[name] = replace(made, normaliser=rules.normaliser, master=spec.master or rules.master)
    since = 0 if days is None else now - days * DAY_MS
    chosen = tuple(dict.fromkeys(records))
    return PolicyChange(id_, policies, "planning", since, chosen, proposed_by=by, proposed_at=now)


def _sound(spec: PolicySpec) -> None:
    if spec.mode == "authoritative" and not spec.authority:
        raise Refused("With authority, name the systems that may set it, strongest first.")
    if (spec.mode == "merge") != (spec.merge is not None):
        raise Refused("A merge needs to know what is merged: a set, a counter or stages.")
    if spec.merge == "monotone" and len(spec.order) < 2:
        raise Refused("Name the stages in order, from the first to the last.")
