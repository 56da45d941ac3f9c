"""Merge policies out of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.config import Config
from gateway.config.model import FieldSpec, PolicySpec
from gateway.mapped import masters, proposers
from reconcile.model import MergePolicy
from reconcile.policy import Policies


def policies(config: Config) -> Policies:
    """Every field's policy with its own normaliser. The master of a field is, unless named, the record's own CRM."""
    named = {name: policy_of_spec(name, spec) for name, spec in config.policies.items()}
    named.setdefault("default", MergePolicy())
    default = _mastered(named["default"], config)
    kinds = {kind: _mastered(named[name], config) for kind, name in config.kinds.items()}
    said = masters(config), proposers(config)
    # A field without a policy of its own still has a normaliser of its own.
    fields = {
        name: replace(_mastered(_mapped(name, _chosen(spec, named, config), said), config), normaliser=spec.normaliser)
        for name, spec in config.fields.items()
    }
    return Policies(default, kinds, fields, named)


def _chosen(spec: FieldSpec, named: dict[str, MergePolicy], config: Config) -> MergePolicy:
    return named[spec.policy or config.kinds.get("account", "default")]


def _mapped(
    field: str, policy: MergePolicy, said: tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]]
) -> MergePolicy:
    """What the field mappings say of who may decide it; a policy that names a master itself stands."""
    masters_, proposers_ = said
    proposing = dict.fromkeys((*policy.propose_only, *proposers_.get(field, ())))
    return replace(policy, master=policy.master or masters_.get(field), propose_only=tuple(proposing))


def _mastered(policy: MergePolicy, config: Config) -> MergePolicy:
    only = next(iter(config.crms)) if len(config.crms) == 1 else None
    return replace(policy, master=policy.master or only)


def policy_of_spec(name: str, spec: PolicySpec) -> MergePolicy:
    return MergePolicy(
        mode=spec.mode,
        fallback=spec.fallback,
        authority=spec.authority,
        master=spec.master,
        rank=spec.rank,
        propose_only=spec.propose_only,
        min_role=spec.min_role,
        merge=spec.merge,
        order=spec.order,
        name=name,
    )
