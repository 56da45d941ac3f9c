"""Ways in which more was told than may be known: each was found once, and stays shut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.spine import Spine, Waiter
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import GUEST, LI, NAME, PHONE, Live, opened
from tests.gateway.test_edits import floated


def im(person: str) -> str:
    return f"web/demo/user/{person}"


@pytest.fixture
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network that does not say in an event whether its sender is a guest."""
    accept = Spine.accept

    async def accepted(self: Spine, event: Any, waiter: Waiter | None = None) -> bool:
        return await accept(self, replace(event, who=replace(event.who, kind="unknown")), waiter)

    monkeypatch.setattr(Spine, "accept", accepted)


async def test_a_language_learned_late_brings_nobody_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        people = live.s.people
        li = people.linked("im", im(LI))
        assert li is not None
        gone = asyncio.create_task(people.put(replace(li, active=False, roles=frozenset())))
        await asyncio.sleep(0)
        told = asyncio.create_task(people.speaks(li.id, "zh-CN" if li.locale != "zh-CN" else "en"))
        await asyncio.gather(gone, told)
        for _ in range(2):
            now = people.person(li.id)
            assert now is not None and not now.active and not now.roles and now.locale != li.locale
            await people.load()


async def as_li(live: Live, account: str) -> None:
    """The account is linked to Li Ting by hand."""
    li = live.s.people.linked("im", im(LI))
    assert li is not None
    await live.s.people.link(li.id, "im", im(account), step="admin", evidence="", made_by="t")


async def test_a_linked_guest_has_no_rights_where_the_event_does_not_say_so(tmp_path: Path, unsaid: None) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await as_li(live, GUEST)
        card = await floated(live, "partner")
        answer = await live.press(GUEST, "partner", buttons(card.card, "show_me")[0], message=card.id)
        assert PHONE not in text(answer)
        await live.say(GUEST, "partner", f"/card {NAME}", addressed=True)
        await live.settle()
        assert PHONE not in "".join(text(each.card) for each in live.chat.whispers("partner", GUEST))


async def test_a_member_keeps_theirs_where_the_event_does_not_say_so(tmp_path: Path, unsaid: None) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "partner", f"/card {NAME}", addressed=True)
        await live.settle()
        (card,) = live.chat.whispers("partner", LI)
        assert PHONE in text(card.card)
        await live.say(LI, "d_u_chenwei", f"/card {NAME}", addressed=True)
        await live.settle()
        assert PHONE not in "".join(text(each.card) for each in live.chat.whispers("d_u_chenwei", LI))


async def test_a_linked_guest_who_joins_unsaid_counts_as_a_guest(tmp_path: Path, unsaid: None) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await as_li(live, GUEST)
        assert PHONE in text((await floated(live)).card)
        live.chat.rooms["deal"].lists = 503
        await live.post(live.event("joined", GUEST, "deal"))
        await live.settle()
        assert all(PHONE not in text(card.card) for card in live.cards("deal"))
