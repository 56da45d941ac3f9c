"""A ledger with made-up pasts: cards opened and saved late, a CRM's feed, conflicts settled and open."""

from __future__ import annotations

import random
from collections.abc import Mapping

from gateway.config.model import PolicySpec
from gateway.lab.proposing import proposed
from gateway.store.ledger import FieldState
from gateway.store.policy_changes import PolicyChange, PolicyChanges
from reconcile.model import EditKind, Json, MergePolicy, Source
from reconcile.policy import Policies
from tests.gateway.store.world import World

FIELDS = ("phone", "tags")
VALUES: dict[str, tuple[Json, ...]] = {"phone": ("1", "2", "3", None), "tags": (["a"], ["a", "b"], ["c"])}
BEGAN = Policies(
    default=MergePolicy(mode="master_wins", master="local"),
    fields={"phone": MergePolicy(mode="review", name="careful"), "tags": MergePolicy(master="local", name="crm")},
)
AGENT = Source("agent", "Agent", "0.1")
FEED = Source("local", "CRM")


def customer(at: int) -> str:
    return f"local:account:c{at:04}"


async def fill(world: World, customers: int, edits: int = 5, seed: int = 7) -> None:
    dice = random.Random(seed)
    for at in range(customers):
        for name in FIELDS:
            await past(world, dice, customer(at), name, edits)


async def past(world: World, dice: random.Random, record: str, name: str, edits: int) -> None:
    seen: list[tuple[str, ...]] = [()]
    position = 0
    for _ in range(dice.randint(1, edits)):
        value, draw = dice.choice(VALUES[name]), dice.random()
        if draw < 0.25:
            position += 1
            edit = world.edit(
                value, name=name, record=record, source=FEED, stream="local", watermark=position, seen=None
            )
        elif draw < 0.35:
            edit = world.edit(value, name=name, record=record, source=AGENT, seen=seen[-1])
        else:
            kind: EditKind = "resolve" if draw > 0.9 else "set"
            edit = world.edit(
                value, name=name, record=record, kind=kind, who=dice.choice("pq"), seen=dice.choice(seen[-2:])
            )
        await world.ledger.ingest(edit)
        state = await world.ledger.state(record, name)
        assert state is not None
        seen.append((*state.heads, *state.proposals))


async def propose(world: World, names: tuple[str, ...], spec: Mapping[str, object], **more: object) -> PolicyChange:
    change = proposed(
        FIELDS,
        world.ledger.policies,
        names,
        PolicySpec.model_validate(spec),
        by="p_wang",
        now=world.clock(),
        **more,  # type: ignore[arg-type]
    )
    await PolicyChanges(world.store).propose(change)
    return change


Shown = tuple[Json, str | None, tuple[str, ...], tuple[str, ...], bool, str]


async def shown(world: World, customers: int) -> dict[tuple[str, str], Shown]:
    """What people see of every field, and where it comes from."""
    out = {}
    for at in range(customers):
        for name, state in (await world.ledger.states(customer(at))).items():
            out[(customer(at), name)] = _shown(state)
    return out


def _shown(state: FieldState) -> Shown:
    return state.value, state.edit, state.heads, state.proposals, state.conflict is not None, state.reason
