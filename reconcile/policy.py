"""Which merge policy rules a field, and the hash that names it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import cast

import phonenumbers

from reconcile.canonical import NORMALISER_VERSION, canonical
from reconcile.model import Json, MergePolicy


def policy_hash(policy: MergePolicy) -> str:
    """SHA-256 (hex) over every column of `policy` and the version of its normaliser."""
    columns = {column.name: getattr(policy, column.name) for column in fields(policy)}
    columns["normaliser_version"] = normaliser_version(policy.normaliser)
    return hashlib.sha256(canonical(cast("Json", columns))).hexdigest()


def normaliser_version(normaliser: str) -> str:
    """Phone numbers also depend on the numbering plans of the library's release."""
    if normaliser.partition(":")[0] == "phone":
        return f"{NORMALISER_VERSION} phonenumbers {phonenumbers.__version__}"
    return NORMALISER_VERSION


LIFE = "@record"
"""The pseudo-field that says whether a record lives: its edits are its CRM's own, and no policy is chosen for it."""
_LIFE = MergePolicy(mode="last_writer_wins", name="records")


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy in force. `fields` is keyed by field, or by `kind.field` for that kind of record alone."""

    default: MergePolicy = field(default_factory=MergePolicy)
    kinds: Mapping[str, MergePolicy] = field(default_factory=dict)
    fields: Mapping[str, MergePolicy] = field(default_factory=dict)
    named: Mapping[str, MergePolicy] = field(default_factory=dict)

    def of(self, kind: str, field: str) -> MergePolicy:
        if field.startswith(LIFE):
            return _LIFE
        for found in (self.fields.get(f"{kind}.{field}"), self.fields.get(field), self.kinds.get(kind)):
            if found is not None:
                return found
        return self.default
