"""Who may see what, at the spine: judged by everything that was ever sent to a room."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.model import ImId, Place, Sender
from crm.model import Level, RecordRef
from gateway.errors import Retry
from tests.gateway.fake_chat import Message, Sent, buttons, form, text
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAME, SUN, WANG, Live, opened
from tests.gateway.test_edits import ONE, THREE, TWO, conflict, floated

PHONE = re.compile(r"6288")
NOTE = "演示完成"


def telling(sent: list[Sent], *secrets: str | re.Pattern[str]) -> list[Sent]:
    """Requests that hold any of these."""
    found = [secret if isinstance(secret, re.Pattern) else re.compile(re.escape(secret)) for secret in secrets]
    return [one for one in sent if any(secret.search(one.text) for secret in found)]


async def test_a_guest_who_joins_shrinks_the_card_and_nothing_is_sent_after(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        assert "6288" in text(card.card) and NOTE in text(card.card)
        await live.join(GUEST, "deal")
        from_here = len(live.chat.sent)
        await live.settle()
        shown = text(live.card("deal").card)
        assert NAME in shown and "6288" not in shown and NOTE not in shown and "李婷" not in shown
        await live.submit(LI, "deal", (await _form(live, LI)), phone=ONE)
        await live.natively("address", "星湖街 2 号")
        await live.settle()
        live.clock.ahead(minutes=40)
        await live.say(LI, "deal", NAME)
        await live.settle()
        later = [one for one in live.chat.sent[from_here:] if one.room == "deal" and '"to"' not in one.text]
        assert later, "something was sent at all"
        assert telling(later, PHONE, NOTE, "星湖街", "李婷 Li Ting", "Negotiation", "VIP") == []
        chat, clock = live.chat, live.clock
    from_here = len(chat.sent)
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert telling([one for one in chat.sent[from_here:] if one.room == "deal"], PHONE) == [], "nor by a restart"


async def _form(live: Live, person: str) -> dict[str, Any]:
    """Opened from "show me": the shrunk card offers no editing."""
    answer = await live.press_on(person, live.card("deal"), "show_me")
    opened_ = await live.press(person, "deal", buttons(answer["card"], "edit")[0])
    return form(opened_["card"])


async def test_a_leave_widens_nothing_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        await live.join(GUEST, "deal")
        await live.settle()
        await live.leave(GUEST, "deal")
        await live.settle()
        assert "6288" not in text(live.card("deal").card)
        live.clock.ahead(minutes=40)
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert "6288" in text(live.cards("deal")[-1].card), "what is posted from now on is for those who are there"


async def test_a_newcomer_counts_although_the_networks_list_lags(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        assert (await live.post(live.event("joined", GUEST, "deal")))[0] == 200  # the list does not have them yet
        await live.settle()
        assert "6288" not in text(live.card("deal").card)
        live.clock.ahead(seconds=5)
        await live.natively("phone", ONE)
        await live.settle()
        assert "6288" not in text(live.card("deal").card)


async def test_a_newcomer_counts_in_a_room_nobody_has_asked_about_yet(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert (await live.post(live.event("joined", GUEST, "deal")))[0] == 200
        await floated(live)
        assert telling(live.chat.written("deal"), PHONE) == []


async def test_what_was_drawn_before_a_guest_joined_is_drawn_again_before_it_is_sent(tmp_path: Path) -> None:
    review = {"[fields.email]": '[fields.email]\npolicy = "ask"'}
    async with opened(tmp_path, changed=review) as live:
        card = await floated(live)
        first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
        await live.submit(LI, "deal", first, phone=ONE, email="one@example.com")
        await live.settle()
        room = live.chat.rooms["deal"]
        room.open.clear()
        pressing = asyncio.ensure_future(live.submit(WANG, "deal", second, phone=TWO, email="two@example.com"))
        await room.reached.wait()  # one conflict's card is on its way, the other's is drawn and waits its turn
        await live.join(GUEST, "deal")
        async with asyncio.timeout(10):
            while "joined" not in await live.steps():
                await asyncio.sleep(0.01)
        from_here = len(live.chat.sent)
        room.open.set()
        await pressing
        await live.settle()
        assert telling(live.chat.sent[from_here:], PHONE, "@example.com") == []


async def test_a_guest_who_joins_while_a_card_is_on_its_way(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
        await live.submit(LI, "deal", first, phone=ONE)
        await live.settle()
        room = live.chat.rooms["deal"]
        room.open.clear()
        pressing = asyncio.ensure_future(live.submit(WANG, "deal", second, phone=TWO))
        await room.reached.wait()  # the conflict's card is on its way, drawn for those who were there
        await live.join(GUEST, "deal")
        room.open.set()
        await pressing
        await live.settle()
        assert [one for one in live.cards("deal") if "6288" in text(one.card)] == []


async def test_a_guest_who_joins_while_the_list_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        room = live.chat.rooms["deal"]
        room.open.clear()
        await live.say(LI, "deal", NAME)
        await room.reached.wait()  # the list is asked for, without the guest in it
        assert (await live.post(live.event("joined", GUEST, "deal", id="j")))[0] == 200
        who = Sender(ImId("web", "demo", "user", GUEST), "Park", "guest")
        await live.s.rooms.joined(Place("web", "deal"), who, None)  # as another lane would, at this very moment
        room.open.set()
        await live.settle()
        assert telling(live.chat.written("deal"), PHONE) == []


@pytest.mark.parametrize("fault", ["fails", "is not whole"])
async def test_a_list_that_is_not_to_be_had_shows_a_name_alone(tmp_path: Path, fault: str) -> None:
    async with opened(tmp_path) as live:
        room = live.chat.rooms["deal"]
        room.lists, room.complete = (503, True) if fault == "fails" else (200, False)
        card = await floated(live)
        assert NAME in text(card.card)
        assert telling(live.chat.written("deal"), PHONE, NOTE) == []


async def test_a_list_too_old_shrinks_what_is_posted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        live.chat.rooms["deal"].lists = 503
        live.clock.ahead(minutes=5)
        await live.natively("phone", ONE)
        await live.settle()
        assert ONE in text(live.card("deal").card), "ten minutes old at most is good enough"
        live.clock.ahead(minutes=6)
        await live.natively("phone", TWO)
        await live.settle()
        assert "6288" not in text(live.card("deal").card)
        live.chat.rooms["deal"].lists = 200
        live.clock.ahead(seconds=10)
        await live.natively("phone", THREE)
        await live.settle()
        assert THREE in text(live.card("deal").card)


@pytest.mark.parametrize("loss", ["role", "account", "standing"])
async def test_who_loses_a_right_takes_it_from_the_room(tmp_path: Path, loss: str) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        assert NOTE in text(card.card)
        people = live.s.people
        chen = people.person("p_chenwei")
        assert chen is not None
        if loss == "role":
            await people.put(replace(chen, roles=frozenset()))
        elif loss == "standing":
            await people.deactivate(chen.id)
        else:
            (link,) = [one for one in people.links(chen.id) if one.kind == "im"]
            await people.unlink(link.id, "p_zhaolei")
        await live.settle()
        assert NOTE not in text(live.card("deal").card)
        if loss == "role":
            await people.put(chen)
            await live.settle()
            assert NOTE in text(live.card("deal").card)


async def test_a_running_house_notices_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        watching = asyncio.create_task(live.house._follow_people())
        await live.s.people.deactivate("p_chenwei")
        async with asyncio.timeout(30):
            while NOTE in text(live.card("deal").card):
                await asyncio.sleep(0.01)
        watching.cancel()


async def test_a_running_house_whose_queue_is_away_looks_again_and_calls_it_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        bump, asked = live.s.bus.bump, list[int]()

        async def away_once() -> None:
            asked.append(1)
            if len(asked) == 1:
                raise Retry(1.0, "away")
            await bump()

        monkeypatch.setattr(live.s.bus, "bump", away_once)
        watching = asyncio.create_task(live.house._follow_people())
        await live.s.people.deactivate("p_chenwei")
        async with asyncio.timeout(30):
            while NOTE in text(live.card("deal").card):
                await asyncio.sleep(0.01)
        watching.cancel()
        assert len(asked) > 1
        assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []


async def test_a_value_whose_time_is_over_goes_without_any_traffic(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.crm.visible_until = {"phone": live.clock.now() + 3_600_000}
        await live.natively("phone", ONE)
        await live.settle()
        card = await floated(live)
        assert ONE in text(card.card)
        live.clock.ahead(minutes=59)
        await live.settle()
        assert ONE in text(card.card)
        live.clock.ahead(minutes=2)
        await live.settle()
        assert ONE not in text(card.card) and "星湖街" in text(card.card)


async def test_a_window_of_time_opens_and_closes_without_any_traffic(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "hours.cedar").write_text(
        '@id("no-notes-after-ten") forbid (principal, action == Action::"view", resource) when {'
        ' resource.sensitivity == Sensitivity::"confidential" && context.minute >= 600 && context.minute < 660 };'
    )
    setting = {"demo = true\n": f'demo = true\npolicies_dir = "{folder}"\n'}
    async with opened(tmp_path, changed=setting) as live:  # 09:00 in Shanghai
        card = await floated(live)
        assert NOTE in text(card.card)
        live.clock.ahead(minutes=61)
        await live.settle()
        assert NOTE not in text(card.card)
        live.clock.ahead(minutes=60)
        await live.settle()
        assert NOTE in text(card.card)


async def test_a_lease_that_ends_while_the_chat_is_down_is_not_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.crm.visible_until = {"phone": live.clock.now() + 3_600_000}
        await live.natively("phone", ONE)
        await live.settle()
        card = await floated(live)
        live.clock.ahead(minutes=61)
        live.chat.rooms["deal"].status = 503
        await live.house.schedule.once()
        await live.chat.rooms["deal"].reached.wait()
        live.chat.rooms["deal"].status = 200
        await live.settle()
        assert ONE not in text(card.card)


async def test_show_me_is_judged_for_who_presses_at_that_moment(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        seen = {person: text((await live.press_on(person, card, "show_me"))["card"]) for person in (LI, CHEN, WANG)}
        assert "600,000" in seen[LI] and "600,000" in seen[WANG], "the owner and a manager"
        assert "600,000" not in seen[CHEN] and "480,000" in seen[CHEN]
        wang = live.s.people.person("p_wangmin")
        assert wang is not None
        await live.s.people.put(replace(wang, roles=frozenset({"employee"})))
        later = text((await live.press_on(WANG, card, "show_me"))["card"])
        assert "600,000" not in later and "480,000" not in later
        await live.quiet()
        assert (await live.steps()).count("showed_me") == 4
        assert telling(live.chat.written("deal"), "600,000", "480,000", "600000") == []


async def test_where_the_name_itself_is_hidden_nothing_is_posted(tmp_path: Path) -> None:
    setting = '[sensitivity]\nname = "confidential"\n'
    async with opened(tmp_path, extra=setting) as live:
        await live.say(LI, "partner", NAME)
        await live.settle()
        assert live.cards("partner") == []
        (mine,) = [one for one in live.chat.whispers("partner", LI) if NAME in text(one.card)]
        assert "6288" in text(mine.card), "its entitled author, alone"
        await live.say(SUN, "partner", "云栖纺织")
        await live.settle()
        assert live.cards("partner") == [] and live.chat.whispers("partner", SUN) == []
        card = await floated(live)
        await live.join(GUEST, "deal")
        await live.settle()
        assert card.deleted and live.cards("deal") == []
        from_here = len(live.chat.written("deal"))
        await live.natively("phone", ONE)
        await live.settle()
        assert live.chat.written("deal")[from_here:] == []


async def test_what_is_withheld_is_whispered_once_per_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.chat.rooms["partner"].status = 503
        await live.say(LI, "partner", NAME)
        await live.chat.rooms["partner"].reached.wait()
        live.chat.rooms["partner"].status = 200
        await live.settle()
        assert len(withheld(live, LI)) == 1, "told in the end, although the network was down at first"
        await live.say(LI, "partner", "云栖纺织")
        await live.say(WANG, "partner", "Northlake")
        await live.settle()
        assert len(withheld(live, LI)) + len(withheld(live, WANG)) == 1
        assert "Park" not in text(withheld(live, LI)[0].card), "because of whom in general, nobody by name"


def withheld(live: Live, person: str) -> list[Message]:
    return [one for one in live.chat.whispers("partner", person) if one.card["name"] == "withheld"]


async def test_a_hidden_value_that_changes_sends_nothing_to_the_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        await live.say(LI, "partner", NAME)
        await live.settle()
        for room, field, value in (("deal", "credit_limit", "1"), ("partner", "phone", ONE)):
            from_here = len(live.chat.written(room))
            live.clock.ahead(minutes=3)
            await live.natively(field, value)
            await live.settle()
            assert live.chat.written(room)[from_here:] == [], f"{field} in {room}"


async def test_records_that_differ_in_what_is_hidden_are_told_alike(tmp_path: Path) -> None:
    told = []
    levels: tuple[Level, Level] = ("high", "low")
    for number, (phone, risk) in enumerate(zip((ONE, TWO), levels, strict=True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with opened(folder) as live:
            await live.natively("phone", phone)
            await live.natively("credit_limit", f"{number}00")
            await live.natively("stage", ["won", "lost"][number])
            await live.crm.add_risk(RecordRef.parse(HERO), f"risk {number}", risk, "li.ting")
            if number:
                await live.crm.add_open_item(RecordRef.parse(HERO), "one more", None, "li.ting")
            await live.settle()
            await live.say(LI, "partner", NAME)
            await live.settle()
            await live.natively("phone", THREE if number else ONE)
            await live.settle()
            # A trace code names one decision and tells nothing of it.
            plain = [re.sub(r"(?<=trace )[0-9A-Fa-f-]+", "?", one.text) for one in live.chat.written("partner")]
            told.append(plain)
    assert told[0] == told[1]


async def test_a_conflict_is_told_only_where_its_field_may_be_seen(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "partner", NAME)
        await live.settle()
        card = await floated(live)
        first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
        await live.submit(LI, "partner", first, phone=ONE)
        answer = await live.submit(WANG, "partner", second, phone=TWO)
        await live.settle()
        assert answer["kind"] == "card", "for the one who saved, alone"
        assert {ONE, TWO} <= set(text(answer["card"]).split("\n"))
        assert telling(live.chat.written("partner"), PHONE) == []
        with pytest.raises(ValueError, match="not enough"):
            conflict(live)
