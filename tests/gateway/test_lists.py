"""Who came unheard, or a list that is not to be had any more, shrinks what is posted: nothing is said meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from channels.model import MessageRef, Place
from gateway.ending import ended
from gateway.errors import Retry
from gateway.lists import Lists
from gateway.outgoing.gate import Gate
from gateway.outgoing.model import Limited, Rank
from gateway.store.rooms import RoomStore
from gateway.store.slots import Shown, slot_id
from gateway.turn import Slot
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, GUEST, NAMES, PHONE, Live, opened
from tests.gateway.test_edits import floated

NOTE = "演示完成"


async def looked(live: Live) -> int:
    asked = await live.house.lists.once()
    await live.house.lists.grown()
    await live.quiet()
    return asked


def asked_for(live: Live) -> int:
    return len([one for one in live.chat.sent if one.path.endswith("rooms/deal")])


async def test_a_list_that_fails_shrinks_what_is_posted_when_it_is_too_old_and_not_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        room, begun = live.chat.rooms["deal"], asked_for(live)
        assert await looked(live) == 0 and asked_for(live) == begun, "it is new"
        room.lists = 503
        live.clock.ahead(minutes=9)
        assert await looked(live) == 1
        assert PHONE in text(live.card("deal").card), "as good as it was a minute ago"
        live.clock.ahead(seconds=61)
        assert await looked(live) == 1
        assert PHONE not in text(live.card("deal").card) and NOTE not in text(live.card("deal").card)
        painted, after = live.card("deal").paints, asked_for(live)
        assert await looked(live) == 0 and asked_for(live) == after, "it is asked for less and less often"
        live.clock.ahead(seconds=61)
        assert await looked(live) == 1 and live.card("deal").paints == painted
        room.lists = 200
        live.clock.ahead(seconds=119)
        assert await looked(live) == 0
        live.clock.ahead(seconds=2)
        await looked(live)
        assert PHONE in text(live.card("deal").card), "and when it is to be had again, what it permits is back"


async def test_what_another_card_found_out_is_there_for_those_that_shrank(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        live.chat.rooms["deal"].lists = 503
        live.clock.ahead(minutes=11)
        await looked(live)
        assert PHONE not in text(live.card("deal").card)
        live.chat.rooms["deal"].lists = 200
        live.clock.ahead(seconds=10)
        await live.s.rooms.audience(Place("web", "deal"))
        assert await looked(live) == 0 and PHONE in text(live.card("deal").card)


async def test_what_shrank_under_a_gateway_that_is_gone_comes_back_under_the_next(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        live.chat.rooms["deal"].lists = 503
        live.clock.ahead(minutes=11)
        await looked(live)
        assert PHONE not in text(live.card("deal").card)
        live.chat.rooms["deal"].lists = 200
        live.clock.ahead(minutes=2)
        live.house.lists = Lists(live.s, live.house.spine.refresh_room)
        live.s.rooms.forget(Place("web", "deal"))
        assert await looked(live) == 1 and PHONE in text(live.card("deal").card)


@pytest.mark.parametrize("came", ["a guest", "a colleague who became one", "doubt", "another company"])
async def test_who_came_unheard_is_found_by_the_list_and_the_card_shrinks(tmp_path: Path, came: str) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        room = live.chat.rooms["deal"]
        if came == "a guest":
            room.members[GUEST] = (NAMES[GUEST], "guest")
        elif came == "doubt":
            room.complete = False
        elif came == "another company":
            room.external = True
        else:
            room.members[CHEN] = (NAMES[CHEN], "guest")
        live.clock.ahead(minutes=9)
        assert await looked(live) == 1
        assert PHONE not in text(live.card("deal").card)


async def test_who_left_unheard_widens_nothing_and_an_equal_list_writes_no_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await live.join(GUEST, "deal")
        await floated(live)
        painted = live.card("deal").paints
        live.clock.ahead(minutes=9)
        with monkeypatch.context() as patched:
            patched.setattr(RoomStore, "keep", None)
            assert await looked(live) == 1 and await looked(live) == 0
        del live.chat.rooms["deal"].members[GUEST]
        live.clock.ahead(minutes=9)
        assert await looked(live) == 1
        assert live.card("deal").paints == painted and PHONE not in text(live.card("deal").card)


async def test_rooms_of_one_are_not_asked_about_nor_those_with_nothing_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say("u_liting", "d_u_liting", "华星医疗")
        await live.s.rooms.audience(Place("web", "east"))
        await live.settle()
        assert live.cards("d_u_liting")
        live.clock.ahead(minutes=30)
        assert await looked(live) == 0


async def test_what_the_networks_rate_has_no_room_for_is_put_off_and_nothing_shrinks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        run = Gate.run

        async def full(self: Gate, channel: str, method: str, room: str, rank: Rank, work: object) -> object:
            if method == "members":
                assert rank is Rank.REPAINT, "nothing that somebody waits for comes after it"
                raise Limited(5.0, "full")
            return await run(self, channel, method, room, rank, work)  # type: ignore[arg-type]

        live.clock.ahead(minutes=9)
        with monkeypatch.context() as patched:
            patched.setattr(Gate, "run", full)
            assert await looked(live) == 0
        assert PHONE in text(live.card("deal").card)
        assert await looked(live) == 1 and PHONE in text(live.card("deal").card)


async def test_whatever_card_asked_for_the_list_the_others_of_the_room_are_drawn_again(tmp_path: Path) -> None:
    """And what could not be asked for at once is, at the next look."""
    async with opened(tmp_path) as live:
        await floated(live)
        live.chat.rooms["deal"].members[GUEST] = (NAMES[GUEST], "guest")
        live.clock.ahead(minutes=11)
        await live.s.rooms.audience(Place("web", "deal"))
        drawn = list[str]()

        async def once(*rooms: str) -> None:
            drawn.extend(rooms)
            if len(drawn) == 1:
                raise Retry(1.0, "away")
            await live.house.spine.refresh_room(*rooms)

        lists = Lists(live.s, once)
        with pytest.raises(Retry):
            await lists.grown()
        assert await lists.grown() == 1 and await lists.grown() == 0
        await live.quiet()
        assert PHONE not in text(live.card("deal").card)


async def test_a_running_house_looks_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.lists.EVERY_S", 0.01)
    async with opened(tmp_path) as live:
        await floated(live)
        live.chat.rooms["deal"].members[GUEST] = (NAMES[GUEST], "guest")
        live.clock.ahead(minutes=9)
        loops = [asyncio.create_task(each()) for each in (live.house.lists.run, live.house.lists.follow)]
        async with asyncio.timeout(30):
            while PHONE in text(live.card("deal").card):
                await asyncio.sleep(0.01)
        await ended(loops)


async def test_what_is_up_for_somebody_alone_is_found_by_its_reader_also_of_an_older_release(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        place, account = Place("web", "r_x"), "web/demo/user/u_李"
        ours = Slot(place, "whisper", "m1", account), Slot(Place("web", "r_y"), "alert", "a1:p_liting")
        for n, slot in enumerate((*ours, Slot(Place("web", "r_z"), "card", "m2"))):
            message = MessageRef(slot.place, f"b{n}")
            await live.s.slots.keep(Shown(slot_id(slot), slot, message, ("local:account:x",)))

        async def found() -> tuple[list[str], list[str]]:
            return await live.s.rooms.store.having([account, "web/demo/user/u_"]), await live.s.slots.rooms(
                person="p_liting"
            )

        assert await found() == (["web/r_x"], ["web/r_y"])
        forgets = "UPDATE slot SET reader = NULL"
        await live.s.store.write(
            lambda connection, items: [connection.exec_driver_sql(forgets) and None for _ in items], 0
        )
        assert await found() == (["web/r_x"], ["web/r_y"])


async def test_a_room_that_nobody_speaks_in_any_more_is_not_kept_in_memory(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        for room in ("deal", "east"):
            await live.s.rooms.audience(Place("web", room))
        kept = live.s.rooms._kept
        assert len(kept) == 2
        live.clock.ahead(minutes=6)
        await live.s.rooms.audience(Place("web", "deal"))
        assert len(kept) == 2, "both are fresh"
        live.clock.ahead(minutes=5)
        await live.s.rooms.audience(Place("web", "east"))
        assert list(kept) == [Place("web", "east").room_key], "a list so old would be asked for again"


async def test_a_list_that_could_not_be_had_is_not_asked_for_sooner_because_others_were(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        for room in ("deal", "east"):
            await live.s.rooms.audience(Place("web", room))
            live.chat.rooms[room].lists = 503
        live.clock.ahead(minutes=11)
        for _ in range(2):
            for room in ("deal", "east"):
                await live.s.rooms.audience(Place("web", room))
        assert set(live.s.rooms._tired) == {Place("web", room).room_key for room in ("deal", "east")}


@pytest.mark.parametrize("after", ["a minute", "a moment"])
@pytest.mark.parametrize("lists", [200, 503])
async def test_a_leave_that_comes_after_the_join_that_followed_it_takes_nobody_off(
    tmp_path: Path, after: str, lists: int
) -> None:
    """Slack's second try comes a minute later; the first one was answered 503."""
    async with opened(tmp_path) as live:
        place, room = Place("web", "deal"), live.chat.rooms["deal"]
        await floated(live)
        chen, when = live.s.people.linked("im", f"web/demo/user/{CHEN}"), live.clock.now()
        assert chen is not None and chen.id in (await live.s.rooms.audience(place)).persons
        live.clock.ahead(seconds=1)
        await live.join(CHEN, "deal")
        await live.quiet()
        live.clock.ahead(seconds=61 if after == "a minute" else 1)
        room.lists, asked = lists, asked_for(live)
        assert (await live.post(live.event("left", CHEN, "deal", at=when)))[0] == 200
        await live.quiet()
        assert chen.id in (await live.s.rooms.audience(place)).persons
        assert asked_for(live) == asked + 1, "the list says who is there"
        stored = await live.s.rooms.store.roster(place.room_key)
        assert stored is not None and f"web/demo/user/{CHEN}" in [who.id.key for who in stored.members]


async def test_who_left_and_was_told_of_late_counts_until_the_list_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        place, when = Place("web", "deal"), live.clock.now()
        await floated(live)
        chen = live.s.people.linked("im", f"web/demo/user/{CHEN}")
        live.clock.ahead(seconds=61)
        del live.chat.rooms["deal"].members[CHEN]
        for more in (1, 0):  # told twice, the list is newer than the leave
            asked = asked_for(live)
            assert (await live.post(live.event("left", CHEN, "deal", at=when)))[0] == 200
            await live.quiet()
            assert chen is not None and chen.id not in (await live.s.rooms.audience(place)).persons
            assert asked_for(live) == asked + more
