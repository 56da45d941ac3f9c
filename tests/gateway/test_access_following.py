"""Access policies change while the gateway works: checked, approved by another, followed everywhere, cards redrawn."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql_text

from gateway.access_changes import AccessChanges
from gateway.access_following import EVERY_S, Following
from gateway.app import open_house
from gateway.config import check, load
from gateway.errors import Misconfigured, Refused
from gateway.store.access_versions import FILES, AccessVersions, Apply
from identity.model import Person
from tests.gateway.bus.benches import until
from tests.gateway.fake_chat import text
from tests.gateway.house import LI, NAME, Hands, Live, members, opened
from tests.gateway.house import ZHAO as ZHAOLEI
from tests.gateway.test_disclosed import NOTE
from tests.gateway.test_edits import floated
from tests.gateway.test_two import both

__all__ = ["both"]

ZHAO, NOOR = "p_zhaolei", "p_noor"
NO_NOTES = (
    '@id("no-notes-in-rooms") forbid (principal, action == Action::"view", resource)\n'
    'when { resource.sensitivity == Sensitivity::"confidential" && context.scene == Scene::"group" };\n'
)
NOBODY = "forbid (principal, action, resource);\n"


def changes(live: Live) -> AccessChanges:
    return AccessChanges(live.s.store, live.s.people, live.s.config.zone)


async def second_admin(live: Live) -> None:
    await live.s.people.put(Person(NOOR, "Noor", frozenset({"admin"})))


async def changed(live: Live, files: dict[str, str | None]) -> int:
    """Proposed by one admin and applied by another: the version's number."""
    it, now = changes(live), live.clock.now()
    made = await it.propose(await it.laid_over(files), ZHAO, "too many read notes", now)
    return (await it.apply(made.n, NOOR, "seen the difference", now, over=made.base)).n


async def test_a_change_is_followed_and_every_posted_card_drawn_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await second_admin(live)
        following = Following(live.s, live.house.afresh)
        assert not await following.once()
        card = await floated(live)
        assert NOTE in text(card.card)
        sent = len(live.chat.sent)
        n = await changed(live, {"mine.cedar": NO_NOTES})
        assert await following.once() and not await following.once()
        await live.settle()
        assert NOTE not in text(live.card("deal").card)
        assert not [one for one in live.chat.sent[sent:] if NOTE in one.text]
        assert live.s.access.policies["no-notes-in-rooms"].file == "mine.cedar"
        await changes(live).back(None, NOOR, "the room needs them", live.clock.now())
        assert await following.once()
        await live.settle()
        assert NOTE in text(live.card("deal").card) and "no-notes-in-rooms" not in live.s.access.policies
        assert (await changes(live).versions.in_force()).n == n + 1  # type: ignore[union-attr]


async def test_a_repaint_the_store_refused_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as live:
        await second_admin(live)
        await floated(live)
        following = Following(live.s, live.house.afresh)
        await changed(live, {"mine.cedar": NO_NOTES})

        async def fails() -> None:
            raise ConnectionError

        with monkeypatch.context() as patch, pytest.raises(ConnectionError):
            patch.setattr(live.house.afresh, "all", fails)
            await following.once()
        assert not await following.once(), "the policies are in force since, the cards are drawn now"
        await live.settle()
        assert NOTE not in text(live.card("deal").card)


async def test_what_contradicts_the_schema_or_locks_everybody_out_never_comes_in_force(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await second_admin(live)
        it, now, before = changes(live), live.clock.now(), live.s.access.hash
        for bad, said in (
            ('@id("typo") permit (principal, action, resource) when { principal.shoe };', "bad.cedar: typo (line 1)"),
            (NOBODY, "no admin ever sees anything"),
            ("(" * 30_000, "bad.cedar: line 1"),
            ("permit (principal, action, resource) when { context.minute == context.weekday };", "literal"),
        ):
            with pytest.raises(Refused) as why:
                await it.propose(await it.laid_over({"bad.cedar": bad}), ZHAO, "why", now)
            assert said in str(why.value.facts["faults"])
        for name in ("../x.cedar", "x.cedarschema", "x.txt", ".cedar", "a/b.cedar", "x" * 80 + ".cedar", "schema"):
            with pytest.raises(Refused, match="plain name"):
                await it.laid_over({name: ""})
        with pytest.raises(Refused, match="at most"):
            await it.laid_over({f"f{n}.cedar": "" for n in range(101)})
        assert [each.n for each in await it.versions.all()] == [1]
        # it got into the store some other way, as by a gateway of another release
        sneaked = await it.versions.propose({"bad.cedar": "nonsense"}, ZHAO, "why", now)
        with pytest.raises(Refused, match="cannot come in force"):
            await it.apply(sneaked.n, NOOR, "not read", now)
        await it.versions.apply(Apply(sneaked.n, NOOR, "by force", now))
        following = Following(live.s, live.house.afresh)
        assert not await following.once() and live.s.access.hash == before, "the last good set stays in force"
        await it.back(None, ZHAO, "broken", now)
        assert not await following.once(), "which is what it went back to"


async def test_a_gateway_does_not_start_on_policies_it_cannot_read_and_says_the_way_out(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await second_admin(live)
        made = await changes(live).versions.propose({"bad.cedar": "nonsense"}, ZHAO, "why", 1)
        await changes(live).versions.apply(Apply(made.n, NOOR, "by force", 1))
        path = live.folder / "floatcard.toml"
    with pytest.raises(Misconfigured) as fault:
        await open_house(load(path), Hands())
    told = json.dumps(fault.value.faults)
    assert "version 2" in told and "bad.cedar, line 1" in told and "floatcard access rollback" in told


async def test_files_that_shut_everybody_out_are_a_fault_of_the_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "mine.cedar").write_text(NOBODY)
    async with opened(tmp_path) as live:
        path = live.folder / "floatcard.toml"
    path.write_text(path.read_text("utf-8").replace("demo = true\n", f'demo = true\npolicies_dir = "{folder}"\n'))
    ((_, key, reason),) = check(path)
    assert key == "policies_dir" and "no admin ever sees anything" in reason and "permit (principal" in reason


async def test_files_changed_after_an_approval_are_a_proposal_that_one_admin_may_approve(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    setting = {"demo = true\n": f'demo = true\npolicies_dir = "{folder}"\n'}
    async with opened(tmp_path) as live:
        await second_admin(live)
        await changed(live, {"mine.cedar": NO_NOTES})
    (folder / "mine.cedar").write_text(NO_NOTES.replace("group", "device"))
    async with opened(tmp_path, changed=setting) as live:
        assert "device" not in live.s.access.policies["no-notes-in-rooms"].text, "what was approved rules"
        (newest, *_) = await AccessVersions(live.s.store).all()
        assert (newest.state, newest.proposed_by) == ("proposed", FILES)
        await changes(live).apply(newest.n, ZHAO, "as in the files", live.clock.now())
        assert await Following(live.s, live.house.afresh).once()
        assert "device" in live.s.access.policies["no-notes-in-rooms"].text


async def test_the_only_admin_applies_alone_and_loses_that_when_there_is_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        it, now = changes(live), live.clock.now()
        others = [each for each in it.admins() if each.id != ZHAO]
        assert not others, "the sample has one admin"
        made = await it.propose(await it.laid_over({"mine.cedar": NO_NOTES}), ZHAO, "why", now)
        await second_admin(live)
        with pytest.raises(Refused, match="Somebody else"):
            await it.apply(made.n, ZHAO, "mine", now)
        await live.s.people.deactivate(NOOR)
        assert (await it.apply(made.n, ZHAO, "nobody else is here", now)).alone


@pytest.fixture
async def followed(both: tuple[Live, Live]) -> AsyncIterator[tuple[Live, Live]]:
    async def time() -> None:
        while True:
            await asyncio.sleep(0.1)
            both[0].clock.ahead(seconds=0.1)

    works = [Following(each.s, each.house.afresh).run() for each in both]
    works += [both[0].house.schedule.run(), time()]
    loops = [asyncio.create_task(work) for work in works]
    yield both
    for loop in loops:
        loop.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*loops)


async def test_two_gateways_on_one_store_follow_and_no_card_is_left_behind(followed: tuple[Live, Live]) -> None:
    one, two = followed
    await second_admin(one)
    await one.say(LI, "deal", NAME, message="m1")
    await two.say(LI, "east", NAME, message="m2")
    await until(lambda: bool(one.cards("deal")) and bool(one.cards("east")), 30)
    assert all(NOTE in text(one.card(room).card) for room in ("deal", "east"))
    assert EVERY_S <= 1, "followed within five seconds, whoever draws the cards"
    await changed(one, {"mine.cedar": NO_NOTES})
    await until(lambda: all("no-notes-in-rooms" in each.s.access.policies for each in followed), 30)
    await until(lambda: not any(NOTE in text(one.card(room).card) for room in ("deal", "east")), 30)
    await changes(two).back(None, NOOR, "needed", two.clock.now())
    await until(lambda: all(NOTE in text(one.card(room).card) for room in ("deal", "east")), 30)


async def test_a_store_that_cannot_be_read_leaves_in_force_what_was(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        following, before = Following(live.s, live.house.afresh), live.s.access.hash
        broken = sql_text("ALTER TABLE access_version RENAME TO gone")
        await live.s.store.read(lambda connection: None)
        await live.s.store.write(lambda connection, items: [connection.execute(broken) and None for _ in items], 1)
        with pytest.raises(Exception, match="access_version"):
            await following.once()
        assert live.s.access.hash == before


async def test_why_tells_an_admin_the_policy_with_its_line_and_nobody_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as live:
        await second_admin(live)
        live.chat.room("admins", {**members(LI), ZHAOLEI: ("赵磊", "member")})
        await changed(live, {"mine.cedar": f"\n{NO_NOTES}"})
        await Following(live.s, live.house.afresh).once()
        told = {}
        await live.say(LI, "admins", NAME)
        await live.settle()
        for who in (LI, ZHAOLEI):
            live.clock.ahead(minutes=1)
            await live.say(who, "admins", "/why", addressed=True)
            await live.settle()
            told[who] = "\n".join(one.text for one in live.chat.sent if one.text.count("Withheld"))
            live.chat.sent.clear()
        assert "no-notes-in-rooms" not in told[LI] and "Withheld" in told[LI]
        assert "Forbidden by no-notes-in-rooms (mine.cedar:2)." in told[ZHAOLEI]
        assert "Hidden because it is never shown in a group." in told[ZHAOLEI]
