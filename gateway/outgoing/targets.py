"""Whatever this gateway calls, each with a breaker of its own: a sick one keeps nobody else from being called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from channels.model import Accounts, Channel
from crm.model import Crm, Users
from gateway.config import Config
from gateway.outgoing.breaker import Breakers, State

Kind = Literal["channel", "crm", "sign-in", "traces"]
Part = Literal["calls", "feed", "users"]

# No name in the configuration has a blank in it, so none of these is anybody's own.
SIGN_IN: Final = "sign-in provider"
TRACES: Final = "traces collector"


def feed(crm: str) -> str:
    """What a CRM tells by itself: it may be well while writes are not."""
    return f"{crm} feed"


def users(name: str) -> str:
    """The list of users of a CRM or a network, which is often another service there, with other rights."""
    return f"{name} users"


@dataclass(frozen=True, slots=True)
class Target:
    kind: Kind
    name: str
    part: Part
    breaker: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one target, as this gateway finds it. `after`: seconds until it is asked again; 0 where calls go through."""

    target: Target
    state: State
    failures: int
    after: float


def targets(config: Config, channels: Mapping[str, Channel], crms: Mapping[str, Crm]) -> list[Target]:
    found = []
    for name, channel in channels.items():
        found.append(Target("channel", name, "calls", name))
        if isinstance(channel, Accounts):
            found.append(Target("channel", name, "users", users(name)))
    for name, crm in crms.items():
        found += [Target("crm", name, "calls", name), Target("crm", name, "feed", feed(name))]
        if isinstance(crm, Users):
            found.append(Target("crm", name, "users", users(name)))
    if config.console.oidc is not None:
        found.append(Target("sign-in", "", "calls", SIGN_IN))
    if config.telemetry.otlp:
        found.append(Target("traces", "", "calls", TRACES))
    return found


def standing(breakers: Breakers, found: list[Target]) -> list[Standing]:
    made = [(each, breakers[each.breaker]) for each in found]
    return [Standing(each, breaker.state, breaker.failures, breaker.after) for each, breaker in made]
