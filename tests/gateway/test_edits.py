"""An edit in: decided, told, shown everywhere, settled, undone; and written back without overwriting anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway.story import worded
from gateway.teller import Teller
from tests.gateway.fake_chat import Message, buttons, text
from tests.gateway.house import CHEN, HERO, LI, NAME, WANG, Live, opened

Json = dict[str, Any]

ONE, TWO, THREE = "+86 512 6288 1111", "+86 512 6288 2222", "+86 512 6288 3333"
FIRST = "+86 512 6288 0016"


async def floated(live: Live, room: str = "deal", person: str = LI, name: str = NAME) -> Message:
    await live.say(person, room, name)
    await live.settle()
    return live.card(room)


async def both_edit(live: Live) -> Message:
    """Li and Wang change the phone without seeing each other. The conflict's card."""
    card = await floated(live)
    first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
    await live.submit(LI, "deal", first, phone=ONE)
    await live.submit(WANG, "deal", second, phone=TWO)
    await live.settle()
    return conflict(live)


def conflict(live: Live, room: str = "deal") -> Message:
    (found,) = [card for card in live.cards(room) if card.card["name"] == "conflict"]
    return found


def customer(live: Live, room: str = "deal") -> Message:
    (found,) = [card for card in live.cards(room) if card.card["name"] == "customer"]
    return found


def undecided(card: Message) -> list[str]:
    return [block["label"] for block in card.card["blocks"] if block.get("undecided")]


async def edits(live: Live, field: str = "phone", record: str = HERO) -> list[str]:
    return [row.edit.kind for row in await live.s.ledger.history(record, field)]


# one editor ------------------------------------------------------------------------------------------------------


async def test_saved_is_saved_everywhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live, "east")
        card = await floated(live)
        form = await live.open_form(LI, card)
        answer = await live.submit(LI, "deal", form, phone=ONE, stage="won")
        assert (answer["text"], answer["tone"]) == ("Saved.", "info")
        await live.settle()
        for room in ("deal", "east"):
            shown = text(customer(live, room).card)
            assert ONE in shown and "[Web card 1.0] 李婷 Li Ting" in shown and "in the CRM" in shown and "Won" in shown
        assert (await live.there("phone"), await live.there("stage"), live.crm.writes) == (ONE, "won", 2)


async def test_the_echo_of_our_own_write_makes_no_new_decision(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        before = await live.rows("decision")
        for _ in range(3):
            await live.settle()
        assert await live.rows("decision") == before
        assert await edits(live) == ["set", "snapshot"]


async def test_a_redelivered_form_decides_nothing_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        shown = {each["name"]: each["value"] for each in form["fields"]}
        carried = {each["name"]: each["token"] for each in form["fields"]}
        body = {"data": form["data"], "values": {**shown, "phone": ONE}, "tokens": carried}
        event = live.event("form", LI, "deal", message="", **body)
        assert (await live.post(event))[1]["answer"]["text"] == "Saved."
        assert "already" in (await live.post(event))[1]["answer"]["text"]
        await live.settle()
        assert await edits(live) == ["set", "snapshot"]


async def test_another_form_under_the_same_number_is_set_aside_and_says_so(tmp_path: Path) -> None:
    def forgotten(connection: Connection, items: Sequence[None]) -> list[None]:
        connection.exec_driver_sql("DELETE FROM seen")
        return [None] * len(items)

    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        shown = {each["name"]: each["value"] for each in form["fields"]}
        carried = {each["name"]: each["token"] for each in form["fields"]}
        body = {"data": form["data"], "values": {**shown, "phone": ONE}, "tokens": carried}
        await live.post(live.event("form", LI, "deal", id="twice", message="", **body))
        await live.settle()
        await live.s.store.write(forgotten, None)  # as when a queue was emptied
        body["values"]["phone"] = TWO
        answer = (await live.post(live.event("form", LI, "deal", id="twice", message="", **body)))[1]["answer"]
        assert answer["text"].endswith("came twice as one edit, with two values. This one is set aside.")
        await live.settle()
        teller = Teller(live.s.records, live.s.people, live.s.config, "en")
        steps = [step for step in await live.s.trail.latest(1000) if step.step.step == "edited"]
        assert "set aside" in (await worded(teller, steps[-1])).text
        assert await live.value("phone") == await live.there("phone") == ONE


async def test_an_unchanged_form_is_no_edit(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        spelled = await live.submit(LI, "deal", form, phone="  0512-62880016 ")
        assert spelled["text"] == "Nothing was changed.", "the same number in another spelling"
        assert await edits(live) == ["snapshot"]


async def test_what_somebody_else_changed_meanwhile_is_not_sent_back_with_the_form(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        mine, theirs = await live.open_form(LI, card), await live.open_form(WANG, card)
        await live.submit(WANG, "deal", theirs, stage="won")
        answer = await live.submit(LI, "deal", mine, phone=ONE)
        assert answer["text"] == "Saved."
        await live.settle()
        assert (await live.value("stage"), await live.value("phone")) == ("won", ONE)


async def test_a_field_that_was_empty_can_be_filled_and_cleared(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(WANG, await floated(live, person=WANG))
        await live.submit(WANG, "deal", form, email="")
        await live.settle()
        assert await live.value("email") is None and await live.there("email") is None
        form = await live.open_form(WANG, live.card("deal"))
        await live.submit(WANG, "deal", form, email="new@example.com")
        await live.settle()
        assert await live.there("email") == "new@example.com"


async def test_wrong_values_are_told_field_by_field(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        wrong = {"phone": "abc", "email": "nobody", "renewal": "tomorrow", "amount": "a lot", "stage": "asleep"}
        answer = await live.submit(LI, "deal", form, **wrong)
        assert (answer["kind"], set(answer["errors"])) == ("errors", set(wrong))
        assert all(answer["errors"].values())
        answer = await live.submit(LI, "deal", form, address="x" * 100_000, phone=ONE)
        assert set(answer["errors"]) == {"address"}
        assert await edits(live) == ["snapshot"], "one wrong field keeps the others from being saved"
        answer = await live.submit(LI, "deal", form, address="a\x00b\ud800c")
        assert answer["kind"] in ("toast", "errors")
        await live.settle()


async def test_a_field_that_is_not_offered_is_not_taken(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        form = await live.open_form(LI, await floated(live))
        for field in ("credit_limit", "owner", "tier", "nonsense", "@record"):
            answer = await live.submit(LI, "deal", form, **{field: "1"})
            assert "may not edit" in answer["text"], field
        assert await live.rows("edit", "kind <> 'snapshot'") == 0


# two editors -----------------------------------------------------------------------------------------------------


async def test_a_conflict_is_shown_settled_and_undone(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        shown = text(card.card)
        assert all(value in shown for value in (FIRST, ONE, TWO))
        assert await live.value("phone") == ONE, "what stood stands while nobody has decided"
        assert undecided(customer(live)) == ["Phone"]
        assert await live.there("phone") in (FIRST, ONE), "nothing new is written while undecided"
        answer = await live.press(LI, "deal", await choice(live, card, TWO))
        assert answer["text"] == "Settled."
        await live.settle()
        assert (await live.value("phone"), await live.there("phone")) == (TWO, TWO)
        assert not buttons(conflict(live).card, "settle")
        assert "李婷" in text(conflict(live).card), "by whom"
        (undo,) = buttons(conflict(live).card, "undo")
        answer = await live.press(WANG, "deal", undo)
        assert answer["text"] == "Undone. The conflict is open again."
        await live.settle()
        again = conflict(live)
        assert again.id == card.id, "the same card comes back, where it happened"
        assert (sides(again), await live.value("phone")) == (sides(card), ONE), "what stood stands until it is decided"
        assert (await live.press(WANG, "deal", undo))["text"] == "This was undone already."
        await live.press(LI, "deal", await choice(live, again, ONE))
        await live.settle()
        assert await live.value("phone") == await live.there("phone") == ONE
        assert not buttons(conflict(live).card, "settle")
        assert await live.s.ledger.conflicts() == [] and await live.s.ledger.verify() is None


def sides(card: Message) -> list[tuple[str, ...]]:
    """Who says what, where and when; not the buttons, which say what was seen."""
    columns = [column for block in card.card["blocks"] if block["type"] == "columns" for column in block["columns"]]
    return sorted(tuple(str(each.get(key)) for key in ("label", "value", "who", "source", "at")) for each in columns)


async def choice(live: Live, card: Message, value: str) -> Json:
    """The button that settles for this value."""
    for button in buttons(card.card, "settle"):
        _, press = live.s.buttons.read(button["data"])
        if await live.s.ledger.value_of(press.text("e")) == value:
            return button
    raise AssertionError(f"no side is {value}")


async def test_a_settled_card_says_what_was_settled_then(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        await live.press_on(LI, card, "settle", 0)
        await live.settle()
        settled = await live.value("phone")
        await live.submit(WANG, "deal", await live.open_form(WANG, customer(live)), phone=THREE)
        await live.settle()
        assert settled in text(conflict(live).card) and THREE not in text(conflict(live).card)


async def test_of_two_who_settle_at_once_one_settles_and_the_other_reads_by_whom(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        one, two = buttons(card.card, "settle")
        answers = await asyncio.gather(live.press(LI, "deal", one), live.press(WANG, "deal", two))
        said = sorted(answer["text"] for answer in answers)
        assert said[0] == "Settled." or said[1] == "Settled."
        (other,) = [answer for answer in said if answer != "Settled."]
        assert other in ("This is settled already, by 李婷 Li Ting.", "This is settled already, by 王敏 Wang Min.")
        await live.settle()
        assert (await edits(live)).count("resolve") == 1
        assert await live.s.ledger.conflicts() == []


async def test_settling_twice_is_told_and_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        one, two = await choice(live, card, ONE), await choice(live, card, TWO)
        await live.press(LI, "deal", one)
        assert "may not edit" in (await live.press(CHEN, "deal", two))["text"], "another team's"
        assert "already, by 李婷" in (await live.press(WANG, "deal", two))["text"]
        await live.settle()
        assert await live.value("phone") == ONE


async def test_a_settle_pressed_on_a_card_that_had_not_seen_a_newer_edit_leaves_it_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        forms = [await live.open_form(person, card) for person in (LI, WANG, WANG)]
        await live.submit(LI, "deal", forms[0], phone=ONE)
        await live.submit(WANG, "deal", forms[1], phone=TWO)
        await live.settle()
        old = buttons(conflict(live).card, "settle")[0]
        await live.submit(WANG, "deal", forms[2], phone=THREE)
        await live.settle()
        answer = await live.press(LI, "deal", old)
        assert "did not show" in answer["text"]
        await live.settle()
        (case,) = await live.s.ledger.conflicts()
        assert case.field == "phone"
        assert THREE in text(conflict(live).card)


async def test_undo_twice_is_undone_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.settle()
        (undo,) = buttons(customer(live).card, "undo")
        answers = await asyncio.gather(live.press(LI, "deal", undo), live.press(WANG, "deal", undo))
        assert sorted(answer["text"] for answer in answers) == ["This was undone already.", "Undone."]
        await live.settle()
        assert await live.value("phone") == await live.there("phone") == FIRST
        assert (await edits(live)).count("revert") == 1
        (again,) = buttons(customer(live).card, "undo")
        assert (await live.press(LI, "deal", again))["text"] == "Undone.", "an undo can itself be undone"
        await live.settle()
        assert await live.value("phone") == ONE


async def test_an_undo_of_what_somebody_built_on_is_a_conflict(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live)
        await live.submit(LI, "deal", await live.open_form(LI, card), phone=ONE)
        await live.settle()
        (undo,) = buttons(customer(live).card, "undo")
        await live.submit(WANG, "deal", await live.open_form(WANG, customer(live)), phone=TWO)
        await live.settle()
        answer = await live.press(LI, "deal", undo)
        assert "built on that change" in answer["text"]
        await live.settle()
        assert {FIRST, TWO} <= set(text(conflict(live).card).split("\n"))


async def test_a_settlement_somebody_built_on_is_offered_as_a_conflict(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await both_edit(live)
        await live.press(LI, "deal", await choice(live, card, TWO))
        await live.settle()
        (undo,) = buttons(conflict(live).card, "undo")
        await live.submit(WANG, "deal", await live.open_form(WANG, customer(live)), phone=THREE)
        await live.settle()
        answer = await live.press(LI, "deal", undo)
        assert "built on that change" in answer["text"]
        await live.settle()
        (case,) = await live.s.ledger.conflicts()
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and {each.value for each in state.challengers} == {ONE, THREE}
        assert case.id != card.id and state.value == THREE


async def test_a_field_that_never_had_a_value_is_filled_by_two(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        ref, name = "local:account:miaoxiang-tea", "妙香茶业"
        assert await live.s.ledger.state(ref, "email") is None
        card = await floated(live, name=name)
        first, second = await live.open_form(CHEN, card), await live.open_form(WANG, card)
        assert (await live.submit(CHEN, "deal", first, email="a@example.com"))["text"] == "Saved."
        assert "Both values are kept" in (await live.submit(WANG, "deal", second, email="b@example.com"))["text"]
        await live.settle()
        assert len(await live.s.ledger.conflicts()) == 1


async def test_a_conflict_over_an_empty_field_can_be_edited(tmp_path: Path) -> None:
    async with opened(tmp_path, changed={"[fields.email]": '[fields.email]\npolicy = "ask"'}) as live:
        await live.natively("email", None)
        await live.settle()
        card = await floated(live)
        first, second = await live.open_form(LI, card), await live.open_form(WANG, card)
        await live.submit(LI, "deal", first, email="a@example.com")
        await live.submit(WANG, "deal", second, email="b@example.com")
        await live.settle()
        assert len(await live.s.ledger.conflicts()) == 1
        form = await live.open_form(LI, customer(live))
        answer = await live.submit(LI, "deal", form, email="c@example.com")
        assert "Both values are kept" in answer["text"]  # the form did not show the other side
        await live.settle()
        state = await live.s.ledger.state(HERO, "email")
        assert state is not None
        assert {each.value for each in state.challengers} == {"b@example.com", "c@example.com"}
