"""Gateways on Slack and on Telegram, killed with -9 again and again while people talk; then all is counted.

A few kills; sixty on Slack and twenty on Telegram with FLOATCARD_SOAK=1. FLOATCARD_SEED repeats a run.
What was posted and not yet written down when the gateway died is posted again, and counted here.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from gateway.intake import LETTER
from tests.cluster import outside as out
from tests.cluster.gateways import Gateway, Ground, cleared, names
from tests.cluster.outside import Outside
from tests.cluster.talking import NETWORKS, Talk, linked
from tests.engines.redis import Redis

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
pytestmark = [pytest.mark.alone, pytest.mark.timeout(7200 if SOAK else 1200)]

KILLS = {"slack": 60, "telegram": 20} if SOAK else {"slack": 4, "telegram": 2}
"""Fewer on Telegram: what it says there is taken only once the gateway has been started again."""
SEVERAL = 3
"""Gateways, where they share a store and a queue."""
_NOTHING = "Nothing is parked."
LIVES = 16
"""So many messages are taken at most from being ready to being killed."""


@pytest.mark.parametrize(
    ("network", "engines"), [("slack", "sqlite"), ("slack", "postgresql and redis"), ("telegram", "sqlite")]
)
async def test_every_message_has_its_card(
    network: str, engines: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = int(os.environ.get("FLOATCARD_SEED") or random.SystemRandom().randrange(1 << 32))
    kills = int(os.environ.get("FLOATCARD_KILLS") or KILLS[network])
    print(f"FLOATCARD_SEED={seed}")
    chance = random.Random(seed)
    store, bus = f"sqlite:///{tmp_path}/floatcard.db", "store:"
    if engines != "sqlite":
        redis: Redis = request.getfixturevalue("redis_server")
        store, bus = request.getfixturevalue("postgresql_url"), redis.url()
    talk = NETWORKS[network](chance)
    async with talk.listening():
        here = Ground(tmp_path, store, bus, "", channel=talk.channel(tmp_path))
        customers = names(kills * LIVES * 2 + 200, chance)
        await here.furnish(customers)
        await linked(store, talk)
        gateways = [Gateway(here, f"gateway{n}") for n in range(1 if bus == "store:" else SEVERAL)]
        outside, unread = Outside(here), 0
        talk.urls = [each.url for each in gateways]
        try:
            await outside.known(gateways[0], customers)
            async with talk.going_on(customers, at_least=2 * kills):
                for _ in range(kills):
                    await _all_up(gateways)
                    await talk.until(talk.taken + chance.randrange(LIVES))
                    await asyncio.sleep(chance.uniform(0, 0.4))
                    chance.choice(gateways).kill()
                    unread += _unread(outside) if bus == "store:" else 0
                await _all_up(gateways)
            await outside.quiet(lambda: {**outside.left(), "unanswered": talk.taken - talk.answered}, 120)
            blamed = await asyncio.to_thread(_taken_up_again, outside)
            await outside.quiet(outside.left, 120)
            assert [await each.stop() for each in gateways] == [0] * len(gateways)
        finally:
            cleared(gateways)
        _counted(outside, talk, kills)
        assert unread > 0 or network != "slack" or bus != "store:", "no kill found a message that was stored unread"
        told = f"{talk.taken} messages, {talk.again} brought again, {unread} unread at a kill"
        print(f"{network}: {kills} kills, {told}, {talk.posted_again} cards posted again, {blamed} repaints set aside")


async def _all_up(gateways: list[Gateway]) -> None:
    await asyncio.gather(*(each.start() for each in gateways if not each.ready))


def _unread(outside: Outside) -> int:
    """Letters in the queue."""
    return outside.count(f"SELECT count(*) FROM job WHERE topic = 'event' AND instr(body, x'{LETTER.hex()}') > 0")


def _taken_up_again(outside: Outside) -> int:
    """What is killed four times just after it began is taken for the cause, and set aside until the operator takes it
    up: with kills so soon after each start that may be a room's repaint. Nothing that anybody said ever is. How many
    were."""
    code, *told = outside.command("replay", "--list").splitlines()
    assert code == "0"
    if told == [_NOTHING]:
        return 0
    _heading, *blamed = told
    assert all(line.split()[1] == "room" and line.endswith(" times while it ran") for line in blamed), told
    assert outside.command("replay", "--all") == f"0\n{len(blamed)} taken up again.\n"
    return len(blamed)


def _counted(outside: Outside, talk: Talk, kills: int) -> None:
    for room, cards in talk.cards().items():
        assert list(dict.fromkeys(cards)) == list(talk.said[room]), f"{room}: each, in the order they were said"
    stored = outside.rows(
        "SELECT subject, count(*) FROM slot WHERE purpose = 'card' AND message IS NOT NULL GROUP BY subject"
    )
    said = Counter(id_ for room in talk.said.values() for id_ in room)
    assert Counter({subject: int(count) for subject, count in stored}) == said, "and none has two that we know of"
    assert talk.posted_again <= kills * len(talk.said), "again only what a kill caught between post and record"
    assert outside.command("replay", "--list") == f"0\n{_NOTHING}\n"
    out.the_chain_is_sound(outside)
