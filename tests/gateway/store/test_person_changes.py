"""Merging and splitting persons, taking it back, and the chain that keeps all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.clock import SystemClock
from gateway.errors import Refused
from gateway.store.auditing import AuditStore
from gateway.store.counters import counts
from gateway.store.directory import DirectoryStore, Told
from gateway.store.engine import Store
from gateway.store.people import COUNTER, PeopleStore
from gateway.store.person_changes import PersonChanges
from identity.joining import merged, parted, taken_back
from identity.model import Person

LI = Person("p_li", "Li Ting", frozenset({"rep", "employee"}), "east", emails=("li@acme.com",), locale="zh-CN")
TWIN = Person("p_twin", "李婷", frozenset({"manager"}), region="华东", emails=("li.ting@acme.com",))


class Rig:
    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, SystemClock()
        self.people = PeopleStore(store, self.clock)
        self.changes = PersonChanges(store, self.people, self.clock)
        self.audit = AuditStore(store, self.clock)

    async def link(self, person: str, account: str, scope: str = "acme") -> str:
        key = f"web/{scope}/user/{account}"
        made = await self.people.link(person, "im", key, step="admin", evidence="asked", made_by="p_boss")
        return made.id

    def owner(self, account: str, scope: str = "acme") -> str:
        found = self.people.linked("im", f"web/{scope}/user/{account}")
        return found.id if found is not None else ""

    async def said(self) -> list[tuple[str, str, str]]:
        return [(each.what, each.by, each.subject) for each in reversed(await self.audit.latest())]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    store = Store.open(f"sqlite:///{tmp_path}/a.db")
    rig = Rig(store)
    await rig.people.load()
    for who in (LI, TWIN):
        await rig.people.put(who, by="p_boss")
    yield rig
    await store.close()


async def test_two_persons_become_one_with_the_accounts_of_both(rig: Rig) -> None:
    await rig.link("p_li", "li")
    await rig.link("p_twin", "ting", "other")
    made = await rig.changes.merge("p_li", "p_twin", by="p_boss")
    li, twin = rig.people.person("p_li"), rig.people.person("p_twin")
    assert li == merged(LI, TWIN) and li.roles == {"rep", "employee", "manager"}
    assert (li.team, li.region, li.emails) == ("east", "华东", ("li@acme.com", "li.ting@acme.com"))
    assert twin == replace(TWIN, active=False)
    assert (rig.owner("li"), rig.owner("ting", "other")) == ("p_li", "p_li")
    assert (made.kind, made.links) == ("merge", 1)
    assert ("merged", "p_boss", "p_li") in await rig.said() and await rig.audit.verify() is None


async def test_a_merge_is_taken_back_and_what_came_since_stays(rig: Rig) -> None:
    await rig.link("p_twin", "ting", "other")
    made = await rig.changes.merge("p_li", "p_twin", by="p_boss")
    await rig.link("p_li", "since", "third")
    li = rig.people.person("p_li")
    assert li is not None
    await rig.people.put(replace(li, team="west"), by="p_boss")
    back = await rig.changes.undo(made.id, by="p_boss")
    assert rig.people.person("p_li") == replace(LI, team="west") and rig.people.person("p_twin") == TWIN
    assert (rig.owner("ting", "other"), rig.owner("since", "third")) == ("p_twin", "p_li")
    assert back.undone_by == "p_boss"
    with pytest.raises(Refused, match="already"):
        await rig.changes.undo(made.id, by="p_boss")
    assert ("unmerged", "p_boss", "p_li") in await rig.said() and await rig.audit.verify() is None


async def test_a_link_that_ended_since_does_not_come_back_with_the_undoing(rig: Rig) -> None:
    id_ = await rig.link("p_twin", "ting", "other")
    made = await rig.changes.merge("p_li", "p_twin", by="p_boss")
    await rig.people.unlink(id_, "p_boss")
    await rig.changes.undo(made.id, by="p_boss")
    assert rig.owner("ting", "other") == ""


async def test_who_was_sent_away_meanwhile_is_not_brought_back_by_the_undoing(rig: Rig) -> None:
    entries = DirectoryStore(rig.store, rig.people, rig.clock)
    told = Told("scim:entra", "u_1", "p_twin", "scim:entra", key="ting")
    await entries.take([told])
    made = await rig.changes.merge("p_li", "p_twin", by="p_boss")
    await entries.take([replace(told, person="p_li", active=False)])
    li = rig.people.person("p_li")
    assert li is not None and not li.active
    await rig.people.put(replace(li, active=True), by="p_boss")
    await rig.changes.undo(made.id, by="p_boss")
    assert [each.active for each in (rig.people.person("p_li"), rig.people.person("p_twin")) if each] == [True, False]
    again = await rig.changes.merge("p_li", "p_twin", by="p_boss")
    await rig.people.deactivate("p_li", by="p_boss")
    await rig.changes.undo(again.id, by="p_boss")
    assert not any(each.active for each in (rig.people.person("p_li"), rig.people.person("p_twin")) if each)


async def test_of_two_merges_the_later_is_taken_back_first(rig: Rig) -> None:
    await rig.people.put(Person("p_third", "Third"))
    first = await rig.changes.merge("p_li", "p_twin", by="p_boss")
    second = await rig.changes.merge("p_third", "p_li", by="p_boss")
    with pytest.raises(Refused, match="back first"):
        await rig.changes.undo(first.id, by="p_boss")
    await rig.changes.undo(second.id, by="p_boss")
    await rig.changes.undo(first.id, by="p_boss")
    assert (rig.people.person("p_li"), rig.people.person("p_twin")) == (LI, TWIN)


@pytest.mark.parametrize(
    ("kept", "gone", "why"),
    [("p_li", "p_li", "different"), ("p_li", "p_nobody", "no such"), ("p_off", "p_li", "deactivated")],
)
async def test_what_cannot_be_merged_changes_nothing(rig: Rig, kept: str, gone: str, why: str) -> None:
    await rig.people.put(Person("p_off", "Off", active=False))
    before = await rig.said()
    with pytest.raises(Refused, match=why):
        await rig.changes.merge(kept, gone, by="p_boss")
    assert await rig.said() == before and await rig.changes.latest() == []


async def test_one_person_is_merged_away_once_by_two_admins_at_a_time(rig: Rig) -> None:
    await rig.people.put(Person("p_third", "Third"))
    tries = await asyncio.gather(
        *(rig.changes.merge(kept, "p_twin", by="p_boss") for kept in ("p_li", "p_third")), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in tries) == ["PersonChange", "Refused"]


async def test_a_person_who_is_two_is_split_and_put_together_again(rig: Rig) -> None:
    mine, theirs = await rig.link("p_li", "li"), await rig.link("p_li", "stranger", "other")
    made = await rig.changes.split("p_li", [theirs], name="Li Na", new="p_new", by="p_boss", emails=["li@acme.com"])
    new = rig.people.person("p_new")
    assert new is not None and (new.name, new.roles, new.emails) == ("Li Na", frozenset(), ("li@acme.com",))
    assert (rig.owner("li"), rig.owner("stranger", "other")) == ("p_li", "p_new")
    with pytest.raises(Refused, match="theirs now"):
        await rig.changes.split("p_li", [theirs], name="x", new="p_x", by="p_boss")
    await rig.changes.undo(made.id, by="p_boss")
    new = rig.people.person("p_new")
    assert new is not None and not new.active and rig.people.person("p_li") == LI
    assert rig.owner("stranger", "other") == "p_li" and mine
    assert await rig.audit.verify() is None


async def test_what_a_merge_weighs(rig: Rig) -> None:
    await rig.link("p_twin", "ting", "other")
    weight = await rig.changes.weight("p_twin")
    assert (weight.links, weight.entries, weight.tokens, weight.sessions) == (1, 0, 0, 0)


async def test_every_change_is_in_the_chain_with_who_made_it(rig: Rig) -> None:
    id_ = await rig.link("p_li", "li")
    await rig.people.unlink(id_, "p_other")
    await rig.people.deactivate("p_twin", by="scim:entra")
    assert (await rig.said())[-3:] == [
        ("linked", "p_boss", "p_li"),
        ("unlinked", "p_other", "p_li"),
        ("person", "scim:entra", "p_twin"),
    ]


async def test_nobody_gets_a_second_account_on_one_network_without_being_asked(rig: Rig) -> None:
    await rig.link("p_li", "li")
    by_itself = partial(
        rig.people.link, "p_li", "im", step="email", evidence="verified e-mail address", made_by="step:email"
    )
    with pytest.raises(Refused, match="already"):
        await by_itself("web/acme/user/li2")
    await by_itself("web/elsewhere/user/li2")
    with pytest.raises(Refused, match="already"):
        await rig.people.link(
            "p_li", "im", "web/acme/user/li3", step="admin", evidence="", made_by="p_boss", second=False
        )
    assert rig.owner("li2") == "" and rig.owner("li2", "elsewhere") == "p_li"


def test_a_person_of_parts() -> None:
    stays, new = parted(LI, "p_new", "Na", ["li@acme.com", "not@theirs.com"])
    assert stays.emails == () and new.emails == ("li@acme.com",) and new.roles == frozenset()
    outside = merged(LI, replace(TWIN, external=True))
    assert outside.external, "whoever is from outside in one of them is"
    assert taken_back(replace(outside, name="Changed"), LI, outside) == replace(LI, name="Changed")


async def test_what_was_read_of_some_is_not_laid_over_what_was_read_of_all_since(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or whom another gateway sent away would have their rights back here."""
    read, begun, slow = Store.read, asyncio.Event(), asyncio.Event()
    elsewhere = PeopleStore(rig.store, rig.clock)
    await elsewhere.load()

    async def first_slow(self: Store, query: Callable[[Connection], Any]) -> Any:
        found, is_first = await read(self, query), not begun.is_set()
        begun.set()
        if is_first:
            await slow.wait()
        return found

    monkeypatch.setattr(Store, "read", first_slow)
    some = asyncio.create_task(rig.people.again({"p_li"}))
    await begun.wait()
    for each in ("p_li", "p_twin"):
        await elsewhere.deactivate(each)
    everybody = asyncio.create_task(rig.people.follow((await counts(rig.store))[COUNTER]))
    await asyncio.wait((everybody,), timeout=0.5)
    slow.set()
    await asyncio.gather(some, everybody)
    known = [rig.people.person(each) for each in ("p_li", "p_twin")]
    assert [each.active for each in known if each is not None] == [False, False]
