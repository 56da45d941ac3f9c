"""The other ways out: previews of links, a form asked field by field, the page of a form, an edit said in words, and
the live feed of the chat. Each as everybody, before and after a role, the room and the policies change."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from channels.model import Forms, ImId, Linked, MessageRef, Place, Pressed, Sender
from channels.web import Channel
from crm.local.crm import LocalCrm
from gateway.asked import Asked
from gateway.demo import run as demo
from gateway.intake import accept
from gateway.pages import FormLink
from gateway.store.tokens import PAGE_MS, TokenStore
from identity.access import AccessPolicy
from identity.model import Person
from tests.disclosure.planted import CHANGED, EXTRA, FIELDS, TITLE, Plot, excess, permitted, plant
from tests.disclosure.test_walk import EVERYBODY, NARROW, Walk, walking
from tests.gateway.chat.house import until
from tests.gateway.fake_chat import Message, buttons
from tests.gateway.fake_chat import text as read
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAMES, SUN, WANG, kind_of
from tests.gateway.http.visiting import Browser

ADDRESS = "https://crm.example/customers/{id}"
MARKED, NOTED = "zqindustry", "zqnote"
"""How what is confidential begins, on a form and on a card."""


@contextlib.asynccontextmanager
async def walked(folder: Path) -> AsyncIterator[Walk]:
    async with walking(folder, "public", {"[crms.local]\n": f'[crms.local]\nlink = "{ADDRESS}"\n'}) as walk:
        walk.part = "before"
        yield walk
        assert not walk.bad, chr(10).join(sorted(set(walk.bad))[:40])


async def demoted(walk: Walk) -> None:
    """The rep of the customer is an employee like any other; then nobody may see more than what is public."""
    li = walk.live.s.people.person("p_liting")
    assert li is not None
    await walk.live.s.people.put(replace(li, roles=frozenset({"employee"}), team=""))
    walk.part = "after the role went"
    await walk.settled()


async def narrowed(walk: Walk) -> None:
    walk.live.s.access.use(AccessPolicy.of({"none.cedar": NARROW}).ruling)
    await walk.live.house.afresh.all()
    walk.part = "after the policies changed"
    await walk.settled()


# Previews -----------------------------------------------------------------------------------------------------------


async def previewed(walk: Walk, room: str, person: str) -> str:
    place, number = Place("web", room), next(walk.live.chat.serial)
    who = Sender(ImId("web", "demo", "user", person), NAMES[person], kind_of(person))  # type: ignore[arg-type]
    at, url = MessageRef(place, f"m{number}"), ADDRESS.replace("{id}", "hx-medical")
    await accept(walk.live.s, Linked(f"web:l{number}", place, who, at, url, walk.live.clock.now()))
    await walk.settled()
    return "\n".join(read(each.card) for each in walk.live.cards(room)[-1:])


async def test_the_preview_of_a_link_tells_each_room_what_it_may_see(tmp_path: Path) -> None:
    async with walked(tmp_path) as walk:
        told = {room: await previewed(walk, room, LI) for room in ("deal", "east", "partner", f"d_{SUN}", "d_u_guest")}
        assert NOTED in told["deal"] and NOTED not in told["partner"]
        assert TITLE in told["partner"], "what is public"
        await walk.live.join(GUEST, "deal")
        walk.part = "after a guest came"
        await walk.settled()
        assert NOTED not in read(walk.live.cards("deal")[-1].card)
        await demoted(walk)
        await narrowed(walk)
        assert NOTED not in "".join(read(card.card) for card in walk.live.cards("east"))
        await previewed(walk, "east", LI)


# A form asked field by field ----------------------------------------------------------------------------------------


def without_forms(walk: Walk, patched: pytest.MonkeyPatch) -> None:
    """The chat as a network that has no forms, and writes to each alone."""
    channel = walk.live.s.channels["web"]
    assert isinstance(channel, Channel)
    able = {name: each for name, each in vars(Channel).items() if name not in ("open", "__dict__", "__weakref__")}
    mine = {**able, **{name: each for name, each in vars(type(channel)).items() if name in ("watched", "s")}}
    patched.setattr(
        channel, "__class__", type("Asking", (), {**mine, "limits": replace(channel.limits, asks_forms=True)})
    )
    assert not isinstance(channel, Forms)


async def pressed(walk: Walk, person: str, card: Message) -> None:
    for button in buttons(card.card, "edit")[:1]:
        await walk.press(person, card, button)
    await walk.settled()


async def answered(walk: Walk, person: str, *words: str) -> None:
    for word in words:
        await walk.live.say(person, f"d_{person}", word, addressed=True)
        await walk.settled()


def asked(walk: Walk, person: str) -> str:
    return "\n".join(read(each.card) for each in walk.live.chat.whispers(f"d_{person}", person))


async def test_a_form_asked_field_by_field_tells_its_present_values_to_whom_may_see_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with walked(tmp_path) as walk:
        await walk.say(LI, "deal", f"{TITLE} 的合同")
        without_forms(walk, monkeypatch)
        (card,), seen = walk.live.cards("deal"), dict[str, str]()
        for person in EVERYBODY:
            await pressed(walk, person, card)
            for _ in range(12):
                seen[person] = seen.get(person, "") + asked(walk, person)
                await answered(walk, person, "/keep")
        assert MARKED in seen[LI] and "zqdescription" in seen[LI], "its present values are told to who owns it"
        assert "zq" not in seen[GUEST] and "zq" not in seen[SUN]
        await pressed(walk, LI, card)
        while MARKED not in asked(walk, LI):
            await answered(walk, LI, "/keep")
        await demoted(walk)
        await walk.live.house.spine.refresh(HERO)
        await walk.settled()
        assert MARKED not in asked(walk, LI), "a question that is up goes when who was asked may not know it any more"
        await answered(walk, LI, "zqanswer", "/keep", "/save", "/cancel")
        await pressed(walk, WANG, card)
        await narrowed(walk)
        await answered(walk, WANG, "/keep", "zqanswer", "/save")


# The page of a form -------------------------------------------------------------------------------------------------


async def link_for(walk: Walk, user: str) -> str:
    s, person = walk.live.s, walk.live.s.people.linked("im", f"web/demo/user/{user}")
    id_ = person.id if person is not None else ""
    once = await TokenStore(s.store, s.clock).page_link(id_)
    place, ends = Place("web", "deal"), s.clock.now() + PAGE_MS
    return FormLink(id_, ImId("web", "demo", "user", user), place, HERO, once, ends).signed(s)


async def test_the_page_of_a_form_tells_its_reader_what_they_may_see_and_nobody_else(tmp_path: Path) -> None:
    async with walked(tmp_path) as walk, contextlib.AsyncExitStack() as closing:
        s, pages = walk.live.s, dict[str, tuple[str, Browser]]()
        nobody = Browser(walk.live.url)
        closing.push_async_callback(nobody.session.close)
        for user in EVERYBODY:
            link, browser = await link_for(walk, user), Browser(walk.live.url)
            closing.push_async_callback(browser.session.close)
            walk.judge("a page not opened yet", await nobody.go(link), set())
            walk.judge(f"the page of {user}", await browser.open(link), permitted(s, [user], "direct"))
            walk.judge("a link opened by another", await nobody.open(link), set())
            pages[user] = link, browser
        assert MARKED in pages[LI][1].page and "zqdescription" in pages[LI][1].page
        assert "zq" not in pages[GUEST][1].page and "zq" not in pages[SUN][1].page
        for user in (LI, WANG):
            link, browser = pages[user]
            form = {**browser.fields(), "v.industry": walk.plot.mark("industry", "confidential")}
            walk.judge(f"what {user} is answered", await browser.send(link, form), permitted(s, [user], "direct"))
            walk.judge(f"the page of {user}, later", await browser.go(link), permitted(s, [user], "direct"))
        await walk.settled()
        stale = {user: browser.fields() for user, (_, browser) in pages.items() if user in (LI, WANG)}
        for change in (demoted, narrowed):
            await change(walk)
            for user, (link, browser) in pages.items():
                grades = permitted(s, [user], "direct")
                walk.judge(f"the page of {user}", await browser.go(link), grades)
                if user in stale:
                    walk.judge(f"what {user} is answered", await browser.send(link, stale[user]), grades)
        assert MARKED not in pages[LI][1].page


# An edit said in words ----------------------------------------------------------------------------------------------


async def test_an_edit_said_in_words_is_answered_with_nothing_its_author_may_not_see(tmp_path: Path) -> None:
    async with walked(tmp_path) as walk:
        await walk.say(LI, "deal", f"{TITLE} 的合同")
        (card,) = walk.live.cards("deal")
        data = buttons(card.card, "edit")[0]["data"]
        at = MessageRef(Place("web", "deal"), card.id)

        async def said(person: str, words: str) -> None:
            who = Sender(ImId("web", "demo", "user", person), NAMES[person], kind_of(person))  # type: ignore[arg-type]
            once = f"web:typed:{next(walk.live.chat.serial)}"
            pressed = Pressed(once, at.place, who, "edit", data, walk.live.clock.now(), at, typed=words, painted_at=1)
            answer = await Asked(walk.live.s).answer("web", pressed)
            walk.judge(f"{person} says {words}", repr(answer), permitted(walk.live.s, [person], "direct"))

        for change in (None, demoted, narrowed):
            if change is not None:
                await change(walk)
            for person in EVERYBODY:
                for name in (*FIELDS.values(), "nothing"):
                    await said(person, f"{name} {'x' * 5_000 if person == LI else 'zqtyped'}")
            await walk.settled()


# The live feed of the chat ------------------------------------------------------------------------------------------


class Feed:
    """Somebody's window: what its stream told since it was looked at last."""

    def __init__(self, session: aiohttp.ClientSession, url: str, person: str) -> None:
        self.session, self.url, self.person = session, url, person
        self.lines: list[str] = []

    async def run(self) -> None:
        endless = aiohttp.ClientTimeout(total=None)
        async with self.session.get(f"{self.url}/demo/events?as={self.person}&window=w", timeout=endless) as stream:
            async for raw in stream.content:
                self.lines.append(raw.decode())

    def told(self) -> str:
        lines, self.lines = self.lines, []
        return "".join(lines)

    async def ask(self, method: str, path: str, **body: object) -> str:
        more = {"json": body} if method != "GET" else {}
        async with self.session.request(method, f"{self.url}/demo/api/page/{path}?as={self.person}", **more) as told:  # type: ignore[arg-type]
            return await told.text()


@contextlib.asynccontextmanager
async def demonstrated(folder: Path, patched: pytest.MonkeyPatch) -> AsyncIterator[demo.Demo]:
    """The real demo with a class for each field, its loops and its feed."""
    text = demo.TEMPLATE.read_text("utf-8")
    for old, new in CHANGED.items():
        text = text.replace(old, new)
    (folder / "template.toml").write_text(f"{text}\n{EXTRA}", "utf-8")
    patched.setattr(demo, "TEMPLATE", folder / "template.toml")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    opened = await demo.open_demo(folder / "house", port)
    try:
        yield opened
    finally:
        await opened.close()


async def test_the_live_feed_tells_each_window_what_its_person_may_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plot = Plot()
    async with demonstrated(tmp_path, monkeypatch) as house, aiohttp.ClientSession() as session:
        s, crm = house.house.services, house.house.services.crms["local"]
        assert isinstance(crm, LocalCrm)
        await s.people.put(Person("p_mark", "Mark", frozenset({"marketing", "employee"}), "east"))
        await plant(crm, s, plot, "public")

        async def known() -> bool:
            record = await s.records.mirrored(HERO)
            return record is not None and record.title == TITLE

        async with asyncio.timeout(30):
            while not await known():
                await asyncio.sleep(0.02)
        feeds = {person: Feed(session, house.server.address, person) for person in (LI, CHEN, WANG, SUN, GUEST)}
        tasks = [asyncio.create_task(each.run()) for each in feeds.values()]
        try:
            await _feed_walk(house, feeds, plot)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _pressed(feed: Feed, room: str) -> str:
    """What there is to press on the cards there, and what that is answered with."""
    told = ""
    entries = json.loads(await feed.ask("GET", f"rooms/{room}/entries"))["entries"]
    for entry in (each for each in entries if each.get("card")):
        for button in (*buttons(entry["card"], "show_me"), *buttons(entry["card"], "edit")):
            body = {"message": entry["id"], "action": button["action"], "data": button["data"], "window": "w"}
            told += await feed.ask("POST", "press", room=room, **body)
    return told


async def _feed_walk(house: demo.Demo, feeds: dict[str, Feed], plot: Plot) -> None:
    s, heard, bad = house.house.services, dict.fromkeys(feeds, ""), list[str]()
    number = iter(range(99))

    async def looked(when: str) -> None:
        """What every window told since; a word of the person's own comes after all that was on its way."""
        await until(lambda: not house.house.worker.busy)
        for person, feed in feeds.items():
            mark = f"fin{next(number)}"
            room = "r_partner" if person in (SUN, GUEST) else "r_east"
            await feed.ask("POST", "entries", room=room, text=mark)
            await until(lambda feed=feed, mark=mark: any(mark in line for line in feed.lines))  # type: ignore[misc]
            may = permitted(s, [person], "direct") | permitted(s, [person], "group")
            text = feed.told()
            heard[person] += text
            if found := excess(plot, text, may):
                bad.append(f"{when}: {person} is told {sorted(mark.part for mark in found)}")
            state = await feed.ask("GET", "state") + await feed.ask("GET", f"rooms/{room}/entries")
            if found := excess(plot, state, may):
                bad.append(f"{when}: {person} reads {sorted(mark.part for mark in found)}")

    for room in ("r_east", "r_deal", "r_partner"):
        await feeds[LI].ask("POST", "entries", room=room, text=f"{TITLE} 的合同")
    await until(lambda: NOTED in "".join(feeds[CHEN].lines))
    await looked("at first")
    for person, feed in feeds.items():
        answered = await _pressed(feed, "r_partner" if person in (SUN, GUEST) else "r_deal")
        assert not excess(plot, answered, permitted(s, [person], "direct")), person
        assert (MARKED in answered) is (person in (LI, CHEN, WANG))
    await looked("after everybody pressed")
    li = s.people.person("p_liting")
    assert li is not None
    await s.people.put(replace(li, roles=frozenset(), team=""))
    await until(lambda: '"card"' in "".join(feeds[CHEN].lines))  # what is up is drawn again, for her as well
    await looked("after the role went")
    await feeds[WANG].ask("POST", "rooms/r_deal/members", person=GUEST)
    await until(lambda: '"card"' in "".join(feeds[CHEN].lines))
    await looked("after a guest came")
    assert NOTED in heard[LI]
    assert not [person for person in (SUN, GUEST) if NOTED in heard[person]]
    assert not bad, chr(10).join(bad)
