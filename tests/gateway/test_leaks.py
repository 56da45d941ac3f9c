"""Ways in which more was told than may be known: each was found once, and stays shut."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.model import ImId, Members, Place, Roster, Sender
from gateway import asked, intake
from gateway.demo.desk import Panel
from gateway.intake import Waiter
from gateway.services import Services
from gateway.turn import new_trail
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import GUEST, HERO, LI, NAME, PHONE, ZHAO, Live, opened
from tests.gateway.http.world import furnish, open_world
from tests.gateway.test_edits import FIRST, ONE, floated
from tests.gateway.test_naming import TWIN


def im(person: str) -> str:
    return f"web/demo/user/{person}"


@pytest.fixture
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network that does not say in an event whether its sender is a guest."""

    async def accepted(s: Services, event: Any, waiter: Waiter | None = None) -> bool:
        return await intake.accept(s, replace(event, who=replace(event.who, kind="unknown")), waiter)

    monkeypatch.setattr(asked, "accept", accepted)


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


async def test_a_linked_account_listed_without_its_standing_counts_as_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        channel = live.s.channels["web"]
        assert isinstance(channel, Members)
        told = channel.members

        async def members(place: Place) -> Roster:
            roster = await told(place)
            return replace(roster, members=tuple(replace(each, kind="unknown") for each in roster.members))

        monkeypatch.setattr(channel, "members", members)
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert all(PHONE not in text(card.card) for card in live.cards("deal"))


# a whisper -------------------------------------------------------------------------------------------------------


async def test_a_card_for_one_person_ends_with_what_it_shows(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await _until(live, minutes=1)
        await live.say(LI, "d_u_liting", f"/card {NAME}", addressed=True)
        await live.settle()
        (mine,) = live.chat.whispers("d_u_liting", LI)
        assert FIRST in text(mine.card)
        live.clock.ahead(minutes=5)
        await live.settle()
        assert FIRST not in text(live.chat.messages[mine.id].card)


async def _until(live: Live, minutes: int) -> None:
    record = await live.s.records.mirrored(HERO)
    assert record is not None
    live.s.records._keep(replace(record, visible_until={"phone": live.clock.now() + minutes * 60_000}))


async def why(live: Live, person: str, room: str, code: str = "") -> str:
    """What /why answers."""
    await live.say(person, room, f"/why {code}".strip(), addressed=True)
    await live.settle()
    return text(live.chat.whispers(room, person)[-1].card)


async def test_a_told_decision_goes_with_the_rights_of_its_reader(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.settle()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and ONE in await why(live, LI, "deal", state.decision)
        await live.join(ZHAO, "deal")
        await live.settle()
        assert any(ONE in text(each.card) for each in live.chat.whispers("deal", LI)), "a newcomer takes nobody's away"
        li = live.s.people.linked("im", im(LI))
        assert li is not None
        await live.s.people.deactivate(li.id)
        await live.settle()
        assert all(ONE not in text(each.card) for each in live.chat.whispers("deal", LI))


async def test_a_question_which_one_goes_with_the_rights_of_its_reader(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        assert [each.card["name"] for each in live.chat.whispers("deal", LI)] == ["picker"]
        await live.natively("address", "星湖街 9 号")
        await live.settle()
        assert len(live.chat.whispers("deal", LI)) == 1, "nothing it tells changed"
        li = live.s.people.linked("im", im(LI))
        assert li is not None
        await live.s.people.deactivate(li.id)
        await live.settle()
        assert live.chat.whispers("deal", LI) == []


async def test_several_of_one_name_have_a_row_and_a_button_each(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await live.say(LI, "deal", f"/card {TWIN}", addressed=True)
        await live.settle()
        (card,) = live.chat.whispers("deal", LI)
        rows = [each for each in card.card["blocks"] if each["type"] == "row"]
        assert len(rows) == len(buttons(card.card, "show_me")) > 1
        assert len({text(row) for row in rows}) == len(rows)


# the hidden ------------------------------------------------------------------------------------------------------

HIDING = '[sensitivity]\nname = "internal"\n'


async def test_a_hidden_customer_named_reads_as_none_named(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=HIDING) as live:
        await live.settle()
        told: list[tuple[str, list[str]]] = []
        for said in (f"{NAME} 的合同", "今天天气很好", f"{TWIN} 怎么样"):
            before = [each.id for each in await live.s.trail.latest(1)]
            await live.say(LI, "partner", said)
            await live.settle()
            lines = await Panel(live.s).since(max(before, default=0), "en", 500)
            panel = [f"{line.label} {line.text}" for line in lines if line.room == "web/partner"]
            answer = await why(live, GUEST, "partner")
            told.append((re.sub(r"\b[0-9a-f]{10}\b", "", answer), panel))
        assert "Silent" in told[0][0]
        assert told[0] == told[1] == told[2]


async def test_the_panel_tells_a_colleague_what_it_hides_from_a_guest(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=HIDING) as live:
        await live.settle()
        await live.say(LI, "deal", NAME)
        await live.settle()
        panel = Panel(live.s)
        mine = "".join(line.text for line in await panel.since(0, "en", 500, "u_liting"))
        theirs = await panel.since(0, "en", 500, "u_guest")
        assert NAME in mine and NAME not in "".join(line.text for line in theirs)
        latest = (await live.s.trail.latest(1))[-1].id
        assert theirs[-1].id == latest, "the window moves past it"


# a room's own ----------------------------------------------------------------------------------------------------


async def test_a_button_of_another_room_teaches_that_room_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (card,) = live.chat.whispers("deal", LI)
        for action in ("none", "pick"):
            answer = await live.press(LI, "east", buttons(card.card, action)[0])
            assert "another room" in answer["text"]
        assert await live.rows("choice") == 0


async def test_a_guest_cannot_hush_a_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await live.say(GUEST, "partner", "/quiet 30d", addressed=True)
        await live.settle()
        await as_li(live, GUEST)
        await live.say(GUEST, "partner", "/quiet 30d", addressed=True)
        await floated(live, "partner")


async def test_a_message_decided_by_what_the_room_was_taught_can_be_explained(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", TWIN)
        await live.settle()
        (card,) = live.chat.whispers("deal", LI)
        await live.press_on(LI, card, "pick")
        await live.settle()
        live.clock.ahead(minutes=45)
        await live.say(LI, "deal", "今天天气很好")
        await live.say(LI, "deal", TWIN)
        await live.settle()
        told = await why(live, LI, "deal")
        assert "In this room that name means" in told


async def test_the_api_tells_the_trail_of_a_room_to_those_in_it(tmp_path: Path) -> None:
    await furnish(tmp_path)
    async with open_world(tmp_path) as world:
        services = world.house.services
        trail = new_trail("web/d_u_wangmin")
        trail.note("matched", services.clock.now(), record=HERO, at=0, length=4, why=[])
        trail.note("edited", services.clock.now(), record=HERO, field="credit_limit", decision="D", conflict="none")
        await services.trail.write(trail)
        wang = services.people.linked("im", im("u_wangmin"))
        assert wang is not None
        await services.rooms.store.join("web/d_u_wangmin", Sender(ImId.parse(im("u_wangmin")), "", "member"))
        for person, status in (("p_chenwei", 404), ("", 404), (wang.id, 200)):
            client = await world.client("read", person=person, name=person or "nobody")
            for query in ({"room": "web/d_u_wangmin"}, {"turn": trail.turn}):
                told = await client.get("trail", **query)
                assert told.status == status and (status == 200 or "credit_limit" not in str(told.body)), (
                    person,
                    query,
                )


# another site ----------------------------------------------------------------------------------------------------


async def test_a_page_is_not_served_under_another_sites_name(tmp_path: Path) -> None:
    async with opened(tmp_path, changed={"demo = true\n": 'demo = true\npublic_url = "https://crm.example"\n'}) as live:
        port = live.url.rpartition(":")[2]
        asked = {
            f"127.0.0.1:{port}": True,
            f"localhost:{port}": True,
            "crm.example": True,
            "CRM.example:443": True,
            f"evil.example:{port}": False,
            "localhost:1": False,
            f"127.0.0.1.evil.example:{port}": False,
            "crm.example:8443": False,
        }
        for host, fits in asked.items():
            for method, path in (("GET", "/console"), ("POST", "/console/enter"), ("GET", "/demo/")):
                async with live.session.request(method, live.url + path, headers={"Host": host}) as answer:
                    assert (answer.status != 421) == fits, (host, path)
                    assert fits or ("public_url" in await answer.text() and not answer.cookies)
        async with live.session.get(f"{live.url}/health", headers={"Host": "evil.example"}) as answer:
            assert answer.status != 421
