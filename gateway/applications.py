"""Every application there is: channels, bearers of tokens, and those only the configuration or old counts speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.config import Config
from gateway.governance import Governance, granted
from gateway.store.stages import StageStore
from gateway.store.tokens import Known, TokenStore
from identity.disclosure import Classes
from identity.model import Application

Ways = Mapping[str, Mapping[int, int]]
"""By read | written | denied: how often on which day."""


@dataclass(frozen=True, slots=True)
class One:
    name: str
    channel: bool
    reads: frozenset[str]
    """Fields and lists that its name lets it read; a token may bring along less."""
    writes: frozenset[str]
    tokens: Sequence[Known]
    fields: Mapping[str, Ways]


async def every(config: Config, classes: Classes, store: StageStore, tokens: TokenStore, since: int) -> list[One]:
    """Channels first. `since`: the day from which on readings are told."""
    readings = await store.readings(since)
    known: dict[str, list[Known]] = {}
    for each in await tokens.known():
        known.setdefault(each.token.name, []).append(each)
    fields: dict[str, dict[str, Ways]] = {}
    for (name, field), ways in readings.items():
        fields.setdefault(name, {})[field] = ways
    names = dict.fromkeys([*config.channels, *known, *config.applications, *fields])
    it = Governance(config, classes)
    return [
        One(
            name,
            name in config.channels,
            *granted(it, classes, Application(name)),
            known.get(name, ()),
            fields.get(name, {}),
        )
        for name in names
    ]


def by_day(fields: Mapping[str, Ways]) -> list[tuple[int, str, int, int, int]]:
    """(day, field, read, written, denied), in that order."""
    days = {(day, field) for field, ways in fields.items() for counts in ways.values() for day in counts}
    return [
        (day, field, *(fields[field].get(way, {}).get(day, 0) for way in ("read", "written", "denied")))  # type: ignore[misc]
        for day, field in sorted(days)
    ]
