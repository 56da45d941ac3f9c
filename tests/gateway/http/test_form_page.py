"""The page of one form: opened once by one person, and then as good as the form of a chat."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cards.samples import NOW
from cards.words import Reader
from channels.model import ImId, Place, Toast
from gateway.console.page import Frame, render
from gateway.http.hosts import PAGES
from gateway.pages import FormLink
from gateway.store.tokens import PAGE_MS, TokenStore
from reconcile.token import sign_button
from tests.cards.corpus import CORPUS
from tests.cards.standard import every_card
from tests.channels.harness import hostile_cards
from tests.gateway.house import CHEN, HERO, LI, Live, opened
from tests.gateway.http.visiting import Browser

NEW = "+86 512 6288 0199"


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with opened(tmp_path) as house:
        yield house


@pytest.fixture
async def browser(live: Live) -> AsyncIterator[Browser]:
    one = Browser(live.url)
    yield one
    await one.session.close()


async def link_of(live: Live, user: str = LI, room: str = "east", **more: Any) -> str:
    person = live.s.people.linked("im", f"web/demo/user/{user}")
    assert person is not None
    once = await TokenStore(live.s.store, live.s.clock).page_link(person.id)
    im, place, expires = ImId("web", "demo", "user", user), Place("web", room), live.clock.now() + PAGE_MS
    made = {"person": person.id, "im": im, "place": place, "record": HERO, "once": once, "expires": expires, **more}
    return FormLink(**made).signed(live.s)


async def test_a_link_survives_a_preview_opens_once_and_tells_nothing_before(live: Live, browser: Browser) -> None:
    link, other = await link_of(live), Browser(live.url)
    for _ in range(3):
        assert "华星" not in await other.go(link) and other.status == 200
    assert "华星" in await browser.open(link) and browser.status == 200
    assert "华星" in await browser.go(link)
    assert "form-action 'self'" in browser.headers["content-security-policy"]
    assert browser.headers["cache-control"] == "no-store" and browser.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in browser.page
    assert "华星" not in await other.open(link) and other.status == 410
    await other.session.close()


async def test_what_was_not_signed_here_is_no_page(live: Live, browser: Browser) -> None:
    good = await link_of(live)
    button = live.s.buttons.data("edit", r=HERO)
    foreign = sign_button({"a": "page", "d": "elsewhere", "l": []}, live.s.keys.buttons)
    short = sign_button({"a": "page", "d": "demo", "l": ["p"]}, live.s.keys.buttons)
    for bad in (good[:-2] + "xx", button, foreign, short, "b1", "a" * 5_000, "p1..", "b1.%00.x"):
        for _ in range(2):
            await browser.open(bad)
            assert browser.status in (404, 410), bad
    assert any(page in f"/form/{good}" for page in PAGES), "asked for under another name it is refused"


async def test_a_link_ends_and_so_does_its_page(live: Live, browser: Browser) -> None:
    late, opened_ = await link_of(live), await link_of(live)
    await browser.open(opened_)
    form = browser.fields()
    live.clock.ahead(minutes=16)
    await browser.open(late)
    assert browser.status == 410
    await browser.send(opened_, {**form, "v.phone": NEW})
    assert browser.status == 410
    assert await live.value("phone") != NEW


async def test_a_form_is_saved_signed_and_undone(live: Live, browser: Browser) -> None:
    await live.say(LI, "east", "华星医疗")
    await live.settle()
    before = await live.value("phone")
    link = await link_of(live)
    await browser.open(link)
    await browser.send(link, {**browser.fields(), "v.phone": NEW})
    await live.settle()
    assert browser.status == 200 and 'role="status"' in browser.page
    assert await live.value("phone") == NEW and await live.there("phone") == NEW
    assert "[Web card 1.0]" in str(live.card("east").card)
    await browser.send(link, browser.button("撤销" if "撤销" in browser.page else "Undo"))
    await live.settle()
    assert await live.value("phone") == before


async def test_a_wrong_value_is_told_at_its_field_and_what_was_typed_stays(live: Live, browser: Browser) -> None:
    link = await link_of(live)
    await browser.open(link)
    first = browser.fields()
    await browser.send(link, {**first, "v.phone": "not a number", "v.address": "苏州 <b>"})
    again = browser.fields()
    assert 'aria-invalid="true"' in browser.page
    assert again["v.phone"] == "not a number" and again["v.address"] == "苏州 <b>"
    assert again["t.phone"] == first["t.phone"], "being corrected shows nobody a newer value"
    await browser.send(link, {**again, "v.phone": NEW})
    assert await live.value("phone") == NEW and await live.value("address") == "苏州 <b>"


async def test_a_conflict_is_settled_on_the_page(live: Live, browser: Browser) -> None:
    await live.say(LI, "east", "华星医疗")
    await live.settle()
    link = await link_of(live)
    await browser.open(link)
    form = browser.fields()
    await live.natively("phone", "+86 512 6288 0200")
    await live.settle()
    await browser.send(link, {**form, "v.phone": NEW})
    assert 'class="sides"' in browser.page and 'role="alert"' in browser.page
    await live.settle()
    label = "采用这个" if "采用这个" in browser.page else "Use this"
    side = next(
        index
        for index, part in enumerate(browser.page.split(f">{label}</button>")[:-1])
        if NEW in part.rpartition('class="side"')[2]
    )
    await browser.send(link, browser.button(label, side))
    await live.settle()
    assert await live.value("phone") == NEW and await live.there("phone") == NEW
    assert 'class="sides"' not in browser.page


async def test_sent_twice_is_done_once(live: Live, browser: Browser) -> None:
    link = await link_of(live)
    await browser.open(link)
    form = {**browser.fields(), "v.phone": NEW}
    await browser.send(link, form)
    await browser.send(link, form)
    await live.settle()
    assert browser.status == 200
    assert [row.edit.value for row in await live.s.ledger.history(HERO, "phone")].count(NEW) == 1


async def test_only_its_own_page_sends_its_form(live: Live, browser: Browser) -> None:
    link, other = await link_of(live), Browser(live.url)
    await browser.open(link)
    form = {**browser.fields(), "v.phone": NEW}
    await other.send(link, form)
    assert other.status == 410, "another browser"
    await browser.send(link, {**form, "csrf": "0" * 64})
    assert browser.status == 403
    await browser.send(link, form, Origin="https://evil.example")
    assert browser.status == 403
    await browser.send(link, {**form, "data": form["data"][:-2] + "xx"})
    assert browser.status == 403
    await browser.send(link, {"csrf": form["csrf"], "press": "undo b1.x.y"})
    assert browser.status == 403
    assert await live.value("phone") != NEW
    await other.session.close()


async def test_whoever_comes_back_by_the_link_presses_again_and_is_there(live: Live, browser: Browser) -> None:
    """From the chat a browser brings no cookie (SameSite=Strict), so it is asked to open the form once more."""
    link = await link_of(live)
    await browser.open(link)
    first = browser.fields()
    await browser.send(link, {"open": "1"})
    assert browser.status == 200 and browser.fields()["csrf"] == first["csrf"]


async def test_the_page_is_its_persons_alone(live: Live, browser: Browser) -> None:
    chens = live.s.people.linked("im", f"web/demo/user/{CHEN}")
    assert chens is not None
    await browser.open(await link_of(live, person=chens.id))
    assert browser.status == 410, "the account is somebody else's"
    link = await link_of(live)
    await browser.open(link)
    form = browser.fields()
    account = next(each for each in live.s.people.links("p_liting") if each.kind == "im")
    await live.s.people.unlink(account.id, by="p_zhaolei")
    await browser.send(link, {**form, "v.phone": NEW})
    assert browser.status == 410 and await live.value("phone") != NEW


async def test_the_room_is_asked_who_they_are_there(live: Live, browser: Browser) -> None:
    link = await link_of(live)
    await browser.open(link)
    form = browser.fields()
    await live.leave(LI, "east")
    await live.settle()
    await browser.send(link, {**form, "v.phone": NEW})
    assert await live.value("phone") != NEW and 'class="fields"' not in browser.page
    assert 'class="fields"' not in await browser.go(link)


async def test_who_may_not_edit_gets_a_sentence(live: Live, browser: Browser) -> None:
    await browser.open(await link_of(live, CHEN))
    assert browser.status == 200 and 'role="alert"' in browser.page and 'class="fields"' not in browser.page


class Checked(HTMLParser):
    VOID = frozenset(("meta", "link", "img", "input", "br", "hr"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in ("script", "svg", "iframe", "object") or any(name.startswith("on") for name, _ in attrs):
            self.faults.append(tag)
        self.faults += [
            value or "" for name, value in attrs if name == "href" and re.match(r"(?!https?:)\w+:", value or "")
        ]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"/{tag}")


def drawn(cards: object, locale: str) -> Checked:
    frame = Frame(reader=Reader(locale, "UTC", NOW), me="x", csrf="0" * 64)
    page, checked = render("form", frame, cards=cards, toast=Toast("<b>", "danger"), once="1"), Checked()
    checked.feed(page.decode())
    return checked


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_every_card_can_stand_on_the_page(locale: str) -> None:
    for card in every_card(locale):
        checked = drawn((card,), locale)
        assert not checked.open and not checked.faults, card.name


@pytest.mark.parametrize(("kind", "text"), CORPUS, ids=[kind for kind, _ in CORPUS])
def test_every_hostile_string_is_text_on_the_page(kind: str, text: str) -> None:
    checked = drawn(tuple(hostile_cards(text)), "en")
    assert not checked.open and not checked.faults
