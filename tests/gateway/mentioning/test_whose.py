"""Several customers of a name, and people: the room decides, or one person is asked."""

from __future__ import annotations

from pathlib import Path

from channels.model import ImId
from crm.model import RecordRef
from identity.model import Person
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, GUEST, LI, NAME, SUN, WANG, Live, opened
from tests.gateway.mentioning.told import QINGDAO, SHENZHEN, TWIN, facts, questions, said, told


async def shown_city(live: Live, room: str, person: str) -> str:
    return text((await live.press_on(person, live.card(room), "show_me"))["card"])


async def test_an_account_of_the_authors_comes_first_but_the_author_is_asked(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", TWIN)
        await said(live, CHEN, "east", TWIN)
        for room, person, first in (("deal", LI, "青岛"), ("east", CHEN, "深圳")):
            (question,) = questions(live, room, person)
            rows = [block for block in question.card["blocks"] if block["type"] == "row"]
            assert first in rows[0]["text"]
        assert live.cards("deal") == [] and live.cards("east") == []


async def test_the_rooms_own_customer_is_meant(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert "about 远航科技" in await told(live, CHEN, "deal", "/bind 远航科技")
        await said(live, WANG, "deal", TWIN)
        assert questions(live, "deal", WANG) == []
        assert "深圳" in await shown_city(live, "deal", WANG), "Chen may edit that one, and so meant it"
        (matched,) = await facts(live, "matched")
        assert "for: the room is this customer's" in matched["why"]


async def test_a_room_is_tied_only_by_who_may_edit_the_customer_and_untied_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert "may edit a customer" in await told(live, CHEN, "deal", f"/bind {NAME}")
        assert "know who you are" in await told(live, SUN, "partner", f"/bind {NAME}")
        assert (await live.s.mentioning.binding("web/deal")).bound == ""
        assert f"about {NAME}" in await told(live, LI, "deal", f"/bind {NAME}")
        assert "may edit a customer" in await told(live, CHEN, "deal", "/bind off"), "it is not Chen's to end"
        assert (await live.s.mentioning.binding("web/deal")).bound == "local:account:hx-medical"
        assert "no customer in particular" in await told(live, LI, "deal", "/bind off")
        assert (await live.s.mentioning.binding("web/deal")).bound == ""


async def test_what_was_named_lately_decides_and_fades(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, WANG, "deal", "青岛远航今天开会")
        assert len(live.cards("deal")) == 1
        live.clock.ahead(minutes=31)
        await said(live, WANG, "deal", TWIN)
        assert questions(live, "deal", WANG) == []
        assert len(live.cards("deal")) == 2
        live.clock.ahead(hours=5)
        await said(live, WANG, "deal", TWIN)
        assert len(questions(live, "deal", WANG)) == 1, "hours later nobody knows any more"


async def test_a_contact_among_the_members_decides_by_their_address(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        guest = Person(
            "p_kong", "Kong Wei", frozenset(), "", "", external=True, emails=("Kong.Wei@yuanhang-qd.example",)
        )
        await live.s.people.put(guest)
        key = ImId("web", "demo", "user", GUEST).key
        await live.s.people.link("p_kong", "im", key, step="admin", evidence="asked", made_by="p_zhaolei")
        await said(live, WANG, "partner", TWIN)
        assert questions(live, "partner", WANG) == []
        (matched,) = await facts(live, "matched")
        assert matched["record"] == QINGDAO
        assert "for: a member belongs to this customer" in matched["why"]
        await said(live, WANG, "deal", TWIN)
        assert len(questions(live, "deal", WANG)) == 1, "where they are no member nothing is decided"


async def test_a_contacts_full_name_shows_the_customer(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", "罗一鸣同意了")
        assert live.card("deal").card["summary"] == "静澜环保"
        await said(live, LI, "east", "Ask Imogen Vale about the samples")
        assert live.card("east").card["summary"] == "Northlake Instruments"


async def test_where_contacts_are_hidden_no_contacts_name_leads_to_a_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "partner", "罗一鸣同意了")
        assert live.cards("partner") == []
        assert live.chat.whispers("partner", GUEST) == []
        assert await told(live, GUEST, "partner", "/why") != ""
        assert "静澜" not in text(live.chat.whispers("partner", GUEST)[-1].card)


async def test_when_a_guest_joins_the_card_a_contact_led_to_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", "罗一鸣同意了")
        await said(live, LI, "deal", NAME)
        assert len(live.cards("deal")) == 2
        await live.join(GUEST, "deal")
        await live.settle()
        (left,) = live.cards("deal")
        assert left.card["summary"] == NAME


async def test_a_contact_called_as_a_colleague_is_means_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.s.people.put(Person("p_luo", "罗一鸣 Luo Yiming", frozenset({"employee"}), "", ""))
        await said(live, LI, "deal", "罗一鸣同意了")
        assert live.cards("deal") == []


async def test_an_address_by_title_is_heard_only_where_the_room_makes_it_one_person(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await said(live, LI, "deal", "顾总说可以签")
        assert live.cards("deal") == [], "nobody knows which of all the contacts"
        await told(live, LI, "deal", f"/bind {NAME}")
        await said(live, LI, "deal", "顾总说可以签")
        assert live.card("deal").card["summary"] == NAME
        await said(live, LI, "deal", "王总说可以签")
        assert len(live.cards("deal")) == 1


async def test_a_colleague_of_that_family_name_makes_it_two(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.crm.add_contact(
            RecordRef.parse("local:account:hx-medical"), "王建国", {"title": "总经理"}, "zhao.lei"
        )
        await live.settle()
        await told(live, LI, "deal", f"/bind {NAME}")
        await said(live, LI, "deal", "王总说可以签")
        assert live.cards("deal") == [], "Wang Min is in this room too"
        await live.leave(WANG, "deal")
        await said(live, LI, "deal", "王总说可以签")
        assert live.card("deal").card["summary"] == NAME


def test_the_two_of_a_name_are_two() -> None:
    assert QINGDAO != SHENZHEN
