"""Several gateways paint one slot: one card, and what stands on it in the end is what is so."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest

from cards.tree import Card
from channels.model import MessageRef, Place
from gateway import show
from gateway.errors import Gone, Retry
from gateway.show import Shower
from gateway.store.slots import SlotStore, slot_id
from tests.gateway.outgoing.keepers import Seconds
from tests.gateway.outgoing.networks import Wall
from tests.gateway.outgoing.showers import Facts, Painted
from tests.gateway.store.world import quick

ROUNDS = 300 if os.environ.get("FLOATCARD_SOAK") else 12


@pytest.fixture
async def painted(store_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Painted]:
    monkeypatch.setattr(show, "LOOK_S", 0.002)
    monkeypatch.setattr(show, "LOOKS", 200)
    store = quick(store_url)
    yield Painted(store, Wall(), Facts(), Seconds())
    await store.close()


async def surely(painted: Painted, shower: Shower, subject: str = "m1", *, repaint: bool = True) -> None:
    """As the bus does it: what asks for patience comes back."""
    while True:
        try:
            await painted.paint(shower, subject, repaint=repaint)
            return
        except Retry:
            await asyncio.sleep(0.002)


async def test_two_that_see_an_empty_slot_at_once_post_one_card(painted: Painted) -> None:
    one, two = painted.another(), painted.another()
    for n in range(ROUNDS):
        await asyncio.gather(*(surely(painted, each, f"m{n}", repaint=False) for each in (one, two)))
    assert painted.sends == len(painted.wall.posts) == ROUNDS


async def test_an_older_drawing_never_stays_up(painted: Painted) -> None:
    showers = [painted.another() for _ in range(3)]
    await surely(painted, showers[0], repaint=False)
    random = Random(11)
    for _ in range(ROUNDS):
        tasks = []
        for _ in range(random.randrange(1, 5)):
            painted.facts.version += 1
            tasks.append(asyncio.create_task(surely(painted, random.choice(showers))))
            for _ in range(random.randrange(8)):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert list(painted.wall.posts.values()) == [f"v{painted.facts.version}"]
        kept = await SlotStore(painted.store).get(painted.facts.act().slot)
        assert kept is not None
        assert kept.digest[:1] not in ("?", "~")
    assert painted.sends == 1


async def test_shown_and_taken_away_by_two_it_ends_as_it_should(painted: Painted) -> None:
    showers, random = [painted.another() for _ in range(2)], Random(5)
    for _ in range(ROUNDS):
        tasks = []
        for _ in range(3):
            painted.facts.version += 1
            painted.facts.gone = random.random() < 0.4
            tasks.append(asyncio.create_task(surely(painted, random.choice(showers), repaint=False)))
            for _ in range(random.randrange(8)):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        await surely(painted, showers[0], repaint=False)  # in order, as the room's lane has it
        wanted = [] if painted.facts.gone else [f"v{painted.facts.version}"]
        assert list(painted.wall.posts.values()) == wanted


async def test_one_whose_call_took_too_long_does_not_leave_a_second_card_or_the_older_drawing(
    painted: Painted,
) -> None:
    one, two = painted.another(), painted.another()
    gate, began = asyncio.Event(), asyncio.Event()
    quick_ = painted.wall.slow

    async def stands_still() -> None:
        painted.wall.slow = quick_
        began.set()
        await gate.wait()

    painted.wall.slow = stands_still
    slow = asyncio.create_task(surely(painted, one, repaint=False))
    await began.wait()
    with pytest.raises(Retry):
        await waits_briefly(painted, two)
    painted.clock.at += show.CLAIM_MS / 1000  # its claim is over
    painted.facts.version = 1
    await surely(painted, two, repaint=False)
    gate.set()
    await slow
    assert list(painted.wall.posts.values()) == ["v1"]


async def test_one_that_is_slow_begins_nothing_that_would_end_after_its_claim(painted: Painted) -> None:
    """What it then posted could be posted by another as well; a whisper could not even be taken away again."""
    one, two = painted.another(), painted.another()
    await surely(painted, one, repaint=False)
    painted.facts.version = 1
    edit, begun = painted.wall.edit, list[str]()

    async def slowly(message: MessageRef, card: Card) -> None:
        begun.append("edit")
        painted.clock.at += 0.6 * show.CLAIM_MS / 1000
        raise Gone("It is gone.")

    async def send(place: Place, card: Card, *, once: str) -> MessageRef:
        begun.append("send")
        raise AssertionError

    painted.wall.edit = slowly  # type: ignore[method-assign]
    with monkeypatched(painted.wall, "send", send), pytest.raises(Retry, match="too slow"):
        await painted.paint(one, repaint=False)
    assert begun == ["edit"]
    painted.wall.edit = edit  # type: ignore[method-assign]
    await surely(painted, two, repaint=False)
    assert list(painted.wall.posts.values()) == ["v1"]


@contextlib.contextmanager
def monkeypatched(wall: Wall, name: str, call: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wall, name, call)
        yield


async def waits_briefly(painted: Painted, shower: Shower) -> None:
    looks, show.LOOKS = show.LOOKS, 2
    try:
        await painted.paint(shower, repaint=False)
    finally:
        show.LOOKS = looks


async def test_what_a_gateway_that_was_killed_had_begun_is_taken_up_under_the_same_name(painted: Painted) -> None:
    one, two = painted.another(), painted.another()
    names: list[str] = []
    send = painted.wall.send

    async def named(place, card, *, once):  # type: ignore[no-untyped-def]
        names.append(once)
        if len(names) == 1:
            await asyncio.Event().wait()
        return await send(place, card, once=once)

    painted.wall.send = named  # type: ignore[method-assign]
    killed = asyncio.create_task(painted.paint(one, repaint=False))
    while not names:
        await asyncio.sleep(0.001)
    # Killed: not even its own clearing up is done.
    slots = one._slots
    one._slots = None  # type: ignore[assignment]
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    left = await slots.by_id(slot_id(painted.facts.act().slot))
    assert left is not None
    assert left.digest.startswith("?")
    painted.clock.at += show.CLAIM_MS / 1000
    await surely(painted, two, repaint=False)
    assert names[0] == names[1]
    assert list(painted.wall.posts.values()) == ["v0"]


async def test_a_call_that_failed_is_surely_made_again_though_the_card_is_what_it_was(painted: Painted) -> None:
    one = painted.another()
    await surely(painted, one, repaint=False)
    painted.facts.version = 1
    painted.wall.fault = lambda method: Retry(1.0, "it may have been taken")
    with pytest.raises(Retry):
        await painted.paint(one)
    painted.wall.fault = lambda method: None
    painted.facts.version = 0
    await surely(painted, one)
    assert painted.wall.calls[-1] == ("edit", "v0")
