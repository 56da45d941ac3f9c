"""The rules of who sees what in a room, one by one (docs/access.md names them A1 to A8)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from channels.model import Edits
from crm.model import Level
from tests.gateway.fake_chat import buttons, text
from tests.gateway.house import GUEST, HERO, LI, NAME, PHONE, SUN, WANG, ZHAO, Live, members, opened
from tests.gateway.test_edits import floated

YUNQI = "云栖纺织"
NOTE = "演示完成"
HIDING = '[sensitivity]\nname = "internal"\n'


async def card_in(live: Live, room: str, said: str = NAME, person: str = LI) -> str:
    await live.say(person, room, said)
    await live.settle()
    return "\n".join(text(each.card) for each in live.cards(room))


# A1 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "shows"), [("group", True), ("public", False)])
async def test_a1_a_public_room_is_read_by_the_whole_workspace(tmp_path: Path, kind: str, shows: bool) -> None:
    async with opened(tmp_path) as live:
        live.chat.room("open", members(LI, WANG), kind=kind)
        told = await card_in(live, "open")
        assert PHONE in told and (NOTE in told) is shows


@pytest.mark.parametrize("exempt", [False, True])
async def test_a1_a_bot_that_listens_is_a_reader_unless_exempt(tmp_path: Path, exempt: bool) -> None:
    bots = {"[audience]\n": '[audience]\nexempt_bots = ["web/demo/user/b_ears"]\n'} if exempt else {}
    async with opened(tmp_path, changed=bots) as live:
        live.chat.room("heard", {**members(LI, WANG), "b_ears": ("Ears", "bot")})
        assert (PHONE in await card_in(live, "heard")) is exempt


# A2 ----------------------------------------------------------------------------------------------------------------


async def test_a2_a_list_that_cannot_be_had_is_partly_there_or_is_old_only_shrinks(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.chat.rooms["east"].complete = False
        assert PHONE not in await card_in(live, "east")
        assert PHONE in await card_in(live, "deal")
        live.chat.rooms["deal"].lists = 503
        live.clock.ahead(minutes=45)
        await card_in(live, "deal", f"{NAME} 的合同")
        assert PHONE not in text(live.cards("deal")[-1].card)


async def test_a2_a_guest_counts_as_one_whoever_the_account_is_linked_to(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        wang = live.s.people.linked("im", f"web/demo/user/{WANG}")
        assert wang is not None
        await live.s.people.link(wang.id, "im", f"web/demo/user/{GUEST}", step="admin", evidence="", made_by="t")
        live.chat.room("three", members(LI, WANG, GUEST))
        assert PHONE not in await card_in(live, "three")


async def test_a2_a_colleague_nobody_mapped_reads_facts_and_no_notes(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        live.chat.room("three", members(LI, WANG, SUN))
        told = await card_in(live, "three")
        assert PHONE in told and NOTE not in told


# A3: tests/identity/test_properties.py, tests/disclosure/test_large_rooms.py ----------------------------------------


# A4 ----------------------------------------------------------------------------------------------------------------


async def test_a4_what_ends_is_edited_away_without_any_traffic(tmp_path: Path) -> None:
    """Nothing is said, nothing comes in: the row that is due does it, and it survives a restart."""
    async with opened(tmp_path) as live:
        live.crm.visible_until = {"phone": live.clock.now() + 3 * 60_000}
        await live.natively("address", "星湖街 9 号")
        await live.settle()
        assert PHONE in await card_in(live, "deal")
        assert await live.rows("due", "kind = 'slot'") == 1
        clock, chat = live.clock, live.chat
    async with opened(tmp_path, clock, chat) as live:
        clock.ahead(minutes=3)
        assert await live.house.schedule.once()
        await live.quiet()
        assert PHONE not in text(live.card("deal").card)


async def test_a4_a_leave_widens_nothing_that_is_posted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.join(GUEST, "deal")
        assert PHONE not in await card_in(live, "deal")
        painted = live.card("deal").paints
        await live.leave(GUEST, "deal")
        await live.settle()
        assert live.card("deal").paints == painted and PHONE not in text(live.card("deal").card)


@pytest.mark.parametrize("who", [SUN, ZHAO])
async def test_a4_a_join_and_a_role_that_goes_repaint_what_is_posted(tmp_path: Path, who: str) -> None:
    async with opened(tmp_path) as live:
        await card_in(live, "deal")
        assert NOTE in text(live.card("deal").card)
        await live.join(who, "deal")
        await live.settle()
        assert (NOTE in text(live.card("deal").card)) is (who == ZHAO)
        zhao = live.s.people.person("p_zhaolei")
        assert zhao is not None
        await live.s.people.put(replace(zhao, roles=frozenset()))
        await live.settle()
        assert NOTE not in text(live.card("deal").card)


# A5 ----------------------------------------------------------------------------------------------------------------


async def test_a5_where_a_posted_message_cannot_be_edited_no_value_is_posted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as live:
        channel = live.s.channels["web"]
        assert isinstance(channel, Edits)
        able = {
            name: each for name, each in vars(type(channel)).items() if name not in ("edit", "__dict__", "__weakref__")
        }
        monkeypatch.setattr(channel, "__class__", type("Posting", (), able))
        assert not isinstance(channel, Edits)
        told = await card_in(live, "deal")
        assert NAME in told and PHONE not in told and NOTE not in told and "谈判" not in told
        (card,) = live.cards("deal")
        assert buttons(card.card, "show_me") and not buttons(card.card, "edit")
        answer = await live.press_on(LI, card, "show_me")
        assert PHONE in text(answer), "for whoever presses, and may see it, it is there"
        whispers = "\n".join(text(each.card) for each in live.chat.whispers("deal", LI))
        assert "cannot be changed" in whispers or "改" in whispers, "and the author is told why the card is short"
        live.chat.room("alone", members(LI), kind="direct")
        assert PHONE in await card_in(live, "alone")


async def test_a5_what_is_restricted_is_never_in_a_group_whatever_a_policy_says(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "all.cedar").write_text('@id("all") permit (principal, action, resource);')
    policies = {'deployment = "demo"\n': f'deployment = "demo"\npolicies_dir = "{folder.as_posix()}"\n'}
    changed = {**policies, "[fields.phone]\n": '[fields.phone]\nsensitivity = "restricted"\n'}
    async with opened(tmp_path, changed=changed) as live:
        told = await card_in(live, "deal")
        assert NOTE in told and PHONE not in told
        assert PHONE in text(await live.press_on(LI, live.card("deal"), "show_me"))


# A6 ----------------------------------------------------------------------------------------------------------------


async def test_a6_show_me_is_judged_at_the_press_and_leaves_a_trace(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        card = await floated(live, "partner")
        button = buttons(card.card, "show_me")[0]
        assert PHONE not in str(button) and NAME not in str(button)
        assert PHONE in text(await live.press(LI, "partner", button, message=card.id))
        li = live.s.people.person("p_liting")
        assert li is not None
        await live.s.people.put(replace(li, roles=frozenset()))
        assert NOTE not in text(await live.press(LI, "partner", button, message=card.id)), "the same button, by now"
        await live.settle()
        told = [each.step for each in await live.s.trail.latest(200) if each.step.step == "showed_me"]
        assert [each.facts["person"] for each in told] == ["p_liting", "p_liting"] and told[0].facts["record"] == HERO


# A7 ----------------------------------------------------------------------------------------------------------------


async def test_a7_show_me_stands_there_whether_or_not_there_is_more_to_see(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.say(LI, "partner", NAME)
        await live.settle()
        for room in ("deal", "partner"):
            assert [each["label"] for each in buttons(live.card(room).card, "show_me")]


async def test_a7_a_list_counts_what_may_be_seen_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await card_in(live, "deal")
        before = text(live.card("deal").card)
        painted = live.card("deal").paints
        record = await live.s.records.mirrored(HERO)
        assert record is not None
        high: Level = "high"
        hidden = replace(
            record.related["risk"][0], id="r-hidden", text="zqhidden", level=high, sensitivity="restricted"
        )
        live.s.records._keep(replace(record, related={**record.related, "risk": (hidden, *record.related["risk"])}))
        await live.house.spine.refresh(HERO)
        await live.settle()
        assert text(live.card("deal").card) == before and live.card("deal").paints == painted


async def test_a7_a_card_of_several_does_not_tell_that_one_of_them_is_hidden(tmp_path: Path) -> None:
    """Of two in one message one may not be named there: the card is the one that the other has alone."""
    async with opened(tmp_path, extra=HIDING) as live:
        await live.settle()
        until = {"name": live.clock.now() - 1}
        record = await live.s.records.mirrored(HERO)
        assert record is not None
        live.s.records._keep(replace(record, visible_until=until))
        for room, said in (("deal", f"{NAME} 和 {YUNQI} 都要跟进"), ("east", f"{YUNQI} 要跟进")):
            await card_in(live, room, said)
        both, alone = live.card("deal").card, live.card("east").card
        assert both["name"] == alone["name"] and text(both).replace(trace(both), "") == text(alone).replace(
            trace(alone), ""
        )


def trace(card: dict[str, object]) -> str:
    blocks = card["blocks"]
    assert isinstance(blocks, list)
    return str(next((each.get("trace") for each in blocks if each["type"] == "footer"), ""))


# A8 ----------------------------------------------------------------------------------------------------------------


async def test_a8_where_the_name_may_not_be_shown_nothing_is_posted_and_a_posted_card_goes(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=HIDING) as live:
        await live.settle()
        assert await card_in(live, "partner") == ""
        assert NAME in text(live.chat.whispers("partner", LI)[-1].card), "the author is entitled, and told alone"
        await card_in(live, "deal")
        assert live.cards("deal")
        await live.join(GUEST, "deal")
        await live.settle()
        assert live.cards("deal") == []


async def test_a8_with_only_the_name_shown_there_is_one_line_and_show_me(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        told = await card_in(live, "partner")
        card = live.card("partner").card
        assert NAME in told and PHONE not in told and buttons(card, "show_me")
        assert not [each for each in card["blocks"] if each["type"] in ("fact", "note", "risk", "open_item", "contact")]
