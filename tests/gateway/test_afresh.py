"""When every card is drawn again: once for all gateways, and at a start only when there is a reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy import text as text_

from gateway.access_following import Following
from gateway.afresh import GONE_MS, MIXED_MS, look_of
from gateway.config import Config, load
from gateway.errors import Retry
from gateway.pressure import Pressure
from gateway.store.engine import Store
from gateway.store.people import PeopleStore
from tests.gateway.bus.benches import until
from tests.gateway.fake_chat import text
from tests.gateway.house import LI, NAME, PHONE, Live, configured, opened
from tests.gateway.test_access_following import NO_NOTES, changed, second_admin
from tests.gateway.test_two import both

__all__ = ["both"]


@pytest.fixture(autouse=True)
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat before each house here has a port of its own, which is a part of the configuration."""
    monkeypatch.setattr("gateway.afresh.look_of", lambda config, key: "as ever")


def _spoil(connection: Connection, _: Sequence[None]) -> list[None]:
    connection.execute(text_("UPDATE slot SET digest = 'other'"))
    return [None]


async def _floated(folder: Path) -> Live:
    """A card is up, whose repaint would be seen; the house has ended in order."""
    async with opened(folder) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        await live.s.store.write(_spoil, None)
    return live


async def _asked(live: Live) -> int:
    return await live.rows("due", "kind = 'redraw'")


async def test_a_start_after_an_orderly_stop_draws_nothing(tmp_path: Path) -> None:
    before = await _floated(tmp_path)
    async with opened(tmp_path, before.clock, before.chat) as live:
        assert await _asked(live) == 0
        await live.settle()
        assert live.card("deal").paints == 1


async def test_a_start_after_a_crash_draws_every_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(left: str) -> None:
        return None

    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        await live.s.store.write(_spoil, None)
        monkeypatch.setattr(live.house.afresh, "end", killed)
    async with opened(tmp_path, live.clock, live.chat) as next_:
        await next_.settle()
        assert next_.card("deal").paints == 2 and await _asked(next_) == 0


async def test_a_start_of_another_program_draws_every_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await _floated(tmp_path)
    monkeypatch.setattr("gateway.afresh.look_of", lambda config, key: "another")
    async with opened(tmp_path, before.clock, before.chat) as live:
        await live.settle()
        assert live.card("deal").paints == 2


async def test_what_a_command_changed_while_nobody_ran_is_drawn(tmp_path: Path) -> None:
    before = await _floated(tmp_path)
    store = Store.open(load(tmp_path / "floatcard.toml").store)
    people = PeopleStore(store, before.clock)
    await people.load()
    await people.deactivate(people.persons()[0].id)
    await store.close()
    async with opened(tmp_path, before.clock, before.chat) as live:
        assert await _asked(live) == 1
        await live.settle()
        assert live.card("deal").paints == 2


def test_a_look_is_of_what_draws_and_of_nothing_else(tmp_path: Path) -> None:
    def look(old: str = "", new: str = "", key: bytes = b"k") -> str:
        changed_ = {old: new} if old else None
        return look_of(load(configured(tmp_path, "http://127.0.0.1:1", changed=changed_)), key)

    plain = look()
    assert look() == plain != look(key=b"other")
    elsewhere = load(tmp_path / "floatcard.toml").model_copy(update={"bus": "redis://127.0.0.1:1/0"})
    assert look_of(elsewhere, b"k") == plain, "where it runs is no look"
    assert look('zone = "Asia/Shanghai"', 'zone = "Asia/Tokyo"') != plain
    cards = tmp_path / "cards"
    cards.mkdir()
    own = ("demo = true\n", f'demo = true\ncards_dir = "{cards}"\n')
    first = look(*own)
    (cards / "customer.xml.j2").write_text("<card/>")
    assert first != look(*own)


@pytest.mark.parametrize("said", ['[granted]\nphone = ["sms"]', '[applications.web]\nread = ["owner"]'])
def test_what_an_application_may_have_is_of_the_look(tmp_path: Path, said: str) -> None:
    def look(extra: str) -> str:
        return look_of(load(configured(tmp_path, "http://127.0.0.1:1", extra)), b"k")

    assert look("") == look("[devices]\nsubject = true") != look(said)


@pytest.mark.parametrize("said", ['[granted]\nphone = ["sms"]', '[applications.web]\nread = ["name", "owner"]'])
async def test_what_an_application_may_not_have_any_more_goes_from_the_cards_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    def but_for_the_port(config: Config, key: bytes) -> str:
        return look_of(config.model_copy(update={"channels": {}}), key)

    monkeypatch.setattr("gateway.afresh.look_of", but_for_the_port)
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert PHONE in text(live.card("deal").card)
    async with opened(tmp_path, live.clock, live.chat) as same:
        await same.settle()
        assert same.card("deal").paints == 1, "nothing is another"
    async with opened(tmp_path, live.clock, live.chat, extra=said) as tightened:
        await tightened.settle()
        assert PHONE not in text(tightened.card("deal").card)


async def test_a_redraw_waits_until_all_who_run_draw_alike_and_not_for_ever(both: tuple[Live, Live]) -> None:
    one, two = both
    drawn = _counted(both)
    two.house.afresh._look = "another release's"
    await two.house.afresh._beat()
    one.clock.ahead(seconds=16)
    await one.house.schedule.once()
    assert not drawn and await _asked(one) == 1, "two releases side by side"
    await two.house.afresh.end(await two.house.afresh.changes())
    one.clock.ahead(seconds=16)
    await one.house.schedule.once()
    assert drawn == [1] and await _asked(one) == 0
    await two.house.afresh._beat()
    await one.house.afresh._ask("redraw", 0)
    one.clock.ahead(seconds=MIXED_MS / 1000 + 1)
    await two.house.afresh._beat()
    await one.house.schedule.once()
    assert drawn == [1, 1], "they ran side by side for too long"


async def test_the_second_of_two_like_gateways_asks_for_nothing(both: tuple[Live, Live]) -> None:
    one, two = both
    one.clock.ahead(seconds=16)
    await one.house.schedule.once()
    assert await _asked(one) == 0
    await two.house.afresh.end(await two.house.afresh.changes())
    assert not await two.house.afresh.begin() and await _asked(one) == 0


async def test_who_was_killed_is_noticed_by_the_other(both: tuple[Live, Live]) -> None:
    one, two = both
    one.clock.ahead(seconds=16)
    await one.house.schedule.once()
    one.clock.ahead(seconds=GONE_MS / 1000 + 1)
    await one.house.afresh._beat()
    assert await two.house.afresh._buried(await two.house.afresh._others()) == 0, "the one that runs"
    assert await one.house.afresh._buried(await one.house.afresh._others()) == 1
    assert await _asked(one) == 1
    assert await one.house.afresh._buried(await one.house.afresh._others()) == 0, "once"


async def test_however_many_follow_a_policy_the_cards_are_drawn_once(both: tuple[Live, Live]) -> None:
    one, _ = both
    await second_admin(one)
    one.clock.ahead(seconds=16)
    await one.house.schedule.once()
    drawn = _counted(both)
    await changed(one, {"mine.cedar": NO_NOTES})
    for each in both:
        assert await Following(each.s, each.house.afresh).once()
        one.clock.ahead(seconds=1)
    assert not drawn
    one.clock.ahead(seconds=1)
    for each in both:
        await each.house.schedule.once()
    assert drawn == [1]


def _counted(both: tuple[Live, Live]) -> list[int]:
    drawn: list[int] = []

    def of(live: Live) -> None:
        whole = live.house.afresh.all

        async def counted() -> None:
            drawn.append(1)
            await whole()

        live.house.afresh.all = counted  # type: ignore[method-assign]

    for each in both:
        of(each)
    return drawn


async def test_very_many_rooms_leave_room_for_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as live:
        rooms = [f"web/r{n}" for n in range(1_000)]

        async def many() -> list[str]:
            return rooms

        most = 0

        def waiting() -> int:
            nonlocal most
            most = max(most, live.s.bus.waiting)
            return live.s.bus.waiting

        monkeypatch.setattr(live.s.slots, "rooms", many)
        monkeypatch.setattr(live.s.pressure, "near", Pressure(waiting, {"card": 400}).near)
        await live.house.afresh.all()
        await until(lambda: not live.house.worker.busy)
        assert 0 < most <= 200


async def test_who_changed_just_before_a_stop_is_followed_by_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        await live.s.people.deactivate(live.s.people.persons()[0].id)
    async with opened(tmp_path, live.clock, live.chat) as next_:
        assert await _asked(next_) == 0, "an orderly stop is no crash"
        await next_.settle()
        assert next_.card("deal").paints == 2


async def test_a_stop_that_cannot_queue_what_changed_is_as_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tired() -> int:
        raise Retry(1.0)

    async with opened(tmp_path) as live:
        monkeypatch.setattr(live.house.lists, "grown", tired)
    async with opened(tmp_path, live.clock, live.chat) as next_:
        assert await _asked(next_) == 1
