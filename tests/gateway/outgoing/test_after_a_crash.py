"""A crash may have come between posting a card and knowing so: it is posted again under the same key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cards.tree import Card
from channels.model import MessageRef, Place
from gateway.errors import Retry
from gateway.store.engine import Store
from gateway.store.slots import Shown, SlotStore
from tests.gateway.outgoing.keepers import Seconds
from tests.gateway.outgoing.networks import LIMITS, Wall
from tests.gateway.outgoing.showers import Facts, Painted
from tests.gateway.store.world import quick


class Keyed(Wall):
    """Takes a key: what is sent again under it is the message that is there, as it was."""

    def __init__(self) -> None:
        super().__init__(replace(LIMITS, idempotent=True))
        self.known: dict[str, MessageRef] = {}

    async def send(self, place: Place, card: Card, *, once: str) -> MessageRef:
        if once not in self.known:
            self.known[once] = await super().send(place, card, once=once)
        return self.known[once]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = quick(f"sqlite:///{tmp_path}/s.db")
    yield opened
    await opened.close()


def tired_of(method: str, wall: Wall) -> None:
    wall.fault = lambda called: Retry(1.0, "enough for now") if called == method else None


async def test_a_network_without_keys_that_takes_no_edit_just_then_gets_one_card(store: Store) -> None:
    """What was posted just now says what it should, and whoever fails at saying it again posts it again."""
    wall = Wall(replace(LIMITS, idempotent=False))
    tired_of("edit", wall)
    painted = Painted(store, wall, Facts(), Seconds())
    shower = painted.another()
    for _ in range(3):
        await painted.paint(shower, repaint=False, again=True)
    assert list(wall.posts.values()) == ["v0"] and wall.calls == [("send", "v0")]


@pytest.mark.parametrize("tired", [False, True])
async def test_a_network_with_keys_shows_what_is_so_by_now_in_the_card_from_before_the_crash(
    store: Store, tired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Keyed()
    painted = Painted(store, wall, Facts(), Seconds())
    with monkeypatch.context() as crash, pytest.raises(Retry):
        crash.setattr(SlotStore, "keep", _never)
        await painted.paint(painted.another(shared=False), repaint=False)
    painted.facts.version = 1
    after = painted.another(shared=False)
    if tired:
        tired_of("edit", wall)
        with pytest.raises(Retry):
            await painted.paint(after, repaint=False, again=True)
        assert list(wall.posts.values()) == ["v0"]
        wall.fault = lambda called: None
    await painted.paint(after, repaint=False, again=True)
    assert list(wall.posts.values()) == ["v1"] and painted.sends == 1


async def _never(self: SlotStore, shown: Shown, *, seen: int | None = None) -> bool:
    raise Retry(1.0, "it is over before it is written down")
