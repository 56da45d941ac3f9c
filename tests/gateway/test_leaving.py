"""Deactivated anywhere, nobody has rights anywhere: found out by a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from channels.model import Account, ImId
from crm.model import CrmUser
from gateway.directory import Directory
from gateway.ending import ended
from gateway.errors import Retry
from gateway.house import House
from gateway.leaving import follow_directory
from gateway.outgoing.breaker import THRESHOLD, Breakers
from gateway.outgoing.targets import Standing, standing, targets
from gateway.store.auditing import AuditStore
from gateway.store.counters import counts
from gateway.store.directory import DirectoryStore, Told
from gateway.store.faults import StoreUnavailable
from gateway.store.people import PeopleStore
from gateway.store.user_lists import COUNTER, KEPT_MS, UserLists, accounts_of, users_of, written
from gateway.store.vault import Vault
from identity.model import Person
from tests.gateway.fake_chat import text
from tests.gateway.house import LI, NAME, WANG, Live, opened
from tests.gateway.test_edits import FIRST

USERS = ("li.ting", "chen.wei", "wang.min", "zhao.lei")


async def until(what: Callable[[], bool], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.05)


def active(live: Live, person: str = "p_liting") -> bool:
    found = live.s.people.person(person)
    return found is not None and found.active


@pytest_asyncio.fixture(loop_scope="function")
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with opened(tmp_path) as live:
        yield live


def says(live: Live, monkeypatch: pytest.MonkeyPatch, users: Sequence[CrmUser] | Exception) -> None:
    async def told() -> tuple[CrmUser, ...]:
        if isinstance(users, Exception):
            raise users
        return tuple(users)

    monkeypatch.setattr(live.crm, "users", told)


def staff(**standing: bool) -> list[CrmUser]:
    """Everybody, each active but for those who are said not to be."""
    return [CrmUser(id_, id_, active=standing.get(id_.replace(".", "_"), True)) for id_ in USERS]


async def test_who_is_deactivated_in_the_crm_has_no_rights_within_a_minute(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live.house.relink()
    await live.say(LI, "d_u_liting", NAME)
    await live.settle()
    assert FIRST in text(live.card("d_u_liting").card), "she reads the notes"
    says(live, monkeypatch, staff(li_ting=False))
    assert not live.house.directory.due
    live.clock.ahead(seconds=31)
    assert live.house.directory.due, "half a minute later the users are read again"
    await live.house.relink()
    assert not active(live)
    await live.settle()
    assert all(FIRST not in text(each.card) for each in live.cards("d_u_liting")), "what was shown is drawn again"
    audit = AuditStore(live.s.store, live.clock)
    noted = next(each for each in await audit.latest() if each.subject == "p_liting")
    assert (noted.by, noted.facts["active"]) == ("crm:local", 0)
    says(live, monkeypatch, staff())
    await live.house.relink()
    assert active(live), "who deactivated her brings her back"


async def test_the_loop_looks_by_itself(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    await live.house.relink()
    says(live, monkeypatch, staff(li_ting=False))
    await live.house.start()
    live.clock.ahead(seconds=31)
    await until(lambda: not active(live))
    await until(lambda: not live.s.people.changed.is_set())


async def test_what_a_command_changed_is_known_to_a_gateway_that_runs(live: Live) -> None:
    await live.house.start()
    beside = PeopleStore(live.s.store, live.clock)
    await beside.load()
    await beside.deactivate("p_liting", by="cli")
    await until(lambda: not active(live))


async def test_an_admins_word_is_not_undone_by_a_list(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    await live.house.relink()
    await live.s.people.deactivate("p_liting", by="p_zhaolei")
    for users in (staff(li_ting=False), staff()):
        says(live, monkeypatch, users)
        await live.house.relink()
        assert not active(live)


async def test_two_directories_have_to_agree_that_somebody_is_back(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    await live.house.relink()
    entries = DirectoryStore(live.s.store, live.s.people, live.clock)
    scim = Told("scim:x", "u1", "p_liting", "scim:x", active=False)
    says(live, monkeypatch, staff(li_ting=False))
    await live.house.relink()
    await entries.take([scim])
    says(live, monkeypatch, staff())
    await live.house.relink()
    assert not active(live), "the other one says still that she left"
    await entries.take([replace(scim, active=True)])
    assert active(live)


@pytest.mark.parametrize("users", [(), Retry(1.0, "down"), staff()[:1]])
async def test_a_list_that_cannot_be_right_sends_nobody_away(
    live: Live, monkeypatch: pytest.MonkeyPatch, users: Any
) -> None:
    await live.house.relink()
    says(live, monkeypatch, users)
    await live.house.relink()
    assert all(each.active for each in live.s.people.persons())


async def test_who_is_no_longer_listed_has_left(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    await live.house.relink()
    says(live, monkeypatch, [each for each in staff() if each.id != "li.ting"])
    await live.house.relink()
    assert not active(live) and active(live, "p_wangmin")


async def test_a_store_that_is_away_while_users_are_read_is_no_error(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    async def relink() -> None:
        tried.append(1)
        raise StoreUnavailable("unreachable")

    monkeypatch.setattr("gateway.leaving.LOOK_S", 0.01)
    live.clock.ahead(seconds=31)
    task = asyncio.create_task(follow_directory(live.house.directory, relink))
    await until(lambda: len(tried) > 3)
    await ended((task,))
    told = [each for each in caplog.records if each.name == "floatcard"]
    assert [each.levelname for each in told] == ["WARNING"] and "cannot be reached" in told[0].getMessage()


# a network's own user list -----------------------------------------------------------------------------------------


class Slackish:
    """A network that lists its accounts."""

    def __init__(self, *accounts: Account) -> None:
        self.list: tuple[Account, ...] = accounts
        self.asked = 0
        self.broke: Exception | None = None

    async def accounts(self) -> tuple[Account, ...]:
        self.asked += 1
        if isinstance(self.broke, Exception):
            raise self.broke
        return self.list


def account(user: str, email: str = "", **more: Any) -> Account:
    return Account(ImId("web", "demo", "user", user), user, email, **more)


def directory(live: Live, channel: Any, crms: Any = None) -> Directory:
    entries = DirectoryStore(live.s.store, live.s.people, live.clock)
    aliases = {"acme.cn": "acme.com"}
    lists = UserLists(live.s.store, Vault(live.s.keys.vault), live.clock)
    breakers, people = Breakers(live.clock), live.s.people
    channels = {"web": channel}
    return Directory(crms or {}, channels, people, entries, aliases, breakers, live.clock, 30_000, lists)


async def relink(house: House, directory: Directory) -> None:
    house.services.identities.use(await directory.read(), directory.addresses)


async def test_who_is_deactivated_on_the_network_has_no_rights_anywhere(live: Live) -> None:
    channel = Slackish(*(account(user) for user in (LI, WANG, "u_chenwei", "u_zhaolei")))
    found = directory(live, channel)
    await relink(live.house, found)
    channel.list = (replace(channel.list[0], active=False), *channel.list[1:])
    await relink(live.house, found)
    assert not active(live) and active(live, "p_wangmin")


async def test_the_networks_own_list_says_whose_address_an_account_has(live: Live) -> None:
    await live.s.people.put(Person("p_nina", "Nina", emails=("Nina@acme.com",)))
    found = directory(live, Slackish(account("u_nina", "nina@acme.cn"), account(LI)))
    await relink(live.house, found)
    live.chat.room("d_u_nina", {"u_nina": ("Nina", "member")}, kind="direct")
    await live.say("u_nina", "d_u_nina", "/help", addressed=True, who={"id": "u_nina", "name": "N", "kind": "member"})
    await live.settle()
    nina = live.s.people.linked("im", account("u_nina").id.key)
    assert nina is not None and nina.id == "p_nina"


# several gateways -------------------------------------------------------------------------------------------------


class Usable:
    """A CRM that lists its users."""

    def __init__(self, *users: CrmUser) -> None:
        self.list = users
        self.asked = 0

    async def users(self) -> tuple[CrmUser, ...]:
        self.asked += 1
        return self.list


HARD = CrmUser("u\ud800", "Ni\0na \ud800 👩‍👩", "N@x.cn", False, {"web": LI}, ("rep", "经理"), "t", "r")


async def test_one_gateway_asks_and_the_others_know(live: Live) -> None:
    channel, crm = Slackish(account(LI, "li@acme.com"), account(WANG)), Usable(HARD)
    asks, begins, follows = (directory(live, channel, {"local": crm}) for _ in range(3))
    await asks.begin(shared=True)
    assert (channel.asked, crm.asked) == (1, 1), "nobody had asked before"
    await begins.begin(shared=True)
    await follows.follow(await counts(live.s.store), live.s.identities)
    assert (channel.asked, crm.asked) == (1, 1), "however many there are"
    for each in (begins, follows):
        assert each.addresses.get(account(LI).id.key) == "li@acme.com"
    assert not begins.due, "it was done a moment ago, whoever did it"
    channel.list = (account(LI, "ting@acme.com"), *channel.list[1:])
    await asks.read()
    for each in (begins, follows):
        await each.follow(await counts(live.s.store), live.s.identities)
        assert each.addresses.get(account(LI).id.key) == "ting@acme.com"
    assert channel.asked == 2


async def test_a_list_that_is_as_it_was_is_not_written_again_but_once_a_day(live: Live) -> None:
    found = directory(live, Slackish(account(LI)))
    seen = []
    for hours in (0, 1, 22, 2):
        live.clock.ahead(hours=hours)
        await found.read()
        seen.append((await counts(live.s.store))[COUNTER])
    assert seen[0] == seen[1] == seen[2] == seen[3] - 1
    live.clock.at += KEPT_MS + 1
    assert await UserLists(live.s.store, Vault(live.s.keys.vault), live.clock).told("im:web") is None


async def test_what_another_left_meanwhile_gives_way_to_what_was_left_before_it(live: Live) -> None:
    channel = Slackish(account(LI, "li@acme.com"))
    first, then, follows = (directory(live, channel) for _ in range(3))
    for asks, address in ((first, "li@acme.com"), (then, "ting@acme.com"), (first, "li@acme.com")):
        channel.list = (account(LI, address),)
        await asks.read()
        for each in (first, then, follows):
            await each.follow(await counts(live.s.store), live.s.identities)
        assert follows.addresses.get(account(LI).id.key) == address


async def test_a_list_that_another_release_wrote_and_this_one_cannot_read_is_asked_for(live: Live) -> None:
    channel = Slackish(account(LI, "li@acme.com"))
    await directory(live, channel).read()
    lists = UserLists(live.s.store, Vault(live.s.keys.vault), live.clock)
    for text_ in ('[{"id": "web/demo/user/x", "name": "x", "later": 1}]', '[{"id": 7}]', "[7]", "{"):
        await lists.tell("im:web", text_)
        asked, found = channel.asked, directory(live, channel)
        await found.follow(await counts(live.s.store), live.s.identities)
        await found.begin(shared=True)
        assert channel.asked == asked + 1 and found.addresses.get(account(LI).id.key) == "li@acme.com"


async def test_who_starts_where_nobody_asked_of_late_asks(live: Live) -> None:
    channel = Slackish(account(LI))
    await directory(live, channel).read()
    live.clock.ahead(minutes=3)
    await directory(live, channel).begin(shared=True)
    assert channel.asked == 2
    await directory(live, channel).begin(shared=False)
    assert channel.asked == 3, "alone, there is nobody else who might have asked"
    crm = Usable(HARD)
    await directory(live, channel, {"new": crm}).begin(shared=True)
    assert crm.asked == 1, "nobody has its list"


async def test_who_starts_while_the_network_is_away_knows_what_it_said_last(live: Live) -> None:
    channel = Slackish(account(LI, "li@acme.com"))
    await directory(live, channel).read()
    live.clock.ahead(hours=1)
    channel.broke = Retry(1.0, "down")
    late = directory(live, channel)
    await late.begin(shared=True)
    assert late.addresses.get(account(LI).id.key) == "li@acme.com" and active(live)


def test_whatever_a_list_tells_it_is_read_as_it_was_written() -> None:
    plain = CrmUser("u", "Nina", "n@x.cn", True, {}, ())
    assert users_of(written((HARD, plain))) == (HARD, plain)
    accounts = (account(LI, "li@acme.com", active=False, kind="guest"), account("\ud800", "x"))
    assert accounts_of(written(accounts)) == accounts


async def test_a_sick_user_list_keeps_nothing_else_of_that_crm_from_being_called(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(live, monkeypatch, Retry(1.0, "down"))
    for _ in range(THRESHOLD):
        await live.house.relink()
    states = {each.target.breaker: each.state for each in called(live)}
    assert states.pop("local users") == "open"
    assert set(states.values()) == {"closed"} and {"local", "local feed", "web"} <= set(states)
    await live.natively("phone", "+86 512 1111 2222")
    await live.settle()
    assert await live.value("phone") == "+86 512 1111 2222", "its changes are read all the same"


def called(live: Live) -> list[Standing]:
    return standing(live.s.gate.breakers, targets(live.s.config, live.s.channels, live.s.crms))
