"""Managers and admins are reached where they are: alerts acknowledged and snoozed, and somebody nobody has mapped."""

from __future__ import annotations

from pathlib import Path

from cards.words import say
from channels.model import ImId
from crm.model import RecordRef
from tests.channels.telegram.fake_api import Message
from tests.channels.telegram.house import STRANGER, WANG_TG, Telegram, telegram
from tests.gateway.house import NAME, ZHAO

CLOUD = RecordRef.parse("local:account:yunqi-textile")
ZHAO_TG = 505


async def only_here(here: Telegram, person: str) -> None:
    (web,) = [link for link in here.live.s.people.links(person) if link.key.startswith("web/")]
    await here.live.s.people.unlink(web.id, "test")


def labelled(card: Message, words: str) -> str:
    """In whichever language it is read there; empty where there is no such button."""
    there = [key["text"] for row in card.keys for key in row]
    return next((each for each in there if each in (say("en", words), say("zh-CN", words))), "")


async def test_an_alert_is_snoozed_comes_again_and_is_acknowledged_in_place(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        await here.start(WANG_TG)
        await only_here(here, "p_wangmin")
        before = {each.id for each in here.api.in_room(WANG_TG)}
        (risk,) = (await here.live.crm.get(CLOUD)).related["risk"]
        await here.live.crm.set_risk_level(CLOUD, risk.id, "high", "li.ting")
        await here.live.settle()
        (alert,) = [each for each in here.api.in_room(WANG_TG) if each.id not in before]
        assert "云栖纺织" in alert.plain
        for words in ("Snooze", "Acknowledge"):
            assert labelled(alert, words)
            await here.press(WANG_TG, alert, labelled(alert, words))
            await here.live.settle()
            assert not labelled(alert, words), "painted in place"
            here.live.clock.ahead(hours=2)
            await here.live.settle()
        assert not labelled(alert, "Snooze") and not labelled(alert, "Acknowledge")


async def test_an_admin_hears_of_somebody_nobody_mapped_and_says_who_it_is(tmp_path: Path) -> None:
    async with telegram(tmp_path) as here:
        people, new = here.live.s.people, ImId("telegram", here.link(STRANGER).split("/")[1], "user", str(STRANGER)).key
        person = people.linked("im", ImId("web", "demo", "user", ZHAO).key)
        assert person is not None and people.linked("im", new) is None
        await people.link(person.id, "im", here.link(ZHAO_TG), step="admin", evidence="test", made_by="test")
        here.names |= {ZHAO_TG: "Zhao Lei", STRANGER: "陈伟 Chen Wei"}
        here.api.people |= here.names
        await here.start(ZHAO_TG)
        await only_here(here, "p_zhaolei")
        before = {each.id for each in here.api.in_room(ZHAO_TG)}
        await here.say(STRANGER, NAME)
        await here.live.settle()
        (notice,) = [each for each in here.api.in_room(ZHAO_TG) if each.id not in before]
        await here.press(ZHAO_TG, notice, notice.keys[0][0]["text"])
        await here.live.settle()
        found = people.linked("im", new)
        assert found is not None and found.id == "p_chenwei"
