"""Stages: how much of what a room may see its cards show. After disclosure, and only ever less.

A stage belongs to a scene and kind of room (`group/public`). Cards of one reader alone (*show me*, `/card`) have none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, get_args

from gateway.config import Config
from gateway.config.model import Stage
from gateway.errors import Refused, Retry
from gateway.governance import KINDS, without
from gateway.selectors import picks
from gateway.store.stages import Change, Run, StageStore
from identity.disclosure import NAME, URL, Classes
from identity.model import Audience, Disclosed

STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
LOOK_S: Final = 1.0
"""Between two looks at what another process decided."""


class Stages:
    def __init__(self, config: Config, classes: Classes, store: StageStore) -> None:
        self.store = store
        self._spec = config.stages
        self._classes = classes
        self._runs: dict[str, Run] = {}
        self._version = -1
        self._looked = -LOOK_S

    async def follow(self, *, surely: bool = False) -> None:
        """Hears of what was decided, here or elsewhere, within `LOOK_S`. Raises `Retry` while it never heard: what is
        configured may be longer than what was decided."""
        surely = surely or self._version < 0
        if not surely and time.monotonic() - self._looked < LOOK_S:
            return
        self._looked = time.monotonic()
        try:
            version = await self.store.version()
            if version != self._version:
                self._runs = {each.kind: each for each in await self.store.runs()}
                self._version = version
        except Retry:
            if surely:
                raise

    def started(self, kind: str) -> Run:
        """As configured."""
        return Run(kind, 0, self._spec.rooms.get(kind, self._spec.start))

    def run(self, kind: str) -> Run:
        return self._runs.get(kind) or self.started(kind)

    def of(self, audience: Audience) -> Run | None:
        """None of one reader alone."""
        return self.run(f"{audience.scene}/{audience.kind}") if audience.kind else None

    def cut(self, disclosed: Disclosed, audience: Audience) -> tuple[Disclosed, tuple[str, ...]]:
        """What its stage leaves of it, and the names of what that left out. Why is no member's business: what is left
        out is not listed as withheld."""
        run = self.of(audience)
        if run is None or run.stage == "full":
            return disclosed, ()
        record = disclosed.record
        there = {*record.fields, *record.related, *((URL,) if record.url else ())}
        left = frozenset(each for each in there if not self.lets(run.stage, each))
        editable = disclosed.editable - left
        return replace(disclosed, record=without(record, left), editable=editable), tuple(sorted(left))

    def lets(self, stage: str, field: str) -> bool:
        """The name always."""
        return stage == "full" or field == NAME or picks(self._selectors(stage), field, self._classes)

    def _selectors(self, stage: str) -> tuple[str, ...]:
        return self._spec.minimal if stage == "minimal" else self._spec.standard

    async def all(self) -> Mapping[str, Run]:
        """Every kind of room with where it stands."""
        await self.follow(surely=True)
        return {kind: self.run(kind) for kind in KINDS}

    async def decide(self, kind: str, stage: str, after: int, by: str, *, undoes: int | None = None) -> Run:
        """An admin's word; cards that are up follow within seconds. Raises `Refused`."""
        if kind not in KINDS or stage not in STAGES:
            raise Refused("There is no such stage, or no such kind of room.")
        await self.follow(surely=True)
        was = self.run(kind)
        if was.stage == stage:
            raise Refused("It is at that stage already.")
        if not await self.store.change(Change(kind, stage, after, by, was.stage, undoes)):
            raise Refused("Somebody decided meanwhile. Look again.")
        await self.follow(surely=True)
        return self.run(kind)

    async def undo(self, kind: str, run: int, by: str) -> Run:
        """Back to where it stood before that decision, which has to be the last one. Raises `Refused`."""
        runs = await self.store.runs(kind)
        if not runs or runs[-1].run != run:
            raise Refused("Somebody decided meanwhile. Look again.")
        before = runs[-2].stage if len(runs) > 1 else self.started(kind).stage
        return await self.decide(kind, before, run, by, undoes=run)
