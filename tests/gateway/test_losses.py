"""What must not be lost between a decision and whoever is to hear of it: crashes, hiccups, refusals."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cards.tree import Card
from channels.model import ImId, MessageRef, Place
from channels.web import Channel
from crm.model import Record, RecordRef
from gateway import repaint, sweep
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Job
from gateway.errors import Fixed, Refused, Retry
from gateway.handlers import conflicts
from gateway.redraw import redraw
from gateway.repaint import PAINTERS, TIRED_AFTER
from gateway.services import Services
from gateway.store.ledger import Ledger
from gateway.store.slots import Shown, slot_id
from gateway.turn import Trail
from tests.gateway.fake_chat import Message, text
from tests.gateway.house import GUEST, HERO, LI, NAME, WANG, Live, opened
from tests.gateway.moody import Crm, Mood
from tests.gateway.test_edits import ONE, TWO, customer, floated

REF = RecordRef.parse(HERO)
OTHER = "local:account:yh-shenzhen"


async def risk_turns_high(live: Live) -> None:
    await live.crm.add_risk(REF, "Payment overdue", "high", "wang.min")


async def edited_while_down(live: Live) -> None:
    """An edit of the phone waits in the outbox."""
    card = await floated(live)
    live.crm.mood = "down"
    await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
    await live.quiet()
    live.crm.mood = "well"


def conflict_cards(live: Live, room: str = "deal") -> list[Message]:
    return [card for card in live.cards(room) if card.card["name"] == "conflict"]


async def test_a_risk_that_a_moved_write_reads_first_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await edited_while_down(live)
        await risk_turns_high(live)
        await live.house.writebacks["local"].once()
        assert "moved" in await live.steps()
        await live.settle()
        assert await live.rows("alert", "rule = 'risk_high'") == 1


async def test_a_risk_that_is_read_to_end_a_doubt_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.quiet()
        await live.s.ledger.unsure((await live.s.ledger.claim("local", live.clock.now()))[0])
        await risk_turns_high(live)
        await live.house.writebacks["local"].once()
        await live.settle()
        assert await live.rows("alert", "rule = 'risk_high'") == 1
        assert await live.there("phone") == ONE


async def test_an_erased_customer_does_not_break_a_moved_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.quiet()
        await live.s.ledger.unsure((await live.s.ledger.claim("local", live.clock.now()))[0])
        assert await live.s.ledger.erase(HERO)
        await live.house.writebacks["local"].once()
        assert await live.rows("outbox", "state = 'sent'") == 0
        await live.settle()


async def died_over_a_conflict(live: Live, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """It is decided, and whoever read it in the CRM came to its end before the card."""
    await edited_while_down(live)
    await live.natively("phone", TWO)

    async def dies(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as broken:
        broken.setattr(conflicts, "opened", dies)
        with pytest.raises(asyncio.CancelledError):
            await (live.house.sweeps if reader == "sweep" else live.house.writebacks)["local"].once()
    assert conflict_cards(live) == []


async def test_a_conflict_whose_decision_was_another_gateways_last_deed_is_shown_by_those_that_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await died_over_a_conflict(live, monkeypatch, "sweep")
        live.house.sweeps["local"]._broke = False  # that was another process
        await live.settle()
        assert conflict_cards(live) == []
        live.clock.ahead(minutes=6)
        await live.settle()
        assert len(conflict_cards(live)) == 1


@pytest.mark.parametrize("reader", ["sweep", "writeback"])
async def test_a_conflict_is_shown_after_a_crash_between_its_decision_and_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    async with opened(tmp_path) as live:
        await died_over_a_conflict(live, monkeypatch, reader)
        chat, clock = live.chat, live.clock
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert len(conflict_cards(live)) == 1
    async with opened(tmp_path, clock, chat) as live:
        await live.settle()
        assert len(conflict_cards(live)) == 1, "a start shows no conflict twice"


@pytest.mark.parametrize("reader", ["sweep", "writeback"])
async def test_a_conflict_is_shown_when_the_bus_failed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    async with opened(tmp_path) as live:
        await edited_while_down(live)
        await live.natively("phone", TWO)
        fails_once(monkeypatch, "conflict")
        if reader == "sweep":
            with pytest.raises(Retry):
                await live.house.sweeps["local"].once()
        else:
            await live.house.writebacks["local"].once()
        assert conflict_cards(live) == []
        await live.settle()
        assert len(conflict_cards(live)) == 1


def fails_once(monkeypatch: pytest.MonkeyPatch, topic: str, held: asyncio.Event | None = None) -> list[Job]:
    """The next publishing on a topic fails, once `held` is set; what was asked for before that is listed."""
    real, failed = EmbeddedBus.publish, list[Job]()

    async def publish(self: EmbeddedBus, job: Job, local: object = None) -> bool:
        if job.topic == topic and not failed:
            failed.append(job)
            if held is not None:
                await held.wait()
            raise Retry(1, "the store is busy")
        return await real(self, job, local)

    monkeypatch.setattr(EmbeddedBus, "publish", publish)
    return failed


async def test_a_repaint_that_could_not_be_queued_is_queued_with_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        await live.natively("address", "星湖街 9 号")
        fails_once(monkeypatch, "record")
        with pytest.raises(Retry):
            await live.house.sweeps["local"].once()
        await live.settle()
        assert "星湖街 9 号" in text(customer(live).card)


def unreadable(monkeypatch: pytest.MonkeyPatch, why: Exception) -> None:
    real = Crm.get

    async def get(self: Crm, ref: RecordRef) -> Record:
        if ref == REF:
            raise why
        return await real(self, ref)

    monkeypatch.setattr(Crm, "get", get)


async def fallen_silent(live: Live) -> None:
    """A write was made there, and its answer lost."""
    await live.settle()
    card = await floated(live)
    await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
    await live.quiet()
    live.crm.mood = "silent"
    await live.house.writebacks["local"].once()
    live.crm.mood = "well"


@pytest.mark.parametrize("mood", ["mute", "deaf"])
async def test_a_write_whose_answer_was_lost_on_its_way_is_looked_for_and_not_taken_for_refused(
    tmp_path: Path, mood: Mood
) -> None:
    """Two fields of one customer: between the first try and the second the other one moves the record on."""
    async with opened(tmp_path) as live:
        await live.settle()
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE, stage="won")
        await live.quiet()
        live.crm.mood = mood
        await live.house.writebacks["local"].once()
        live.crm.mood = "well"
        for _ in range(4):
            await live.settle()
            live.clock.ahead(minutes=1)
        assert (await live.there("phone"), await live.there("stage")) == (ONE, "won")
        assert await live.rows("outbox", "state NOT IN ('done', 'moved', 'lost', 'superseded')") == 0
        assert live.crm.writes == 2
        sources = [row.edit.system for row in await live.s.ledger.history(HERO, "phone")]
        assert sources.count("local") == 1, "no echo of ours became an edit of the CRM's own"


async def test_a_write_that_broke_off_is_given_up_by_no_other_gateway_while_it_may_still_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote it looks at once, and may not be able to; another has not seen it break off."""
    async with opened(tmp_path) as live:
        await live.settle()
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.quiet()
        ours, vault = live.s.ledger, live.s.ledger._vault
        another = Ledger(live.s.store, vault, ours.policies, clock=live.clock.now)
        writeback = live.house.writebacks["local"]
        with monkeypatch.context() as down:
            unreadable(down, Retry(1, "this one alone times out"))
            live.crm.mood = "deaf"
            await writeback.once()
        assert len(await ours.doubt()) == 1 and await another.doubt() == []
        await writeback.once()  # it is as it was
        assert await ours.doubt() == await another.doubt() == []
        live.clock.ahead(seconds=6)
        assert len(await ours.doubt()) == len(await another.doubt()) == 1


async def test_what_another_gateway_settled_is_not_looked_for_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.quiet()
        writeback = live.house.writebacks["local"]
        with monkeypatch.context() as down:
            unreadable(down, Retry(1, "this one alone times out"))
            live.crm.mood = "deaf"
            await writeback.once()
        (row,) = await live.s.ledger.doubt()
        assert writeback._fresh == {row.id}
        await live.s.ledger.refused(row, "by another gateway")
        await writeback.once()
        assert writeback._fresh == set()


async def test_a_doubt_whose_record_nobody_may_read_is_for_a_person_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "PAGE", 1)
    async with opened(tmp_path) as live:
        unreadable(monkeypatch, Refused("The CRM has no customer {record}.", record="x"))
        await fallen_silent(live)
        await live.natively("city", "福州", record=OTHER)
        await live.settle()
        assert await live.value("city", OTHER) == "福州"
        assert await live.rows("outbox", "state = 'sent'") == 0
        assert "crm_refused" in await live.steps()
        assert live.crm.writes == 1, "it is not sent again by itself"


async def test_a_record_that_stays_held_is_read_apart_and_keeps_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "PAGE", 1)
    async with opened(tmp_path) as live:
        with monkeypatch.context() as down:
            unreadable(down, Retry(1, "this one alone times out"))
            await fallen_silent(live)
            await live.natively("city", "昆山")
            await live.natively("city", "福州", record=OTHER)
            await live.settle()
            assert await live.value("city", OTHER) != "福州", "an answer may still come"
            live.clock.ahead(minutes=1)
            await live.settle()
            assert await live.value("city", OTHER) == "福州"
            assert await live.value("city") != "昆山", "a write to it is not answered yet"
            live.clock.ahead(minutes=1)
            await live.settle()
        await live.house.writebacks["local"].once()
        live.clock.ahead(hours=1)
        await live.settle()
        assert await live.value("city") == "昆山"
        assert await live.value("phone") == ONE
        assert live.crm.writes == 1
        assert await live.rows("due", "kind = 'held'") == 0


async def another_manager(live: Live, id_: str, *accounts: str) -> None:
    boss = next(each for each in live.s.people.persons() if "manager" in each.roles)
    await live.s.people.put(replace(boss, id=id_, name=id_))
    for account in accounts:
        im = f"web/demo/user/{account}"
        await live.s.people.link(id_, "im", im, step="admin", evidence="", made_by="a test")
        live.chat.room(f"d_{account}", {}, kind="direct")


def alerts(live: Live) -> set[str]:
    return {message.room for message in live.chat.messages.values() if message.card["name"] == "alert"}


def without_direct(monkeypatch: pytest.MonkeyPatch, account: str, why: Exception) -> None:
    real = Channel.direct

    async def direct(self: Channel, to: ImId) -> Place:
        if to.id == account:
            raise why
        return await real(self, to)

    monkeypatch.setattr(Channel, "direct", direct)


async def test_a_manager_who_cannot_be_written_to_silences_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await another_manager(live, "a_gone", "u_gone")
        without_direct(monkeypatch, "u_gone", Refused("This person cannot be written to directly."))
        await risk_turns_high(live)
        await live.settle()
        assert alerts(live) == {f"d_{WANG}"}
        assert (await live.steps()).count("unreachable") == 1


@pytest.mark.parametrize("where", ["no direct room", "nothing taken"])
async def test_a_manager_is_told_on_the_next_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await another_manager(live, "a_two", "u_a", "u_b")
        if where == "no direct room":
            without_direct(monkeypatch, "u_a", Refused("This person cannot be written to directly."))
        else:
            live.chat.rooms["d_u_a"].status = 403
        await risk_turns_high(live)
        await live.settle()
        assert alerts(live) == {f"d_{WANG}", "d_u_b"}
        assert "unreachable" not in await live.steps()


async def test_a_manager_whose_network_is_down_holds_no_other_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        await another_manager(live, "a_slow", "u_slow")
        with monkeypatch.context() as down:
            without_direct(down, "u_slow", Retry(0, "down"))
            await risk_turns_high(live)
            await live.house.sweeps["local"].once()
            async with asyncio.timeout(10):
                while f"d_{WANG}" not in alerts(live) or await live.rows("job") > 1:
                    await asyncio.sleep(0.01)
            assert await live.rows("job", "topic = 'alert_to'") == 1, "the one who is waited for"
        await live.settle()
        assert alerts(live) == {f"d_{WANG}", "d_u_slow"}


async def test_who_asks_for_a_repaint_that_is_being_queued_hears_whether_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        await live.settle()
        held = asyncio.Event()
        failed = fails_once(monkeypatch, "record", held)
        first = asyncio.create_task(live.house.spine.refresh(HERO))
        while not failed:
            await asyncio.sleep(0)
        others = [asyncio.create_task(live.house.spine.refresh(HERO)) for _ in range(3)]
        before = await live.rows("seen", "once LIKE 'record:%'")
        held.set()
        with pytest.raises(Retry):
            await first
        await asyncio.gather(*others)
        assert await live.rows("seen", "once LIKE 'record:%'") == before + 1, "one, and for all three"


async def test_a_card_that_the_network_refuses_to_change_is_tried_until_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        before = await floated(live)
        assert "6288" in text(before.card)
        live.chat.rooms["deal"].status = 403
        await live.join(GUEST, "deal")
        await live.settle()
        live.clock.ahead(minutes=2)
        await live.settle()
        assert "6288" in text(before.card) and "not_taken" in await live.steps()
        live.chat.rooms["deal"].status = 200
        live.clock.ahead(minutes=2)
        await live.settle()
        (after,) = live.cards("deal")
        assert after.id == before.id and "6288" not in text(after.card)
        assert await live.rows("due", "key LIKE 'stale:%'") == 0


async def test_a_card_that_should_go_and_may_not_goes_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        live.chat.rooms["deal"].status = 403
        await live.unsay(LI, "deal", message)
        await live.settle()
        assert len(live.cards("deal")) == 1
        live.chat.rooms["deal"].status = 200
        live.clock.ahead(minutes=2)
        await live.settle()
        assert live.cards("deal") == []


async def test_a_card_that_somebody_deleted_is_no_trouble(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        message = await live.say(LI, "deal", NAME)
        await live.settle()
        live.card("deal").deleted = True
        await live.unsay(LI, "deal", message)
        await live.settle()
        assert await live.rows("due", "key LIKE 'stale:%'") == 0
        assert await live.rows("slot", "purpose = 'card' AND message IS NOT NULL") == 0


@pytest.mark.parametrize("why", [Fixed("A whisper stays."), Refused("A whisper stays.")])
async def test_a_whisper_that_cannot_be_changed_is_not_said_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: Refused
) -> None:
    async def edit(self: Channel, message: MessageRef, card: Card) -> None:
        raise why

    async def delete(self: Channel, message: MessageRef) -> None:
        raise why

    async with opened(tmp_path) as live:
        await live.settle()
        await live.say(LI, "deal", f"/card {NAME}", addressed=True)
        await live.settle()
        said = [each.id for each in live.chat.whispers("deal", LI)]
        assert said
        monkeypatch.setattr(Channel, "edit", edit)
        monkeypatch.setattr(Channel, "delete", delete)
        for city in ("昆山", "福州", "泉州"):
            await live.natively("city", city)
            await live.settle()
            live.clock.ahead(hours=1)
        assert [each.id for each in live.chat.whispers("deal", LI)] == said


MANY = 2_000 if os.environ.get("FLOATCARD_SOAK") == "1" else 100


async def many_cards(live: Live) -> None:
    """As if the one card of the room had been posted again and again; each younger than the one before."""
    await floated(live)
    (shown,) = [each for each in await live.s.slots.in_room("web/deal") if each.slot.purpose == "card"]
    assert shown.message is not None
    for n in range(MANY):
        slot = replace(shown.slot, subject=f"old{n}")
        live.chat.messages[f"old{n}"] = Message(f"old{n}", "deal", {"name": "customer", "phone": "6288"}, "")
        kept = replace(shown, id=slot_id(slot), slot=slot, digest="another", painted_at=shown.painted_at + n)
        await live.s.slots.keep(replace(kept, message=MessageRef(shown.message.place, f"old{n}")))


async def test_a_room_of_many_cards_is_repainted_side_by_side_and_the_newest_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await many_cards(live)
        room = live.chat.rooms["deal"]
        before = len(live.chat.sent)
        room.open.clear()
        await live.join(GUEST, "deal")
        async with asyncio.timeout(30):
            while len(puts(live, before)) < PAINTERS:
                await asyncio.sleep(0.01)
        first = puts(live, before)
        assert sorted(first) == sorted(f"/messages/old{n}" for n in range(MANY - PAINTERS, MANY))
        room.open.set()
        await live.settle()
        assert all("6288" not in text(card.card) for card in live.cards("deal"))


def puts(live: Live, since: int) -> list[str]:
    return [each.path for each in live.chat.sent[since:] if each.method == "PUT"]


async def test_a_tired_network_is_not_asked_for_every_card_of_a_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await many_cards(live)
        room = live.chat.rooms["deal"]
        room.status, before = 429, len(live.chat.sent)
        await live.join(GUEST, "deal")
        async with asyncio.timeout(30):
            while await live.rows("job", "topic = 'room' AND tries > 1") == 0:
                await asyncio.sleep(0)
        assert len(puts(live, before)) < TIRED_AFTER + 2 * PAINTERS
        room.status = 200
        await live.settle()
        assert all("6288" not in text(card.card) for card in live.cards("deal"))


async def test_a_card_that_cannot_be_drawn_does_not_end_the_waiting_for_a_tired_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = redraw

    async def broken(s: Services, shown: Shown, trail: Trail) -> Any:
        if shown.message is not None and shown.message.id == f"old{MANY - 1}":
            raise Refused("This card cannot be drawn.")
        return await drawn(s, shown, trail)

    monkeypatch.setattr(repaint, "redraw", broken)
    async with opened(tmp_path) as live:
        await many_cards(live)
        room = live.chat.rooms["deal"]
        room.status = 429
        await live.join(GUEST, "deal")
        async with asyncio.timeout(30):
            while await live.rows("job", "topic = 'room' AND tries > 1") == 0:
                await asyncio.sleep(0)
        room.status = 200
        await live.settle()
        assert [card.id for card in live.cards("deal") if "6288" in text(card.card)] == [f"old{MANY - 1}"]


async def test_a_card_past_editing_is_taken_away_or_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def delete(self: Channel, message: MessageRef) -> None:
        raise Fixed("It is too old.")

    monkeypatch.setattr(Channel, "limits", replace(Channel.limits, editable_for=60.0))
    monkeypatch.setattr(Channel, "delete", delete)
    async with opened(tmp_path) as live:
        await floated(live)
        live.clock.ahead(minutes=2)
        before = len(live.chat.sent)
        await live.natively("address", "星湖街 9 号")
        await live.settle()
        assert puts(live, before) == [] and len(live.cards("deal")) == 1
        assert await live.rows("slot", "room = 'web/deal' AND purpose = 'card' AND message IS NOT NULL") == 0
