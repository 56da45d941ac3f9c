"""The console's page of mentions, without a browser: tried, reported, taken back, named; and for admins alone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from channels.model import ImId, Place, Sender
from gateway.store.mentioning import Lesson
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.world import HERO, World

ROOM = "web/r_east"
HOSTILE = "<script>x</script>\u202e\x00*b*" + "😀" * 1000


def seen(page: str) -> str:
    """What stands on it, without marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def entered(visitor: Visitor) -> str:
    csrf = await visitor.enter()
    await visitor.get("/console?lang=en")
    return csrf


async def known_room(world: World) -> None:
    s = world.house.services
    who = Sender(ImId("web", "demo", "user", "u_liting"), "李婷", "member")
    await s.rooms.joined(Place("web", "r_east"), who, s.people.person("p_liting"))
    await s.rooms.store.quiet(ROOM, 0)


async def try_(visitor: Visitor, csrf: str, text: str, room: str = "") -> str:
    status, page, _ = await visitor.post("/console/mentions/try", {"csrf": csrf, "text": text, "room": room})
    assert status == 200
    return seen(page)


async def reported(world: World, name: str, kinds: Sequence[str]) -> None:
    now = world.clock.now()
    lessons = [Lesson(name, ROOM, f"m{at}", kind, now, "", "p_liting") for at, kind in enumerate(kinds)]
    await world.house.services.mentioning.teach(lessons)


async def test_nobody_but_an_admin_sees_or_does_anything(world: World) -> None:
    async with Visitor(world) as visitor:
        assert (await visitor.get("/console/mentions"))[2].url.path == "/console"
        for path in ("try", "undo", "word", "name"):
            assert (await visitor.post(f"/console/mentions/{path}", {"csrf": "x", "text": "华星医疗"}))[0] == 403
        await visitor.enter()
        for path in ("try", "undo", "word", "name"):
            assert (await visitor.post(f"/console/mentions/{path}", {"text": "华星医疗"}))[0] == 403, "no csrf"


async def test_a_message_is_tried_with_what_would_be_shown_and_why(world: World) -> None:
    await known_room(world)
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        told = await try_(visitor, csrf, "明天去华星医疗谈续约，祝一切顺利", ROOM)
        assert "A card would float here. 华星医疗" in told
        assert "sure" in told and "against: a common word" in told and "less sure than 54 %" in told
        assert "judged as Chinese" in told
        told = await try_(visitor, csrf, "远航科技的合同", ROOM)
        assert "The author alone would be asked which of these is meant." in told and "2 are called so" in told
        told = await try_(visitor, csrf, "明天去华兴医疗谈续约")
        assert "The author alone would be asked if this is meant. 华星医疗" in told
        told = await try_(visitor, csrf, "大家好")
        assert "Nothing would be shown." in told
    s = world.house.services
    assert await s.trail.latest(10) == [], "nothing is kept"
    assert (await s.mentioning.known(ROOM, [], since=0, taught_since=0)).recent == {}


async def test_the_reason_for_silence_is_told(world: World) -> None:
    await known_room(world)
    s = world.house.services
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        told = await try_(visitor, csrf, "> 明天去华星医疗", ROOM)
        assert "Nothing would be shown." in told and "华星医疗 is named only in a quote" in told
        await s.rooms.store.quiet(ROOM, world.clock.now() + 60_000)
        told = await try_(visitor, csrf, "明天去华星医疗", ROOM)
        assert "Nothing would be shown." in told and "This room asked for quiet." in told
        await s.rooms.store.quiet(ROOM, 0)
        await s.mentioning.budget(ROOM, 0)
        told = await try_(visitor, csrf, "明天去华星医疗", ROOM)
        assert "the budget is spent" in told and "the room's budget is 0" in told


async def test_a_report_is_taken_back_and_who_did_it_stays_on_record(world: World) -> None:
    await reported(world, "顺利", ["none", "none", "none"])
    await world.house.services.rooms.store.choose(ROOM, "顺利", "", "p_liting", 1)
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        page = (await visitor.get("/console/mentions"))[1]
        assert "李婷 Li Ting" in seen(page) and "a common word?" in seen(page)
        for id_ in re.findall(r'type="hidden" name="report" value="([0-9a-f]{32})"', page):
            status, page, _ = await visitor.post("/console/mentions/undo", {"csrf": csrf, "report": id_})
            assert status == 200 and "It is taken back." in page
        assert "taken back by 赵磊" in seen(page) and "a common word?" not in seen(page)
        assert await world.house.services.rooms.store.choice(ROOM, "顺利") is None, "the room hears it again"
        assert "gone" in str((await visitor.post("/console/mentions/undo", {"csrf": csrf, "report": id_}))[2].url)


async def test_a_common_word_is_accepted_refused_taken_back_and_forgotten(world: World) -> None:
    await reported(world, "顺利", ["none", "none", "none"])
    store = world.house.services.mentioning
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        for word, common in (("accept", "accepted"), ("refuse", "refused"), ("forget", "")):
            await visitor.post("/console/mentions/word", {"csrf": csrf, "name": "顺利", "word": word})
            assert [each.common for each in await store.learned(0)] == [common]
        await visitor.post("/console/mentions/word", {"csrf": csrf, "name": "顺利", "word": "undo"})
        assert await store.learned(0) == []
        for name, word in (("", "accept"), ("x", "explode"), ("\u200b", "accept"), ("a\x00b", "accept")):
            page = (await visitor.post("/console/mentions/word", {"csrf": csrf, "name": name, "word": word}))[1]
            assert "This cannot be a name" in page


async def test_an_admins_name_is_heard_at_once_never_goes_before_it_and_both_are_taken_back(world: World) -> None:
    names = world.house.services.records.names
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        form = {"csrf": csrf, "record": HERO, "name": "星星医院", "kind": "alias", "q": "华星医疗"}
        page = (await visitor.post("/console/mentions/name", form))[1]
        assert "The customer is heard by that name now." in page and "also called so" in seen(page)
        assert [one.candidates[0].ref for one in names.find("去星星医院")] == [HERO]
        await visitor.post("/console/mentions/name", {**form, "kind": "never"})
        assert names.find("去星星医院") == []
        await visitor.post("/console/mentions/name", {**form, "name": "华星医疗", "kind": "never"})
        assert names.find("去华星医疗") == []
        for name in ("华星医疗", "星星医院"):
            await visitor.post("/console/mentions/name", {**form, "name": name, "kind": ""})
        assert [one.candidates[0].ref for one in names.find("去华星医疗和星星医院")] == [HERO]


async def test_what_cannot_be_a_name_or_a_customer_is_refused(world: World) -> None:
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        for name in ("", "x", "…", "a\x07b\x00c", "n" * 201, "\u202eabc"):
            form = {"csrf": csrf, "record": HERO, "name": name, "kind": "alias"}
            assert "This cannot be a name" in (await visitor.post("/console/mentions/name", form))[1], repr(name)
        for record, kind in (("local:account:nobody", "alias"), (HERO, "sometimes"), ("", "never")):
            form = {"csrf": csrf, "record": record, "name": "星星医院", "kind": kind}
            assert "There is no such customer." in (await visitor.post("/console/mentions/name", form))[1]
        assert world.house.services.records.naming.all() == []


async def test_hostile_text_is_shown_and_does_nothing(world: World) -> None:
    await reported(world, HOSTILE[:400].replace("\x00", ""), ["none", "wrong", "wrong"])
    async with Visitor(world) as visitor:
        csrf = await entered(visitor)
        for text in (HOSTILE, "华星医疗" * 2000, "\r\n" * 3000, f"{HOSTILE}华星医疗"):
            form = {"csrf": csrf, "text": text, "room": HOSTILE[:300]}
            status, page, _ = await visitor.post("/console/mentions/try", form)
            assert status == 200 and "<script>" not in page
        status, page, _ = await visitor.get("/console/mentions?q=%3Cscript%3E%00")
        assert status == 200 and "<script>" not in page and "No customer is found" in page
