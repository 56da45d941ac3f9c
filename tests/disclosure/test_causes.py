"""Each cause that takes something away from a posted card, on a gateway that works by itself: nothing is said or drawn
by hand, and its clock stands still from the cause until the card is another. So no due time lies between them;
what is looked at again and again is looked at within the five seconds that the rule allows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import access_following, afresh, house, leaving, lists, schedule
from gateway.house import House
from tests.gateway.bus.benches import until
from tests.gateway.fake_chat import text
from tests.gateway.house import CHEN, GUEST, LI, NAME, NAMES, PHONE, WANG, Live, members, opened
from tests.gateway.test_access_following import NO_NOTES, changed, second_admin
from tests.gateway.test_disclosed import NOTE

WITHIN_S = 5.0
HOURS = """@id("no-notes-from-ten-past-nine") forbid (principal, action == Action::"view", resource)
when { resource.sensitivity == Sensitivity::"confidential" && context.minute >= 550 && context.minute < 560 };"""
CAUSES = ("a field's own end", "a guest came", "a guest came unheard", "a role went", "a list fails", "the policies")
"""Each in a room of its own."""


@asynccontextmanager
async def working(folder: Path, patched: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    """With all the loops of a gateway; it was taken up already."""
    rules = folder / "policies"
    rules.mkdir()
    (rules / "hours.cedar").write_text(HOURS)

    async def nothing(_: House) -> None: ...

    setting = {"demo = true\n": f'demo = true\npolicies_dir = "{rules.as_posix()}"\n'}
    async with opened(folder, changed=setting) as live:
        live.crm.visible_until = {"phone": live.clock.now() + 9 * 60_000}
        await live.natively("address", "星湖街 9 号")
        await live.settle()
        for n, _ in enumerate(CAUSES):
            live.chat.room(f"r{n}", members(LI, CHEN, WANG))
            await live.say(LI, f"r{n}", NAME)
        await live.settle()
        patched.setattr(House, "take_up", nothing)
        await live.house.start()
        yield live


def shows(live: Live, n: int, what: str) -> Callable[[], bool]:
    return lambda: what in text(live.card(f"r{n}").card)


async def gone(live: Live, n: int, what: str) -> None:
    await until(lambda: not shows(live, n, what)())


async def test_each_cause_is_followed_by_a_gateway_that_works_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(tmp_path, monkeypatch) as live:
        await second_admin(live)
        ended, heard, unheard, role, fails, rules = range(len(CAUSES))
        assert all(shows(live, n, what)() for n in range(len(CAUSES)) for what in (PHONE, NOTE, "星湖街"))
        await live.join(GUEST, f"r{heard}")
        await gone(live, heard, NOTE)
        assert shows(live, role, NOTE)(), "in its own room alone"
        live.chat.rooms[f"r{unheard}"].members[GUEST] = (NAMES[GUEST], "guest")
        live.chat.rooms[f"r{fails}"].lists = 503
        live.clock.ahead(minutes=9)
        await gone(live, ended, PHONE)
        await gone(live, unheard, NOTE)
        assert shows(live, fails, NOTE)(), "its list is not too old yet"
        live.clock.ahead(minutes=1)
        for n in (ended, role, rules):
            await gone(live, n, NOTE)  # the window of time
        live.clock.ahead(minutes=10)
        for n in (ended, role, rules):
            await until(shows(live, n, NOTE))
        await gone(live, fails, "星湖街")
        chen = live.s.people.person("p_chenwei")
        assert chen is not None
        await live.s.people.put(replace(chen, roles=frozenset()))
        await gone(live, role, NOTE)
        await live.s.people.put(chen)
        await until(shows(live, role, NOTE))
        await changed(live, {"mine.cedar": NO_NOTES})
        for n in (ended, role, rules):
            await gone(live, n, NOTE)


def test_what_is_looked_at_again_and_again_is_looked_at_in_time() -> None:
    """The longest ways: somebody found by a list that a card asked for; a policy that several gateways follow."""
    follow = access_following.EVERY_S + afresh.FOLLOWED_MS / 1000 + schedule.LONGEST_S
    assert max(follow, leaving.LOOK_S + house.FOLLOW_S, 2 * lists.EVERY_S, schedule.LONGEST_S) < WITHIN_S
