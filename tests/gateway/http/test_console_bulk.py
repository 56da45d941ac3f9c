"""Several at once in the console, what narrows its lists down, what is taken away, and the overview's charts."""

from __future__ import annotations

import csv
import html
import io
import re

from cards.words import Reader
from channels.doctor import Finding
from gateway.console.checks import Check, Checked, Checks
from gateway.console.figures import DAYS, past
from gateway.store.mentioning import Lesson
from identity.model import Person
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import entered, reported
from tests.gateway.http.test_console_pages import ROOM, edited, hidden, page, room
from tests.gateway.http.test_policies import ONE, TWO, disputed
from tests.gateway.http.world import HERO, World


async def test_rooms_are_narrowed_down_and_several_made_quiet_and_loud_again(world: World) -> None:
    await room(world, "r_partner", "u_guest")
    await room(world, "r_east")
    s = world.house.services
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        outside = await page(visitor, "rooms?which=outside")
        assert "room r_partner" in outside and "room r_east" not in outside
        assert "No room of that kind." in await page(visitor, "rooms?which=quiet")
        sent = [("csrf", csrf), ("room", ROOM), ("room", "web/r_east"), ("room", "web/none"), ("for", "4h")]
        told = (await visitor.post("/console/rooms/hush", sent))[1]
        assert "Rooms that are quiet now: 2." in told
        assert (await s.rooms.store.state("web/r_east")).quiet_until > world.clock.now()
        quiet = await page(visitor, "rooms?which=quiet")
        assert "room r_partner" in quiet and "room r_east" in quiet
        back = [("csrf", csrf), ("room", ROOM), ("for", "")]
        assert "may float again: 1." in (await visitor.post("/console/rooms/hush", back))[1]
        assert (await s.rooms.store.state(ROOM)).quiet_until == 0
        assert "Nothing was chosen." in (await visitor.post("/console/rooms/hush", [("csrf", csrf)]))[1]


async def test_conflicts_are_narrowed_down_and_several_settled_for_the_side_their_page_showed(world: World) -> None:
    await disputed(world)
    ledger = world.house.services.ledger
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        assert "None of these" in await page(visitor, "conflicts?field=address")
        told = (await visitor.get("/console/conflicts?field=phone"))[1]
        [(id_, data)] = re.findall(r'name="newest-([^"]+)" value="([^"]+)"', told)
        assert "newest value" in told
        form = {"csrf": csrf, "to": "newest", "conflict": id_, f"newest-{id_}": html.unescape(data)}
        assert "Nothing was chosen." in (await visitor.post("/console/conflicts/several", {**form, "to": "crm"}))[1]
        assert "Settled: 1." in (await visitor.post("/console/conflicts/several", form))[1]
        state = await ledger.state(HERO, "phone")
        assert state is not None and state.conflict is None and state.value in (ONE, TWO)
        assert "None was settled" in (await visitor.post("/console/conflicts/several", form))[1]
        forged = {**form, f"newest-{id_}": html.unescape(data)[:-4] + "AAAA"}
        assert (await visitor.post("/console/conflicts/several", forged))[0] == 403
        undo = hidden((await visitor.get("/console/conflicts?which=settled"))[1], "conflicts/undo")
        assert "The conflict is open again" in (await visitor.post("/console/conflicts/undo", undo))[1]


async def test_customers_are_narrowed_down_and_taken_away_with_what_one_may_see(world: World) -> None:
    await disputed(world)
    await edited(world, "address", "=HYPERLINK(1)")
    people = world.house.services.people
    await people.put(Person("p_boss", "Manager", frozenset({"manager"})))
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        listed = await page(visitor, "customers?which=disputed")
        assert "华星医疗" in listed and "1 undecided" in listed
        assert "No customer of that kind." in await page(visitor, "customers?which=refused")
        form = {"csrf": csrf, "which": "disputed", "q": ""}
        status, told, answer = await visitor.post("/console/customers/export", form)
        assert status == 200 and answer.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(told.removeprefix("\ufeff"))))
        assert [row["key"] for row in rows] == [HERO] and rows[0]["address"] == "'=HYPERLINK(1)"
        everybody = (await visitor.post("/console/customers/export", {"csrf": csrf}))[1]
        assert everybody.count("\r\n") == 61
        world.clock.advance(3600 // 4 * 3)
        asked = (await visitor.post("/console/customers/export", form))[2]
        assert asked.url.path == "/console/again", "whoever takes data out proves who they are"


async def test_several_reports_and_words_are_dealt_with_at_once(world: World) -> None:
    await reported(world, "顺利", ["none", "none", "none"])
    store = world.house.services.mentioning
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        ids = re.findall(
            r'type="checkbox" name="report" value="([0-9a-f]{32})"', (await visitor.get("/console/mentions"))[1]
        )
        told = (await visitor.post("/console/mentions/undo", [("csrf", csrf), *(("report", each) for each in ids)]))[1]
        assert f"Taken back: {len(ids)}." in told and len(ids) == 3
        assert all(each.ended_at for each in await store.reported())
        form = [("csrf", csrf), ("name", "顺利"), ("name", "平安"), ("word", "accepts")]
        assert "Your word is kept on names: 2." in (await visitor.post("/console/mentions/word", form))[1]
        said = {each.name: each.common for each in await store.learned(0)}
        assert said == {"顺利": "accepted", "平安": "accepted"}


# -- the overview


async def test_the_overview_counts_by_day_in_the_readers_zone(world: World) -> None:
    s, now = world.house.services, world.clock.now()
    await edited(world, "tier", "VIP")
    await disputed(world)
    day = 86_400_000
    for n, at in enumerate((now, now - day, now - 20 * day)):
        await s.mentioning.teach([Lesson("x", ROOM, f"m{n}", "wrong", at)])
    told = {each.name: each for each in await past(s, Reader("en", "Asia/Kolkata", now))}
    assert {name: each.total for name, each in told.items()} == {"cards": 0, "wrong": 2, "edits": 3, "conflicts": 1}
    assert all(len(each.bars) == DAYS for each in told.values())
    assert [bar.count for bar in told["wrong"].bars][-2:] == [1, 1] and told["edits"].bars[-1].count == 3
    assert max(bar.height for bar in told["edits"].bars) == 48
    async with Visitor(world) as visitor:
        await entered(visitor)
        overview = (await visitor.get("/console"))[1]
        assert "Edits by people: 3 in all, 3 today" in overview and "style=" not in overview


async def test_what_the_overview_counts_is_asked_again_after_half_a_minute(world: World) -> None:
    s = world.house.services

    async def edits() -> int:
        told = {each.name: each for each in await past(s, Reader("en", "UTC", world.clock.now()))}
        return told["edits"].total

    before = await edits()
    await edited(world, "tier", "VIP")
    assert await edits() == before
    world.clock.advance(31)
    assert await edits() == before + 1


async def test_the_overview_says_who_does_not_take_us_and_what_mends_it(world: World) -> None:
    s, reader = world.house.services, Reader("en", "UTC", world.clock.now())

    async def refused(*_: object) -> tuple[Finding, ...]:
        return (Finding("connect", "no", "Put {what} in.", {"what": "<b>the key</b>"}),)

    def of(told: Checked) -> Check:
        return next(each for each in told.wrong if each.name == "local")

    async def broken(*_: object) -> Finding:
        raise ValueError("a bug")

    import gateway.console.checks as module

    checks = Checks(s)
    kept = module._readable
    try:
        module._readable = refused  # type: ignore[assignment]
        while not (told := await checks.look(reader)).at:
            pass
        check = of(told)
        assert (check.name, check.able, check.fix) == ("local", "no", "Put <b>the key</b> in.")
        module._readable = broken  # type: ignore[assignment]
        assert of(await checks.look(reader)).able == "no", "asked once a minute"
        world.clock.advance(61)
        while of(told := await checks.look(reader)).able == "no":
            pass
        assert of(told).so == "is not known to take us"
    finally:
        module._readable = kept
