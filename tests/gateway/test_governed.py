"""A field that a channel was not granted leaves by no way through it: card, show me, form, alert, command."""

from __future__ import annotations

from pathlib import Path

from gateway.config import Config
from gateway.governance import Governance, faults
from gateway.store.stages import DAY_MS
from identity.disclosure import Classes
from identity.model import Application
from tests.gateway.fake_chat import text
from tests.gateway.house import LI, NAME, WANG, Live, opened

SMS_ONLY = '[granted]\nphone = ["sms"]\n"contact.phone" = ["sms"]\n'
PHONE = "6288"


async def everything(live: Live) -> str:
    """All that was ever sent, and all that presses were answered."""
    await live.say(LI, "deal", f"{NAME} 明天谈续约")
    await live.settle()
    card = live.card("deal")
    said = [text((await live.press_on(person, card, "show_me"))["card"]) for person in (LI, WANG)]
    said.append(str(await live.open_form(LI, card)))
    for command in (f"/card {NAME}", "/why"):
        await live.say(LI, "deal", command, addressed=True)
        await live.settle()
    return "\n".join([*said, *(each.text for each in live.chat.sent)])


async def test_a_field_for_another_application_leaves_by_no_way(tmp_path: Path) -> None:
    async with opened(tmp_path, extra=SMS_ONLY) as live:
        said = await everything(live)
        assert PHONE not in said and "星湖街" in said and "顾明远" in said, "the contact is there, without the number"


async def test_the_same_ways_carry_it_where_it_is_granted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        assert PHONE in await everything(live)


async def test_a_channel_with_a_list_of_its_own_gets_that_and_writes_less(tmp_path: Path) -> None:
    rules = '[applications.web]\nread = ["name", "owner", "address", "phone"]\nwrite = ["address"]\n'
    async with opened(tmp_path, extra=rules) as live:
        said = await everything(live)
        assert PHONE in said and "演示完成" not in said and "谈判" not in said
        offered = await live.open_form(LI, live.card("deal"))
        assert [each["name"] for each in offered["fields"]] == ["address"]
        forged = dict(offered, fields=[*offered["fields"], {"name": "phone", "value": "", "token": ""}])
        answer = await live.submit(LI, "deal", forged, phone="+86 512 0000 0000")
        await live.settle()
        assert "0000 0000" not in str(await live.value("phone")), answer


async def test_a_channel_without_the_name_floats_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, extra='[applications.web]\nread = ["phone"]\n') as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        assert live.cards("deal") == [] and not [each for each in live.chat.sent if PHONE in each.text]


async def test_what_a_channel_carried_is_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await live.say(LI, "deal", NAME)
        await live.settle()
        card = live.card("deal")
        await live.submit(LI, "deal", await live.open_form(LI, card), address="星湖街 9 号")
        await live.settle()
        await live.s.tally.flush()
        found = await live.s.stages.store.readings(live.clock.now() // DAY_MS)
        counts = {field: {way: sum(days.values()) for way, days in ways.items()} for (_, field), ways in found.items()}
        assert {name for name, _ in found} == {"web"}
        paints = live.card("deal").paints
        assert counts["address"] == {"read": paints + 1, "written": 1}, "the card as often as it was painted, the form"
        assert counts["note"]["read"] == paints and paints > 1


def config(**more: object) -> Config:
    plain = {"deployment": "x", "master_key": "00" * 32, "fields": {"phone": {"label": {"en": "Phone"}}}}
    return Config.model_validate({**plain, **more})


def test_all_three_words_have_to_allow_it() -> None:
    made = config(
        fields={"phone": {"label": {}}, "city": {"label": {}}},
        granted={"phone": ["sms", "erp"]},
        applications={"sms": {"read": ["phone", "name"], "write": []}},
    )
    it = Governance(made, Classes({"phone": "internal", "city": "public"}, {}))
    for name, own, reads, writes in (
        ("sms", None, True, False),
        ("sms", frozenset({"city"}), False, False),
        ("erp", None, True, True),
        ("erp", frozenset({"class:public"}), False, False),
        ("erp", frozenset({"class:internal"}), True, True),
        ("other", frozenset({"*"}), False, False),
    ):
        asked = Application(name, reads=own)
        assert (it.reads(asked, "phone"), it.writes(asked, "phone")) == (reads, writes), (name, own)
    assert not it.reads(Application("sms"), "city") and it.reads(Application("other"), "city")
    assert it.reads(None, "phone") and it.writes(None, "phone"), "our own console is no application"
    assert not it.writes(Application("erp", writes=frozenset()), "phone")


def test_a_selector_that_means_nothing_is_a_fault() -> None:
    made = config(
        applications={"sms": {"read": ["phon", "class:secret"]}},
        granted={"contact.phone": [], "mobile": [], "client.phone": [], "note": []},
        stages={"minimal": ["ownr"], "rooms": {"x": "full"}},
    )
    keys = [key for key, _ in faults(made)]
    named = ["applications.sms.read", "applications.sms.read", "stages.minimal", "granted", "granted", "stages.rooms.x"]
    assert keys == named
    assert faults(config(applications={"sms": {"read": ["phone", "note", "url", "class:internal", "*"]}})) == []
