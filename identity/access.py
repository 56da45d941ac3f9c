"""Who may do what with which class of field, in which scene, when. Any doubt is a deny."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

import cedarpy

from identity import hours, policy_files
from identity.hours import Bucket
from identity.model import Action, Attributes, Scene, Sensitivity
from identity.narrow import Asked, Narrow, narrow
from identity.policy_files import Policies, Policy

NEVER_IN_A_GROUP: Final = "restricted-is-never-shown-in-a-group"
"""Not a policy but a promise: no policy can permit it."""

GROUPS: Final[tuple[Scene, ...]] = ("group", "external_group")
_TIMELESS: Final[Bucket] = (0, 0, 0)
_KEPT: Final = 65_536
_Key: TypeAlias = tuple[Asked, Action, Sensitivity, Scene, Bucket]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`policies` names those that decided: the permits when allowed, the forbids when not; none = nothing permits."""

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class AccessPolicy:
    """Parsed policies with their verdicts, each judged once per time bucket.

    Everybody holds the same one: `use` puts other policies in force for all of them at once, and forgets the verdicts.
    What is judged without awaiting in between is judged by one and the same set.
    """

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._narrow = _narrowed(policies)
        self._kept: dict[_Key, Verdict] = {}

    @classmethod
    def load(cls, folder: Path | None) -> AccessPolicy:
        """Ours, with a deployment's folder laid over them. Raises `Misconfigured` with every fault."""
        return cls(policy_files.load(folder))

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> AccessPolicy:
        """Exactly these policies, by file name, without ours. Raises `Misconfigured`."""
        return cls(policy_files.build(texts))

    def use(self, policies: Policies) -> None:
        """From now on these are in force."""
        self._policies = policies
        self._narrow = _narrowed(policies)
        self._kept = {}

    @property
    def hash(self) -> str:
        return self._policies.hash

    @property
    def ruling(self) -> Policies:
        """What is in force now."""
        return self._policies

    @property
    def policies(self) -> Mapping[str, Policy]:
        """By id, with file, line and text: what explains a verdict."""
        return self._policies.policies

    def permit(
        self,
        who: Attributes,
        action: Action,
        sensitivity: Sensitivity,
        scene: Scene,
        *,
        owner: bool,
        team: str,
        region: str,
        at: int,
        zone: str,
    ) -> Verdict:
        """`team` and `region` are the record's; `at` in milliseconds; `zone` an IANA name, "" = UTC.

        A zone nobody knows denies, when any policy asks for the time.
        """
        if action == "view" and sensitivity == "restricted" and scene in GROUPS:
            return Verdict(False, (NEVER_IN_A_GROUP,))
        use = self._policies.use
        place = hours.zone_of(zone) if use else UTC
        if place is None:
            return Verdict(False, (), ("the time zone is unknown",))
        now = hours.bucket(hours.clock(at, place), use) if use else _TIMELESS
        key = (self._narrow.asked(who, owner, team, region), action, sensitivity, scene, now)
        if (kept := self._kept.get(key)) is None:
            kept = self._keep(key, self._judge(key, hours.clock(at, place)))
        return kept

    def asked(self, who: Attributes, *, owner: bool, team: str, region: str) -> Asked:
        """Of two readers for whom this is equal every verdict is the same, under the policies in force."""
        return self._narrow.asked(who, owner, team, region)

    def boundaries(self, at: int, zone: str) -> Iterator[int]:
        """When a verdict may become another by itself: see `hours.boundaries`. Nothing when no policy asks for time."""
        place = hours.zone_of(zone)
        return hours.boundaries(at, place, self._policies.use) if place and self._policies.use else iter(())

    def _keep(self, key: _Key, verdict: Verdict) -> Verdict:
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[key] = verdict
        return verdict

    def _judge(self, key: _Key, seen: hours.Clock) -> Verdict:
        of, action, sensitivity, scene, _ = key
        asked = {
            "principal": _uid("Member", "member"),
            "action": _uid("Action", action),
            "resource": _uid("Field", "field"),
            "context": {
                "scene": _entity("Scene", scene),
                "owner": of.owner,
                "same_team": of.same_team,
                "same_region": of.same_region,
                "minute": seen.minute,
                "weekday": seen.weekday,
                "now": {"__extn": {"fn": "datetime", "arg": seen.now}},
            },
        }
        return ask(self._policies, asked, [_member(of.who), _field(sensitivity, of.team, of.region)])


def _narrowed(policies: Policies) -> Narrow:
    return narrow(policy.est for policy in policies.policies.values())


def shut_out(policies: Policies, admins: Sequence[Attributes], at: int, zone: str) -> bool:
    """Whether no admin may see anything at all in the console, at any moment of the coming week."""
    access = AccessPolicy(policies)
    moments = [at, *access.boundaries(at, zone)]

    def sees(who: Attributes, one: Sensitivity, now: int) -> bool:
        return access.permit(
            who, "view", one, "console", owner=False, team=who.team, region=who.region, at=now, zone=zone
        ).allowed

    return not any(sees(who, one, now) for now in moments for who in admins for one in get_args(Sensitivity))


def ask(policies: Policies, asked: dict[str, Any], entities: Sequence[dict[str, Any]]) -> Verdict:
    """One question to Cedar, under the schema. Only an Allow without a single diagnostic is an allow."""
    try:
        answer = cedarpy.is_authorized(asked, policies.handle, json.dumps(entities), schema=policies.schema)
        errors = tuple(_brief(error) for error in answer.diagnostics.errors)
        allowed = answer.decision is cedarpy.Decision.Allow and not errors
        reasons = tuple(sorted(answer.diagnostics.reasons))
    except Exception as error:  # whatever it is, it is a deny
        return Verdict(False, (), (f"not judged: {type(error).__name__}",))
    return Verdict(allowed, reasons if allowed or answer.decision is cedarpy.Decision.Deny else (), errors)


def _brief(error: str) -> str:
    """Without the entities Cedar quotes: they hold attributes of a person."""
    return error.partition(" from:\n")[0].partition("\n")[0][:200]


def _member(who: Attributes) -> dict[str, Any]:
    attrs = {
        "roles": list(who.roles),
        "team": who.team,
        "region": who.region,
        "external": who.external,
        "mapped": who.mapped,
    }
    return {"uid": _uid("Member", "member"), "attrs": attrs, "parents": []}


def _field(sensitivity: Sensitivity, team: str, region: str) -> dict[str, Any]:
    attrs = {"sensitivity": _entity("Sensitivity", sensitivity), "team": team, "region": region}
    return {"uid": _uid("Field", "field"), "attrs": attrs, "parents": []}


def _uid(type_: str, id_: str) -> dict[str, str]:
    return {"type": type_, "id": id_}


def _entity(type_: str, id_: str) -> dict[str, dict[str, str]]:
    return {"__entity": _uid(type_, id_)}
