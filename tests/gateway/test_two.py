"""Two whole gateways on one PostgreSQL and one Redis, one chat before them and one CRM behind them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection
from sqlalchemy import text as text_

from crm.model import RecordRef
from gateway.bus import redis as redis_bus
from gateway.bus import redis_lanes
from gateway.clock import SystemClock
from gateway.store.naming import Called
from tests.engines.redis import Redis
from tests.gateway.bus.benches import until
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, HERO, LI, NAME, Hands, Live, members, opened


@pytest.fixture
async def both(
    tmp_path: Path, postgresql_url: str, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Live, Live]]:
    monkeypatch.setattr(redis_lanes, "TTL_MS", 3_000)
    monkeypatch.setattr(redis_bus, "TICK_S", 0.2)
    monkeypatch.setattr("gateway.house.FOLLOW_S", 0.1)
    # the chat before each house here has a port of its own, which is a part of the configuration
    monkeypatch.setattr("gateway.afresh.look_of", lambda config, key: "alike")
    (tmp_path / "floatcard.db").touch()  # nothing of it is used
    changed = engines(tmp_path, postgresql_url, redis_server)
    async with contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(opened(tmp_path, changed=changed))
        two = await stack.enter_async_context(opened(tmp_path, one.clock, one.chat, changed=changed))
        loops = [asyncio.create_task(each.house._follow_others()) for each in (one, two)]
        try:
            yield one, two
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


def engines(folder: Path, store: str, redis: Redis) -> dict[str, str]:
    line = next(each for each in _template() if each.startswith("store = "))
    both = f'store = "{store}"\nbus = "{redis.url()}"\n'
    return {line.replace('"sqlite:///', f'"sqlite:///{folder.as_posix()}/'): both}


def _template() -> list[str]:
    from gateway.demo.run import TEMPLATE

    return TEMPLATE.read_text("utf-8").splitlines()


async def test_a_message_told_to_both_floats_one_card_and_an_edit_through_one_repaints_it(
    both: tuple[Live, Live],
) -> None:
    one, two = both
    message = await one.say(LI, "deal", NAME, id="same", message="m1")
    await two.say(LI, "deal", NAME, id="same", message=message)
    await until(lambda: bool(one.cards("deal")), 30)
    card = one.card("deal")
    form = await two.open_form(LI, card)
    answer = await two.submit(LI, "deal", form, phone="+86 512 0000 1234")
    assert answer["kind"] != "errors", answer
    await until(lambda: "0000 1234" in text(one.card("deal").card), 30)
    assert [await live.value("phone") for live in both] == ["+86 512 0000 1234"] * 2
    assert await one.rows("decision", "reason <> 'x'") == await two.rows("inbox")
    assert len(one.cards("deal")) == 1


async def test_what_one_reads_from_the_crm_and_of_people_the_other_knows(both: tuple[Live, Live]) -> None:
    one, two = both
    await one.natively("phone", "+86 512 7777 8888")
    for sweep in one.house.sweeps.values():
        await sweep.once()
    await _comes(lambda: two.s.records.mirrored(HERO), lambda found: found.fields["phone"].value == "+86 512 7777 8888")
    person = one.s.people.linked("im", f"web/demo/user/{CHEN}") or one.s.people.persons()[0]
    await one.s.people.deactivate(person.id)
    await until(lambda: (found := two.s.people.person(person.id)) is not None and not found.active, 30)


async def test_what_one_reads_of_a_customer_stands_on_the_cards_that_the_other_draws(
    both: tuple[Live, Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = both
    rooms = [f"r{n}" for n in range(6)]
    for room in rooms:
        one.chat.room(room, members(LI, CHEN))
        await one.say(LI, room, NAME)
    await until(lambda: all(one.cards(room) for room in rooms), 30)
    for each in both:
        await each.quiet()
    monkeypatch.setattr("gateway.house.FOLLOW_S", 3600.0)  # what is not drawn right at once is never mended
    await asyncio.sleep(0.3)
    await one.crm.delete(RecordRef.parse(HERO), "wang.min")
    await one.house.sweeps["local"].once()
    await until(lambda: all("Deleted in the CRM" in text(one.card(room).card) for room in rooms), 30)


async def test_what_one_finds_gone_under_the_version_it_had_the_other_finds_gone(both: tuple[Live, Live]) -> None:
    one, two = both
    known = await two.s.records.mirrored(HERO)
    assert known is not None
    for deleted in (True, False):
        await one.s.records.put([replace(known, deleted=deleted)])
        await _comes(lambda: two.s.records.mirrored(HERO), lambda found, gone=deleted: found.deleted is gone)


async def test_what_one_committed_long_after_its_time_the_other_hears(both: tuple[Live, Live]) -> None:
    one, two = both
    known = await one.s.records.mirrored(HERO)
    assert known is not None
    late, new = one.clock.now() - 34_000, replace(known, title="Yinghuo Optics", version=known.version + 1)
    await until(lambda: two.house.read_at == one.clock.now(), 30)
    await one.s.mirror.put([new], lambda: late)
    await one.s.records.naming._store.put(Called(HERO, "acme", "Acme", "alias", "p_boss", 0), lambda: late)
    one.clock.ahead(seconds=31)
    await until(lambda: bool(two.s.records.names.find("Yinghuo Optics called")), 30)
    await until(lambda: bool(two.s.records.names.find("Acme called")), 30)


async def test_what_waited_to_be_written_bears_the_time_of_its_writing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        known, free = await live.s.records.mirrored(HERO), threading.Event()
        assert known is not None
        slow = live.s.store.write(lambda _, items: [free.wait(30) for _ in items], None)
        waiting: list[asyncio.Task[Any]] = [asyncio.create_task(slow)]
        await asyncio.sleep(0.05)
        waits = [live.s.records.put([known]), live.s.records.call(HERO, "Acme", "alias", "p_boss")]
        waiting += [asyncio.create_task(each) for each in waits]
        await until(lambda: live.s.store.waiting >= 2, 30)
        live.clock.ahead(seconds=20)
        free.set()
        await asyncio.gather(*waiting)
        now = live.clock.now()
        assert [key for key, *_ in await live.s.mirror.since(now)] == [HERO]
        assert [each.at for each in live.s.records.naming.of(HERO)] == [now]


async def _comes(ask, fits) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(30):
        while (found := await ask()) is None or not fits(found):
            await asyncio.sleep(0.02)


async def test_when_one_is_gone_the_other_has_its_rooms(both: tuple[Live, Live]) -> None:
    one, two = both
    await one.s.bus.close()  # it is gone, and lets go
    await two.say(LI, "deal", NAME)
    await two.say(LI, "east", NAME)
    await until(lambda: bool(two.cards("deal")) and bool(two.cards("east")), 30)


async def test_however_many_start_every_card_is_drawn_again_once_and_soon(both: tuple[Live, Live]) -> None:
    one, two = both
    await one.say(LI, "deal", NAME)
    await until(lambda: bool(one.cards("deal")), 30)
    for each in both:
        await each.quiet()  # or what it is now about to note takes the place of the spoilt
    await one.s.store.write(_spoil, None)
    await two.house.afresh.begin()
    assert await one.rows("due", "kind = 'redraw'") == 1
    assert one.card("deal").paints == 1, "a start makes no room wait"
    one.clock.ahead(seconds=16)
    await two.house.schedule.once()
    await until(lambda: one.card("deal").paints == 2, 30)
    assert await one.rows("due", "kind = 'redraw'") == 0


async def test_what_another_read_while_one_started_is_known_before_its_first_message(
    tmp_path: Path, postgresql_url: str, redis_server: Redis
) -> None:
    (tmp_path / "floatcard.db").touch()
    changed = engines(tmp_path, postgresql_url, redis_server)
    async with contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(opened(tmp_path, changed=changed))
        two = await stack.enter_async_context(opened(tmp_path, one.clock, one.chat, changed=changed))
        await one.crm.create("龙腾重工", "wang.min")
        await one.house.sweeps["local"].once()
        one.clock.ahead(minutes=5)  # so long it took
        await two.house.take_up()
        await one.s.bus.close()
        await two.say(LI, "deal", "明天去龙腾重工")
        await until(lambda: bool(two.cards("deal")), 30)


class Wrong(SystemClock):
    """On a machine whose clock was set wrong."""

    def __init__(self, seconds: int) -> None:
        self._by = seconds * 10**9
        super().__init__()

    def _system(self) -> int:
        return super()._system() + self._by


@pytest.mark.parametrize("wrong", [-3_600, 3_600], ids=["an hour behind", "an hour ahead"])
async def test_what_a_machine_with_a_wrong_clock_reads_the_other_knows(
    tmp_path: Path, postgresql_url: str, redis_server: Redis, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    """And so in both directions: each stamps with its own time, and asks by it what others stamped."""
    (tmp_path / "floatcard.db").touch()
    monkeypatch.setattr("gateway.house.SKEW_MS", 500)
    changed = engines(tmp_path, postgresql_url, redis_server)
    async with contextlib.AsyncExitStack() as stack:
        right, off = cast("Hands", SystemClock()), cast("Hands", Wrong(wrong))
        one = await stack.enter_async_context(opened(tmp_path, right, changed=changed))
        two = await stack.enter_async_context(opened(tmp_path, off, one.chat, changed=changed))
        assert abs(right.now() - off.now()) < 500
        for reads, hears in ((two, one), (one, two)):
            await hears.house._catch_up()
            known = await reads.s.records.mirrored(HERO)
            assert known is not None
            assert await hears.s.records.mirrored(HERO) == known
            await asyncio.sleep(0.6)  # of what was read before this, nobody is told again
            await hears.house._catch_up()
            await reads.s.records.put([replace(known, deleted=not known.deleted)])
            await hears.house._catch_up()
            found = await hears.s.records.mirrored(HERO)
            assert found is not None
            assert found.deleted is not known.deleted


def _spoil(connection: Connection, _: Sequence[None]) -> list[None]:
    connection.execute(text_("UPDATE slot SET digest = 'other'"))
    return [None]
