"""The whole gateway on Slack: deliveries signed as Slack signs them, a Slack that remembers what it was told."""

from __future__ import annotations

from pathlib import Path

from crm.model import RecordRef
from tests.channels.slack.world import BOT, CHEN, DEAL, LI, PARTNER, WANG, around, buttons, words
from tests.gateway.house import NAME

CLOUD = RecordRef.parse("local:account:yunqi-textile")


async def test_from_a_mention_to_an_acknowledged_alert(tmp_path: Path) -> None:
    """mention → card in the thread → modal → conflict → settle → undo → alert acknowledged."""
    async with around(tmp_path) as world:
        slack, live = world.slack, world.live
        ts = await world.say(LI, DEAL, f"tomorrow to {NAME}")
        card = world.card()
        assert card.thread == ts and NAME in words(card.blocks)

        first = slack.views[await world.press(LI, card, buttons(card.blocks, "edit")[0])]
        second = slack.views[await world.press(WANG, card, buttons(card.blocks, "edit")[0])]
        assert first["type"] == second["type"] == "modal"
        await world.submit(LI, first, phone="+86 512 1111 1111")
        assert card.edits >= 1 and "1111 1111" in words(card.blocks), "painted in place"
        answer = await world.submit(WANG, second, phone="+86 512 2222 2222")
        assert answer["response_action"] == "update", "that somebody changed it meanwhile is said where it was found"
        (conflict,) = [each for each in slack.cards(DEAL) if buttons(each.blocks, "settle")]
        sides = words(conflict.blocks)
        assert "1111 1111" in sides and "2222 2222" in sides and conflict.thread == ts
        theirs = buttons(conflict.blocks, "settle")
        await world.press(WANG, conflict, theirs[-1])
        await live.settle()
        settled = str(await live.value("phone"))
        assert settled in ("+86 512 1111 1111", "+86 512 2222 2222") and await live.there("phone") == settled
        assert not buttons(conflict.blocks, "settle")

        undo = [button for each in slack.cards(DEAL) for button in buttons(each.blocks, "undo")]
        await world.press(WANG, conflict if buttons(conflict.blocks, "undo") else card, undo[0])
        await live.settle()
        (conflict,) = [each for each in slack.cards(DEAL) if buttons(each.blocks, "settle")]
        sides = words(conflict.blocks)
        shown = sorted(("+86 512 1111 1111", "+86 512 2222 2222"), key=sides.index)
        await world.press(WANG, conflict, buttons(conflict.blocks, "settle")[1 - shown.index(settled)])
        await live.settle()
        assert await live.value("phone") != settled and await live.there("phone") != settled

        (web,) = [link for link in live.s.people.links("p_wangmin") if link.key.startswith("web/")]
        await live.s.people.unlink(web.id, "test")
        (risk,) = (await live.crm.get(CLOUD)).related["risk"]
        await live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
        await live.settle()
        (alert,) = slack.cards("D" + WANG[1:])
        assert "云栖纺织" in words(alert.blocks)
        await world.press(WANG, alert, buttons(alert.blocks, "acknowledge")[0])
        assert not buttons(alert.blocks, "acknowledge") and alert.edits == 1


async def test_a_guest_sees_a_name_and_somebody_from_outside_shrinks_the_card(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(LI, PARTNER, NAME)
        held = words(world.card(PARTNER).blocks)
        assert NAME in held and "谈判" not in held
        await world.say(LI, DEAL, NAME)
        assert "谈判" in words(world.card().blocks)
        world.slack.rooms[DEAL].append("U9STRANGE")
        world.slack.users["U9STRANGE"] = {"team_id": "T9OTHER01", "is_stranger": True}
        join = {"type": "member_joined_channel", "user": "U9STRANGE", "channel": DEAL, "team": "T9OTHER01"}
        assert (await world.event(join))[0] == 200
        await world.live.settle()
        assert NAME in words(world.card().blocks) and "谈判" not in words(world.card().blocks)


async def test_a_link_to_a_customer_is_previewed_through_the_same_gate(tmp_path: Path) -> None:
    url = "https://crm.example/accounts/hx-medical"
    async with around(tmp_path) as world:
        for room, sees in ((DEAL, True), (PARTNER, False)):
            shared = {"type": "link_shared", "channel": room, "user": LI, "message_ts": "1795200001.000100"}
            links = [{"domain": "crm.example", "url": url}, {"domain": "crm.example", "url": url + "-not"}]
            assert (await world.event({**shared, "links": links}))[0] == 200
            await world.live.settle()
            shown = words(world.slack.previews[room, "1795200001.000100", url])
            assert NAME in shown and ("谈判" in shown) is sees
        assert len(world.slack.previews) == 2, "no preview of what is no customer's page"
        world.slack.rooms[DEAL].append("U9STRANGE")
        world.slack.users["U9STRANGE"] = {"team_id": "T9OTHER01"}
        await world.event({"type": "member_joined_channel", "user": "U9STRANGE", "channel": DEAL, "team": "T9OTHER01"})
        await world.live.settle()
        assert "谈判" not in words(world.slack.previews[DEAL, "1795200001.000100", url])


async def test_everybody_has_a_page_of_their_own(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.event({"type": "app_home_opened", "user": LI, "channel": "D1", "tab": "home"})
        await world.live.settle()
        home = world.slack.homes[LI]
        assert home["type"] == "home" and NAME in words(home["blocks"])
        await world.press_in(LI, {**home, "id": "V1"}, buttons(home["blocks"], "code")[0])
        ((room, who, blocks),) = [*world.slack.whispers, *[(p.room, LI, p.blocks) for p in world.slack.posted]]
        assert (room, who) == ("D" + LI[1:], LI) and "/link" in words(blocks)
        await world.live.natively("stage", "won")
        await world.live.settle()
        assert "成交" in words(world.slack.homes[LI]["blocks"]), "it is painted again like any card"
        await world.event({"type": "app_home_opened", "user": "U0NOBODY1", "channel": "D1", "tab": "home"})
        await world.live.settle()
        assert NAME not in words(world.slack.homes["U0NOBODY1"]["blocks"])


async def test_it_introduces_itself_once(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        joined = {"type": "member_joined_channel", "user": BOT, "channel": DEAL, "team": ""}
        for _ in range(2):
            assert (await world.event(joined))[0] == 200
            await world.live.settle()
        (hello,) = world.slack.cards(DEAL)
        told = words(hello.blocks)
        assert "/floatcard quiet 2h" in told and "/floatcard help" in told, "as it is typed: /help is Slack's own"
        assert not hello.thread
        await world.event({"type": "member_joined_channel", "user": CHEN, "channel": DEAL, "team": ""})
        await world.live.settle()
        assert world.card() is hello


async def test_commands_and_shortcuts_are_answered_to_their_reader_alone(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        raw = f"team_id=T0FLOAT01&channel_id={DEAL}&user_id={LI}&command=/card&text=hx&trigger_id=tr.c1"
        assert (await world.post(raw.encode(), "application/x-www-form-urlencoded"))[0] == 200
        await world.live.settle()
        message = {"ts": "1795200002.000100", "text": f"about {NAME}", "user": CHEN}
        shortcut = {"type": "message_action", "callback_id": "card", "trigger_id": "tr.c2", "user": world.user(LI)}
        await world.interact({**shortcut, "team": {"id": "T0FLOAT01"}, "channel": {"id": DEAL}, "message": message})
        await world.live.settle()
        assert [(room, who) for room, who, _ in world.slack.whispers] == [(DEAL, LI)] * 2
        assert NAME in words(world.slack.whispers[1][2])
        assert not world.slack.posted
