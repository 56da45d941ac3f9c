"""What a CRM without a precondition was set to between our look and our write is an edit, and not lost."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.house import HERO, LI, NAME, PHONE
from tests.gateway.several import several

OURS, THEIRS = f"{PHONE} 7777 0001", f"{PHONE} 9999 0002"


async def test_it_is_kept_beside_ours_and_a_person_is_asked(tmp_path: Path) -> None:
    async with several(tmp_path) as world:
        await world.join()
        live, hub = world.live, world.hub

        def meanwhile() -> None:
            hub.before_write = None
            hub.set("companies", world.company, phone=THEIRS)

        await live.say(LI, "east", NAME)
        await live.settle()
        form = await live.open_form(LI, live.cards("east")[-1])
        hub.before_write = meanwhile
        await live.submit(LI, "east", form, phone=OURS)
        await live.settle()
        assert hub.before_write is None, "it was between the look and the write"
        assert await live.rows("outbox", "overwrote_unseen") == 1
        rows = await live.s.ledger.history(HERO, "phone")
        (theirs,) = [row for row in rows if row.edit.value == THEIRS]
        assert (theirs.edit.system, theirs.binding, theirs.quarantined) == ("hub", True, False)
        state = await live.s.ledger.state(HERO, "phone")
        assert state is not None and state.conflict is not None
        assert {each.value for each in state.challengers} == {OURS, THEIRS}
        assert "overwrote_unseen" in await live.steps()
        writes = len([each for each in hub.asked if each[0] == "PATCH"])
        live.clock.ahead(minutes=10)
        await live.settle()
        assert len([each for each in hub.asked if each[0] == "PATCH"]) == writes, "and nothing is written over again"
