"""Who is in a room, known to several gateways at once; and what nobody asks about is not kept for ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from channels.model import ImId, Place, Sender
from gateway.lists import Lists
from gateway.rooms import LAG_MS, Rooms
from gateway.store.rooms import RoomStore
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, GUEST, NAMES, PHONE, Live, opened
from tests.gateway.test_edits import floated

DEAL = Place("web", "deal")


def elsewhere(live: Live) -> Rooms:
    """Another gateway's, on the same store and before the same chat."""
    s = live.s
    theirs = Rooms(s.rooms.store, s.people, s.identities, s.channels, s.config.audience, live.clock, s.gate)
    s.rooms.shared = theirs.shared = True
    return theirs


def somebody(number: int) -> Sender:
    return Sender(ImId("web", "demo", "user", f"u{number}"), f"Somebody {number}", "member")


async def test_a_room_is_drawn_by_who_another_gateway_found_in_it_just_now(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        theirs = elsewhere(live)
        await live.s.rooms.audience(DEAL)  # looked at the store, and does not for a second
        live.chat.rooms["deal"].members[GUEST] = (NAMES[GUEST], "guest")
        await theirs.audience(DEAL)
        assert theirs.grown == {DEAL.room_key}
        await live.house.spine.refresh_room(*theirs.grown)
        await live.quiet()
        assert PHONE not in text(live.card("deal").card)


async def test_who_another_gateway_found_is_no_less_a_reason_to_draw_again(tmp_path: Path) -> None:
    """Something may have been drawn here meanwhile by the list from before."""
    async with opened(tmp_path) as live:
        await floated(live)
        ours, theirs = live.s.rooms, elsewhere(live)
        await ours.audience(DEAL)
        live.chat.rooms["deal"].members[GUEST] = (NAMES[GUEST], "guest")
        await theirs.audience(DEAL)
        assert GUEST not in str(await ours.roster(DEAL)) and not ours.grown
        live.clock.ahead(seconds=1)
        assert GUEST in str(await ours.roster(DEAL)) and ours.grown == {DEAL.room_key}
        await live.house.lists.grown()
        await live.quiet()
        assert PHONE not in text(live.card("deal").card)


async def test_whose_coming_was_heard_here_or_who_left_is_no_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        ours, theirs = live.s.rooms, elsewhere(live)
        for rooms in (ours, theirs):
            await rooms.audience(DEAL)
        await ours.joined(DEAL, somebody(1), None)
        live.clock.ahead(seconds=1)
        await ours.audience(DEAL)
        await theirs.left(DEAL, Sender(ImId("web", "demo", "user", CHEN), NAMES[CHEN], "member"))
        live.clock.ahead(seconds=1)
        assert CHEN not in str(await ours.roster(DEAL)) and not ours.grown


async def test_who_came_unknown_and_is_listed_elsewhere_is_a_reason_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        ours, theirs = live.s.rooms, elsewhere(live)
        await ours.joined(DEAL, replace(somebody(1), kind="unknown"), None)
        await ours.audience(DEAL)
        live.chat.rooms["deal"].members["u1"] = ("Somebody 1", "member")
        await theirs.audience(DEAL)
        found = []
        for _ in range(3):
            live.clock.ahead(seconds=1)
            await ours.audience(DEAL)
            found.append(await live.house.lists.grown())
        assert found == [1, 0, 0]


async def test_who_was_found_before_it_could_be_stored_is_drawn_once_more_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        theirs, drawn, keep = elsewhere(live), list[str](), RoomStore.keep
        lists = Lists(replace(live.s, rooms=theirs), lambda room: _noted(drawn, room))

        async def slow(self: RoomStore, key: str, roster: object) -> None:
            assert await lists.grown() == 1
            await keep(self, key, roster)  # type: ignore[arg-type]

        monkeypatch.setattr(RoomStore, "keep", slow)
        live.chat.rooms["deal"].members[GUEST] = (NAMES[GUEST], "guest")
        await theirs.audience(DEAL)
        assert await lists.grown() == 1 and await lists.grown() == 0


async def _noted(drawn: list[str], room: str) -> None:
    drawn.append(room)


async def test_who_is_found_while_it_is_asked_for_is_asked_for_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        grown, going = live.s.rooms.grown, asyncio.Event()

        async def slow(room: str) -> None:
            going.set()
            await asyncio.sleep(0)

        grown.add(DEAL.room_key)
        asking = asyncio.create_task(Lists(live.s, slow).grown())
        await going.wait()
        grown.add(DEAL.room_key)
        assert await asking == 1 and grown == {DEAL.room_key}


async def test_who_joins_where_nothing_is_drawn_is_not_kept_for_ever(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        rooms = live.s.rooms
        for number in range(20):
            await rooms.joined(Place("web", "hall"), somebody(number), None)
            live.clock.ahead(seconds=LAG_MS / 1000 / 4)
        assert len(rooms._came["web/hall"]) <= 5, "who came in the last minute"
        for number in range(20):
            await rooms.joined(Place("web", f"r{number}"), somebody(number), None)
            live.clock.ahead(seconds=LAG_MS / 1000 / 4)
        assert len(rooms._came) <= 5
        live.clock.ahead(seconds=LAG_MS / 1000)
        await rooms.audience(DEAL)
        assert not rooms._came


async def test_who_joined_a_moment_ago_counts_until_the_list_has_them_whoever_joins_elsewhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        rooms = live.s.rooms
        await rooms.joined(DEAL, somebody(1), None)
        live.clock.ahead(seconds=LAG_MS / 1000 - 1)
        await rooms.joined(Place("web", "hall"), somebody(2), None)
        assert "u1" in str(await rooms.roster(DEAL))
