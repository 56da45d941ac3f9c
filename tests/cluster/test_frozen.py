"""A gateway that is frozen in the midst of an edit, its line to PostgreSQL open: what it had locked is free again
before long, others edit it meanwhile, and when it wakes nothing is lost and nothing is done twice."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.cluster.clients import Crowd, Json, Note, taken
from tests.cluster.gateways import PROGRAM, SOAK, Gateway, Ground, cleared, names
from tests.cluster.network import Network, listening
from tests.cluster.outside import ONCE, Outside, each_edit_is_decided_once, the_chain_is_sound
from tests.engines.redis import Redis
from tests.gateway.fake_chat import Message, buttons, form

CUSTOMERS = 12
ROUNDS = 3 if SOAK else 1
PATIENCE_S = 30.0 if SOAK else 4.0
"""Of a transaction: `gateway/store/connect.py`, `impatient.py`."""
MARGIN_S = 15.0
HELD = """
SELECT DISTINCT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
WHERE a.datname = current_database() AND a.state = 'idle in transaction'
AND l.relation = 'field_state'::regclass AND l.mode = 'RowShareLock'
"""
"""Sessions that locked fields and are neither asking nor done."""

LEFT = """
SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sent') AND why <> 'a person has to decide first'
"""
"""Two who changed the same by two gateways at once are asked to settle it; until then what came before waits."""

pytestmark = [pytest.mark.alone, pytest.mark.timeout(1800)]


async def test_what_a_frozen_gateway_had_locked_is_free_before_long(
    tmp_path: Path, postgresql_url: str, redis_server: Redis
) -> None:
    chance = random.Random(31)
    customers = names(CUSTOMERS, chance)
    network = Network([f"r{n}" for n in range(CUSTOMERS)])
    async with listening(network) as chat:
        ground = Ground(tmp_path, postgresql_url, redis_server.url(), chat, cool_down="1s")
        await ground.furnish(customers)
        program = PROGRAM if SOAK else "tests.cluster.impatient"
        one, two = Gateway(ground, "one", program=program), Gateway(ground, "two", program=program)
        try:
            await Outside(ground).known(one, customers)
            await asyncio.gather(one.start(), two.start())
            async with ClientSession(timeout=ClientTimeout(total=8)) as session:
                crowd = Crowd(session, one.url, network, chance)
                others = Crowd(session, two.url, network, chance, ids=itertools.count(1_000_000))
                await _through(crowd, others, one, customers)
            the_chain_is_sound(Outside(ground))
        finally:
            cleared([one, two])


async def _through(crowd: Crowd, others: Crowd, frozen: Gateway, customers: Sequence[str]) -> None:
    outside, network = Outside(frozen.ground), crowd.network
    await crowd.talk([Note(f"r{n}", f"m{n}", name) for n, name in enumerate(customers)])
    await crowd.until(lambda: all(network.by_name.get(name) for name in customers))
    work = [asyncio.create_task(_again_and_again(crowd, name)) for name in customers]
    for _ in range(ROUNDS):
        done = crowd.edits
        await crowd.until(lambda: crowd.edits > done + CUSTOMERS)  # noqa: B023 -- waited for here and now
        held = await _caught(frozen, frozen.ground.store)
        began = time.monotonic()
        await asyncio.gather(*(_saved(others, name) for name in customers))
        took = time.monotonic() - began
        print(f"{len(held)} sessions held something; everybody's edits took {took:.1f} s")
        assert took < PATIENCE_S + MARGIN_S
        while held & set(await asyncio.to_thread(_held, frozen.ground.store)):
            assert time.monotonic() < began + PATIENCE_S + MARGIN_S, "the server ends them"
            await asyncio.sleep(0.1)
        frozen.wake()
    crowd.gone = True
    await asyncio.gather(*work)
    both = replace(crowd, saved={**crowd.saved, "others": [each for mine in others.saved.values() for each in mine]})
    assert both.odd == others.odd == []
    decided = f"SELECT count(*) FROM inbox WHERE once LIKE '{ONCE}%'"
    await outside.quiet(lambda: {"writes": outside.count(LEFT), "edits": both.edits - outside.count(decided)}, 120)
    print(dict(each_edit_is_decided_once(outside, both)))


async def _caught(gateway: Gateway, store: str) -> set[int]:
    """Frozen at a moment at which it holds rows and asks nothing: the sessions that do."""
    for _ in range(2_000):
        gateway.freeze()
        await asyncio.sleep(0.02)  # what it had asked is answered
        if held := await asyncio.to_thread(_held, store):
            return set(held)
        gateway.wake()
        await asyncio.sleep(0.01 + random.random() / 50)
    raise AssertionError("it was never in the midst of an edit")


def _held(store: str) -> list[int]:
    with psycopg.connect(store, autocommit=True) as connection:
        return [pid for (pid,) in connection.execute(HELD).fetchall()]


async def _saved(crowd: Crowd, name: str) -> None:
    """Whatever stands there, it is changed."""
    shown: Json | None = None
    while shown is None:
        card = await _card(crowd, name)
        answer = await crowd.open(card)
        shown = form(answer["card"]) if answer["kind"] == "form" else None
    email = f"{crowd.edits}.{random.randrange(1 << 40):x}@example.com"
    id_, answer = await crowd.submit(card, shown, email)
    if taken(answer) or "Both values are kept" in str(answer.get("text")):
        crowd.saved.setdefault(name, []).append((id_, email))
    else:
        crowd.odd.append(f"{name}: {answer}")


async def _card(crowd: Crowd, name: str) -> Message:
    """One that can be edited: what asks to settle names the customer too."""
    while True:
        for card in reversed(crowd.network.by_name[name]):
            if buttons(card.card, "edit"):
                return card
        await asyncio.sleep(0.1)


async def _again_and_again(crowd: Crowd, name: str) -> None:
    while not crowd.gone:
        await _saved(crowd, name)
