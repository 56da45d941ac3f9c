"""What `floatcard stages` and `floatcard applications` do, in a process of their own, beside a gateway or not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cards.words import say
from gateway.app import classes
from gateway.applications import by_day, every
from gateway.cli.tokens import BY, clock_of
from gateway.clock import Clock
from gateway.config import Config, load
from gateway.console.sheet import sheet
from gateway.errors import Misconfigured
from gateway.evidence import WHATS, evidence
from gateway.stages import Stages
from gateway.store.auditing import AuditStore
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from gateway.store.stages import DAY_MS, Run, StageStore
from gateway.store.tokens import Known, TokenStore

COLUMNS = ("application", "field", "class", "day", "read", "written", "denied")


@dataclass(frozen=True, slots=True)
class _Opened:
    config: Config
    store: Store
    clock: Clock
    stages: Stages
    tokens: TokenStore

    @property
    def today(self) -> int:
        return self.clock.now() // DAY_MS


@contextlib.asynccontextmanager
async def _opened(path: Path, by: str | None = None) -> AsyncIterator[_Opened]:
    """`by`: a person who must be an admin. Raises `Misconfigured`."""
    config = load(path)
    store = Store.open(config.store)
    try:
        clock = await clock_of(config, path, store)
        if by is not None:
            people = PeopleStore(store, clock)
            await people.load()
            found = people.person(by)
            if found is None or not found.active or "admin" not in found.roles:
                raise Misconfigured([("floatcard stages", "--by", f"{by!r} is no active person with the role admin")])
        stages = Stages(config, classes(config), StageStore(store, clock))
        yield _Opened(config, store, clock, stages, TokenStore(store, clock))
    finally:
        await store.close()


async def stages(path: Path) -> str:
    async with _opened(path) as it:
        up = await it.stages.store.up()
        lines = []
        for kind in await it.stages.all():
            found, (rooms, cards) = await evidence(it.stages, kind, it.clock.now()), up.get(kind, (0, 0))
            counts = ", ".join(f"{what} {found.counts.get(what, 0)}" for what in WHATS)
            lines += [
                f"{kind}: {found.run.stage} (run {found.run.run}), {rooms} rooms, {cards} cards up",
                f"  {counts}; trouble {found.trouble.share:.1%}",
                f"  {found.propose}{f' to {found.to}' if found.to else ''}: {say('en', found.say, **found.facts)}",
            ]
        return "\n".join(lines)


async def decide(path: Path, kind: str, stage: str, by: str) -> str:
    async with _opened(path, by) as it:
        await it.stages.follow(surely=True)
        return _said(await it.stages.decide(kind, stage, it.stages.run(kind).run, by))


async def undo(path: Path, kind: str, by: str) -> str:
    async with _opened(path, by) as it:
        await it.stages.follow(surely=True)
        return _said(await it.stages.undo(kind, it.stages.run(kind).run, by))


def _said(run: Run) -> str:
    return f"{run.kind} is at {run.stage} now (run {run.run}). Cards that are up follow within seconds."


async def applications(path: Path) -> str:
    async with _opened(path) as it:
        named = set(classes(it.config).named())
        found = await every(it.config, classes(it.config), it.stages.store, it.tokens, it.today)
        lines = []
        for one in found:
            denied = ", ".join(sorted(named - one.reads)) or "nothing"
            lines.append(f"{one.name}{' (channel)' if one.channel else ''}: not granted {denied}")
            lines += [f"  {_token(each, it.clock.now())}" for each in one.tokens]
        return "\n".join(lines)


def _token(each: Known, now: int) -> str:
    token = each.token
    ends = each.ended_at or token.expires_at
    told = [
        f"{each.id} {' '.join(sorted(token.scopes))}",
        f"reads {' '.join(sorted(token.reads))}" if token.reads is not None else "",
        f"writes {' '.join(sorted(token.writes))}" if token.writes is not None else "",
        f"last used {_date(each.used_at // DAY_MS) if each.used_at else 'never'}",
        f"{'ends' if each.stands(now) else 'ended'} {_date(ends // DAY_MS) if ends else 'never'}",
    ]
    return ", ".join(part for part in told if part)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()


async def reads(path: Path, days: int, csv: Path | None) -> str:
    async with _opened(path) as it:
        known = classes(it.config)
        found = await every(it.config, known, it.stages.store, it.tokens, it.today - days + 1)
        rows = [
            [one.name, field, known.of(field), _date(day), *map(str, counts)]
            for one in found
            for day, field, *counts in by_day(one.fields)
        ]
        if csv is not None:
            with csv.open("xb") as file:
                file.write(sheet([COLUMNS, *rows]))
            return f"{len(rows)} rows in {csv}."
        return "\n".join(
            f"{row[0]} {row[1]} {row[3]}: read {row[4]}, written {row[5]}, denied {row[6]}" for row in rows
        )


async def end(path: Path, id_: str) -> str:
    async with _opened(path) as it:
        name = await it.tokens.end_one(id_)
        if name is None:
            raise Misconfigured([("floatcard applications", id_, "is the id of no token that has not ended")])
        await AuditStore(it.store, it.clock).note(BY, "token_ended", name, id=id_)
        return f"A token of {name} is ended."
