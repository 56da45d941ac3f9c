"""A field of tags, edited on cards by two who had not seen each other: both changes are in, nobody is asked."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.house import HERO, LI, WANG, opened
from tests.gateway.test_edits import floated

TAGS = {
    "[fields.address]": '[fields.address]\npolicy = "tags"',
    'policy = "latest" # the last writer wins, and the card says so': "",
    "[policies.finance]": '[policies.tags]\nmode = "merge"\nmerge = "set_union"\n[policies.finance]',
}


async def test_two_who_tag_at_once_both_tag(tmp_path: Path) -> None:
    async with opened(tmp_path, changed=TAGS) as house:
        card = await floated(house)
        first = await house.open_form(LI, card)
        await house.submit(LI, card.room, first, address="vip, east，vip")
        await house.settle()
        ref = HERO
        state = await house.s.ledger.state(ref, "address")
        assert state is not None and state.value == ["vip", "east"]
        assert "vip, east" in str(house.card(card.room).card) or "vip and east" in str(house.card(card.room).card)

        hers, his = await house.open_form(LI, card), await house.open_form(WANG, card)
        await house.submit(LI, card.room, hers, address="vip, east, key account")
        await house.submit(WANG, card.room, his, address="east; renewal")
        await house.settle()
        state = await house.s.ledger.state(ref, "address")
        assert state is not None and (state.reason, state.conflict) == ("merged", None)
        assert state.value == ["east", "key account", "renewal"]

        again = await house.open_form(LI, card)
        told = await house.submit(LI, card.room, again)
        assert "Nothing was changed" in str(told), "a merged value that nobody touched is no edit"
