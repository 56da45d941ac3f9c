"""Stages over the whole house: cards are cut after disclosure, what people do is counted, admins alone are told why."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Refused, Retry
from gateway.evidence import evidence
from gateway.stages import Stages
from gateway.store.auditing import AuditStore
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, GUEST, HERO, LI, NAME, WANG, ZHAO, Live, opened

MINIMAL = {'start = "full"': 'start = "minimal"'}
ADMIN = "p_zhaolei"


async def floated(live: Live, room: str = "deal") -> str:
    await live.say(LI, room, f"{NAME} 明天谈续约", locale="zh-CN")
    await live.settle()
    return text(live.card(room).card)


async def step(live: Live, stage: str, kind: str = "group/group") -> None:
    stages = live.s.stages
    await stages.decide(kind, stage, stages.run(kind).run, ADMIN)
    await live.settle()


async def did(live: Live, kind: str = "group/group") -> dict[str, int]:
    await live.s.tally.flush()
    return dict((await evidence(live.s.stages, kind, live.clock.now())).counts)


async def test_a_new_room_begins_with_name_and_owner(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=MINIMAL) as live:
        shown = await floated(live)
        assert NAME in shown
        owner = (await live.s.records.get(HERO)).fields["owner"].value  # type: ignore[union-attr]
        assert str(owner) in shown
        for hidden in ("6288", "演示完成", "谈判", "星湖街", "VIP"):
            assert hidden not in shown, hidden
        answer = await live.press_on(LI, live.card("deal"), "show_me")
        assert "6288" in text(answer["card"]), "who asks for it sees all that they may"


async def test_each_stage_shows_more_and_never_more_than_disclosure_allows(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=MINIMAL) as live:
        await floated(live)
        shorter = text(live.card("deal").card)
        await step(live, "standard")
        await live.s.bus.bump()
        await live.house.afresh.all()
        await live.settle()
        standard = text(live.card("deal").card)
        assert "谈判" in standard and "演示完成" not in standard and shorter != standard
        await step(live, "full")
        await live.house.afresh.all()
        await live.settle()
        assert "演示完成" in text(live.card("deal").card)
        await live.join(GUEST, "deal")
        await live.settle()
        assert "演示完成" not in text(live.card("deal").card), "full is what the room may see, and no more"


async def test_a_step_back_shortens_what_is_up_and_touches_no_other_kind(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        live.chat.rooms["partner"].members.pop(GUEST)
        await live.say(LI, "partner", NAME)
        await live.settle()
        other = text(live.card("partner").card)
        assert "演示完成" in text(live.card("deal").card)
        await step(live, "minimal")
        assert "演示完成" not in text(live.card("deal").card) and "6288" not in text(live.card("deal").card)
        assert text(live.card("partner").card) == other
        assert live.s.stages.run("external_group/group").stage == "full"


async def test_what_is_decided_stands_after_a_restart_and_is_in_the_record_of_deeds(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await step(live, "standard")
        chat, clock = live.chat, live.clock
    async with opened(tmp_path, clock, chat) as live:
        await live.s.stages.follow(surely=True)
        assert live.s.stages.run("group/group").stage == "standard"
        audit = AuditStore(live.s.store, live.clock)
        (row,) = [each for each in await audit.latest() if each.what == "staged"]
        assert (row.by, row.subject, row.facts["was"], row.facts["stage"]) == (ADMIN, "group/group", "full", "standard")
        await live.s.stages.undo("group/group", 1, ADMIN)
        assert live.s.stages.run("group/group").stage == "full"
        (undone, _) = [each for each in await audit.latest() if each.what == "staged"]
        assert undone.facts["undoes"] == 1 and await audit.verify() is None


async def test_two_admins_at_once_are_not_both_heard(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        stages = live.s.stages
        await stages.decide("group/group", "standard", 0, ADMIN)
        with pytest.raises(Refused, match="decided meanwhile"):
            await stages.decide("group/group", "minimal", 0, ADMIN)
        with pytest.raises(Refused, match="already"):
            await stages.decide("group/group", "standard", 1, ADMIN)
        with pytest.raises(Refused, match="no such stage"):
            await stages.decide("group/crowd", "standard", 0, ADMIN)
        with pytest.raises(Refused):
            await stages.undo("group/group", 7, ADMIN)


async def test_what_people_do_with_cards_is_counted_and_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        await floated(live, "east")
        await live.press_on(CHEN, live.card("east"), "wrong")
        card = live.card("deal")
        await live.press_on(WANG, card, "show_me")
        await live.press_on(LI, card, "show_me")
        await live.submit(LI, "deal", await live.open_form(LI, card), address="星湖街 9 号")
        await live.settle()
        assert await did(live) == {"shown": 2, "wrong": 1, "opened": 2, "edited": 1}, "a repaint is no new showing"
        await live.say(LI, "deal", "/quiet 1h", addressed=True)
        await live.say(LI, "deal", "/quiet 0s", addressed=True)
        await live.settle()
        assert await did(live) == {"shown": 2, "opened": 2, "edited": 1, "muted": 1, "wrong": 1}
        held = await live.rows("behaviour", "kind NOT IN ('group/group', 'direct/direct')")
        assert held == 0 and await live.rows("behaviour", "stage <> 'full'") == 0


async def test_counts_begin_anew_with_each_decision(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        await step(live, "standard")
        live.clock.ahead(minutes=40)
        await live.say(LI, "east", NAME)
        await live.settle()
        await live.s.tally.flush()
        found = await evidence(live.s.stages, "group/group", live.clock.now())
        assert found.counts == {"shown": 1} and found.counts_before == {"shown": 1}
        assert found.before is not None and (found.before.run, found.before.stage) == (0, "full")


async def test_why_a_card_is_short_is_told_to_an_admin_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=MINIMAL) as live:
        live.chat.rooms["deal"].members[ZHAO] = ("赵磊", "member")
        await floated(live)
        assert all("阶段" not in each.text for each in live.chat.sent if '"to"' in each.text), "no member is told"
        for person, told in ((LI, False), (ZHAO, True)):
            live.chat.sent.clear()
            await live.say(person, "deal", "/why", locale="en", addressed=True)
            await live.settle()
            said = "\n".join(each.text for each in live.chat.sent)
            assert "Matched" in said
            assert ("stage minimal" in said) is told and ("Notes" in said) is told, person


async def test_counts_go_by_age(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await floated(live)
        await live.s.tally.flush()
        assert await live.rows("behaviour") > 0 and await live.rows("reading") > 0
        assert await live.s.stages.store.forget(live.clock.now()) == 0, "today is not over"
        later = live.clock.now() + 2 * 86_400_000
        while await live.s.stages.store.forget(later):
            pass
        assert await live.rows("behaviour") == await live.rows("reading") == 0


async def test_what_could_not_be_kept_is_counted_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as live:
        await floated(live)

        async def down(*_: object) -> None:
            raise OSError("away")

        with monkeypatch.context() as broken:
            broken.setattr(type(live.s.stages.store), "add", down)
            with pytest.raises(OSError, match="away"):
                await live.s.tally.flush()
        assert (await did(live))["shown"] == 1


async def test_a_gateway_that_never_heard_what_was_decided_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is configured may be longer than what an admin decided."""
    async with opened(tmp_path) as live:
        stages = Stages(live.s.config, live.s.classes, live.s.stages.store)

        async def away(self: object) -> int:
            raise Retry(1.0, "away")

        with monkeypatch.context() as broken:
            broken.setattr(type(stages.store), "version", away)
            with pytest.raises(Retry):
                await stages.follow()
        await stages.follow()
        await live.s.stages.decide("group/group", "minimal", 0, ADMIN)
        with monkeypatch.context() as broken:
            broken.setattr(type(stages.store), "version", away)
            await stages.follow()
            assert stages.run("group/group").stage == "full", "what was heard last stands while the store is away"
        await stages.follow(surely=True)
        assert stages.run("group/group").stage == "minimal"
