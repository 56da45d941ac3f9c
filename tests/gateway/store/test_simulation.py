"""Two CRMs, cards and a gateway that is cut off, delayed and killed: in the end all is quiet and agrees."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crm.model import Record
from gateway.store.ledger import OutboxRow, Snapshot
from reconcile.canonical import normalise
from reconcile.model import Json, MergePolicy, Source
from tests.gateway.store import oracle
from tests.gateway.store.world import ACME, World, record

SEEDS = 2000 if os.environ.get("FLOATCARD_SOAK") == "1" else 12
STEPS = 40
NORMALISER = "phone:CN"
POLICIES = [
    MergePolicy(mode="master_wins", master="local", normaliser=NORMALISER),
    MergePolicy(mode="last_writer_wins", normaliser=NORMALISER),
    MergePolicy(mode="authoritative", authority=("web", "local", "other"), normaliser=NORMALISER),
    MergePolicy(mode="review", normaliser=NORMALISER),
]


@dataclass
class Crm:
    """Versions, compare-and-set, and a spelling of its own."""

    name: str
    spell: Callable[[str], str]
    automation: str | None = None
    version: int = 1
    value: str = "138 0013 8000"
    by: str = "u1"
    history: list[Record] = field(default_factory=list)

    def now(self) -> Record:
        return record(self.version, {"phone": self.value}, crm=self.name, by=self.by)

    def change(self, value: str, by: str) -> None:
        self.version, self.value, self.by = self.version + 1, value, by
        self.history.append(self.now())

    def apply(self, value: Json, precondition: int | None) -> bool:
        if precondition != self.version:
            return False
        self.change(self.spell(str(value)), "floatcard")
        return True

    def react(self) -> None:
        if self.automation is not None and self.by == "floatcard" and self.value != self.automation:
            self.change(self.automation, "workflow")


@dataclass
class Simulation:
    world: World
    rng: random.Random
    crms: dict[str, Crm]
    forms: list[tuple[str, ...]] = field(default_factory=list)

    async def read(self, crm: Crm, what: Record | None = None) -> None:
        began = self.world.clock() if what is None else 0
        await self.world.ledger.observe(what or crm.now(), Source(crm.name, crm.name), began=began, key=ACME)

    async def step(self) -> None:
        crm = self.crms[self.rng.choice(list(self.crms))]
        draw = self.rng.random()
        if draw < 0.25:
            await self.press()
        elif draw < 0.4:
            crm.change(self.number(), "u1")
        elif draw < 0.5 and crm.history:
            await self.read(crm, self.rng.choice(crm.history))  # late, doubled or out of order
        elif draw < 0.7:
            await self.read(crm)
        else:
            await self.write(crm)
        if self.rng.random() < 0.5:
            crm.react()

    def number(self) -> str:
        return f"13{self.rng.randrange(10)} 0013 800{self.rng.randrange(4)}"

    async def press(self) -> None:
        state = await self.world.ledger.state(ACME, "phone")
        if state is not None:
            self.forms.append(state.heads)
        seen = self.rng.choice([*self.forms, ()])
        kind = "resolve" if state is not None and state.conflict and self.rng.random() < 0.5 else "set"
        await self.world.ledger.ingest(self.world.edit(self.number(), kind=kind, seen=seen))  # type: ignore[arg-type]

    async def write(self, crm: Crm, *, sure: bool = False) -> int:
        for row in await self.world.ledger.doubt():
            await self.settle(self.crms[row.target], row)
        rows = await self.world.ledger.claim(crm.name, self.world.clock() + (10**7 if sure else 0))
        for row in rows:
            await self.send(crm, row, 1.0 if sure else self.rng.random())
        return len(rows)

    async def send(self, crm: Crm, row: OutboxRow, luck: float) -> None:
        if luck < 0.1:
            await self.world.ledger.unsure(row)  # died before it was sent
        elif not crm.apply(row.value, row.precondition):
            await self.world.ledger.moved(row, self.shot(crm))
        elif luck < 0.3:
            await self.world.ledger.unsure(row)  # taken, and the answer was lost
        else:
            rendered = crm.value if self.rng.random() < 0.7 else None
            await self.world.ledger.answered(row, crm.version, rendered)

    async def settle(self, crm: Crm, row: OutboxRow) -> None:
        await self.world.ledger.settle(row, self.shot(crm), ours=crm.by == "floatcard")

    def shot(self, crm: Crm) -> Snapshot:
        return Snapshot(crm.now(), Source(crm.name, crm.name), began=self.world.clock(), key=ACME)

    async def calm(self) -> int:
        """Nobody outside edits any more; rounds until nothing moves."""
        still = 0
        for rounds in range(1, 40):
            before = {name: (crm.version, crm.value) for name, crm in self.crms.items()}
            sent = 0
            for crm in self.crms.values():
                crm.react()
                await self.read(crm)
                sent += await self.write(crm, sure=True)
            moved = sent or before != {name: (crm.version, crm.value) for name, crm in self.crms.items()}
            still = 0 if moved else still + 1
            if still == 2:
                return rounds
        return 0


def image(value: Json) -> Json:
    return normalise(NORMALISER, value)


@pytest.mark.timeout(3600 if SEEDS > 100 else 120)
@pytest.mark.parametrize("fights", [False, True], ids=["calm", "automations"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.mode)
async def test_all_is_quiet_in_the_end_and_every_crm_holds_what_stands(
    tmp_path: Path, policy: MergePolicy, fights: bool
) -> None:
    for seed in range(SEEDS // 4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = World.open(f"sqlite:///{folder}/floatcard.db", policy, lambda record, field: ("local", "other"))
        crms = {
            "local": Crm("local", lambda value: value.replace(" ", "-"), "136 0013 6000" if fights else None),
            "other": Crm("other", lambda value: f"+86{value.replace(' ', '')}", "135 0013 5000" if fights else None),
        }
        simulation = Simulation(world, random.Random(seed), crms)
        for crm in crms.values():
            await simulation.read(crm)
        for _ in range(STEPS):
            await simulation.step()
        rounds = await simulation.calm()
        await agreed(simulation, policy, f"seed {seed}, {policy.mode}, rounds {rounds}")
        await world.store.close()
        assert rounds, f"seed {seed}: it never ends"


async def agreed(simulation: Simulation, policy: MergePolicy, said: str) -> None:
    world = simulation.world
    state = await world.ledger.state(ACME, "phone")
    assert state is not None
    for crm in simulation.crms.values():
        holds = image(crm.value) == image(state.value)
        assert holds or state.write == "disputed" or state.conflict is not None, (said, crm.name, crm.value, state)
    await world.store.read(lambda c: oracle.check(c, world.vault, ACME, "phone", policy))
    echoes = [row for row in await world.ledger.history(ACME, "phone", 1000) if row.edit.actor == "floatcard"]
    assert echoes == [], said
