"""A field nobody has filled in is offered by the form, shown by no card, and can be filled in."""

from __future__ import annotations

from pathlib import Path

from crm.model import RecordRef
from tests.gateway.house import LI, opened


async def test_an_empty_field_can_be_filled_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        made: RecordRef = await live.crm.create("澄湖新材", "li.ting", team="east", region="华东")
        await live.crm.set_owners(made, ["li.ting"], "li.ting")
        await live.settle()
        await live.say(LI, "deal", "澄湖新材那边怎么样")
        await live.settle()
        card = live.card("deal")
        assert [block for block in card.card["blocks"] if block["type"] == "fact" and block["label"] == "Phone"] == []
        form = await live.open_form(LI, card)
        assert {field["name"] for field in form["fields"]} >= {"phone", "address", "renewal"}
        answer = await live.submit(LI, "deal", form, phone="+86 512 6288 1234")
        assert answer["kind"] == "toast"
        await live.settle()
        assert await live.value("phone", made.key) == "+86 512 6288 1234"
        assert await live.there("phone", made.key) == "+86 512 6288 1234"
        facts = {
            block["label"]: block["value"] for block in live.card("deal").card["blocks"] if block["type"] == "fact"
        }
        assert facts["Phone"] == "+86 512 6288 1234"
