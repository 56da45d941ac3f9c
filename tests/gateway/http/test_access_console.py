"""Who may see what, in the console: a change proposed, looked at, approved by another, taken back, and simulated."""

from __future__ import annotations

from urllib.parse import quote

from gateway.http.console_roles import may, needs_fresh
from identity.model import Person
from tests.gateway.http.test_access_api import HOSTILE, NO_NOTES, a_room, second_admin
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import seen
from tests.gateway.http.world import HERO, World

HERE = "/console/policies/access"


async def english(visitor: Visitor, person: str = "p_zhaolei") -> str:
    csrf = await visitor.enter(person)
    await visitor.get("/console?lang=en")
    return csrf


async def test_proposed_by_one_approved_by_another_and_gone_back(world: World) -> None:
    await second_admin(world)
    await a_room(world)
    async with Visitor(world) as zhao, Visitor(world) as noor:
        csrf = await english(zhao)
        page = seen((await zhao.get(HERE))[1])
        assert "Version 1 in force" in page and "proposed by the configuration" in page
        assert "forbids marketing-documents-hold-nothing-confidential marketing.cedar:5" in page
        assert "A document drawn for marketing never receives what is confidential" in page
        assert "forbid (principal" in seen((await zhao.get(f"{HERE}/edit?file=marketing.cedar"))[1])

        form = {"csrf": csrf, "file": "mine.cedar", "text": NO_NOTES.replace("\n", "\r\n"), "reason": HOSTILE}
        status, page, told = await zhao.post(f"{HERE}/propose", form)
        assert status == 200 and told.url.path == f"{HERE}/2" and "<script>" not in page
        assert "added no-notes-in-rooms mine.cedar:2" in seen(page) and '+ @id("no-notes-in-rooms")' in seen(page)
        assert "Somebody else than its proposer" in seen(page) and "Approve and apply" not in seen(page)
        page = seen((await zhao.get(f"{HERE}/2?look=1"))[1])
        assert "role employee and rep may view what is confidential in a group no more" in page
        own = await zhao.post(f"{HERE}/apply", {"csrf": csrf, "n": "2", "over": "1", "reason": "mine"})
        assert own[0] == 409 and "Somebody else" in seen(own[1])

        csrf_noor = await english(noor, "p_noor")
        stale = await noor.post(f"{HERE}/apply", {"csrf": csrf_noor, "n": "2", "over": "7", "reason": "fine"})
        assert stale[0] == 409 and "Meanwhile version 1 is in force" in seen(stale[1])
        status, page, _ = await noor.post(f"{HERE}/apply", {"csrf": csrf_noor, "n": "2", "over": "1", "reason": "fine"})
        assert status == 200 and "approved by Noor" in seen(page) and "It is set." in seen(page)
        page = seen((await zhao.get(f"{HERE}/1"))[1])
        assert "was in force" in page and "Go back to version 1" in page
        status, page, told = await zhao.post(f"{HERE}/rollback", {"csrf": csrf, "n": "1", "reason": "needed"})
        assert status == 200 and told.url.path == f"{HERE}/3" and "back to version 1" in seen(page)

        await zhao.post(f"{HERE}/propose", form)
        status, page, told = await zhao.post(f"{HERE}/withdraw", {"csrf": csrf, "n": "4"})
        assert status == 200 and "withdrawn" in seen(page)
        audit = seen((await zhao.get("/console/audit"))[1])
        assert "Audit" in audit


async def test_what_is_wrong_is_said_beside_what_was_typed(world: World) -> None:
    async with Visitor(world) as zhao:
        csrf = await english(zhao)
        form = {"csrf": csrf, "file": "mine.cedar", "text": "permit (principal, action, resource) when { shoe };"}
        status, page, _ = await zhao.post(f"{HERE}/propose", {**form, "reason": "x"})
        assert status == 409 and "mine.cedar: line 1" in seen(page) and "when { shoe };" in page
        status, page, _ = await zhao.post(f"{HERE}/propose", {**form, "text": NO_NOTES, "reason": " "})
        assert status == 409 and "Say why" in seen(page)
        for name in ("../etc.cedar", HOSTILE, ""):
            status, page, _ = await zhao.post(f"{HERE}/propose", {**form, "file": name, "reason": "x"})
            assert status == 409 and "plain name" in seen(page) and "<script>" not in page
        locked = {**form, "text": "forbid (principal, action, resource);", "reason": "x"}
        assert "no admin ever sees anything" in seen((await zhao.post(f"{HERE}/propose", locked))[1])
        for n in ("99", "x", "²"):
            assert (await zhao.get(f"{HERE}/{quote(n)}"))[2].url.path == HERE
        for act in ("apply", "rollback", "withdraw"):
            assert (await zhao.post(f"{HERE}/{act}", {"csrf": csrf, "n": "99", "reason": "x"}))[2].url.path == HERE
        assert "Version 1" in seen((await zhao.get(HERE))[1])


async def test_who_would_see_it_is_told_with_the_policy_and_names_to_admins_alone(world: World) -> None:
    await a_room(world)
    await world.house.services.people.put(Person("p_eye", "Audra", frozenset({"auditor"})))
    asked = f"{HERE}/simulate?room=east&field=note&at=22%3A00&customer={HERO}"
    async with Visitor(world) as zhao, Visitor(world) as audra:
        await english(zhao)
        page = seen((await zhao.get(asked))[1])
        assert "✗ Not on the card." in page and "2 would see it" in page and "22:00 Asia/Shanghai (+08:00)" in page
        assert "李婷 Li Ting" in page and "sales-reads-confidential (sales.cedar:1)" in page
        for query, said in (
            ("room=nowhere&field=note", "There is no room nowhere."),
            ("room=east&field=note&at=25:99", "Write a time as"),
            ("room=east&field=note&customer=nobody", "There is no customer"),
            ("room=east&field=note&version=77", "There is no version 77"),
            (f"room={quote(HOSTILE)}&field=note", "There is no room"),
        ):
            status, page, _ = await zhao.get(f"{HERE}/simulate?{query}")
            assert status == 409 and said in seen(page) and "<script>" not in page, query
        csrf = await english(audra, "p_eye")
        page = seen((await audra.get(asked))[1])
        assert "2 would see it" in page and "李婷" not in page and "role employee and rep" in page
        page = seen((await audra.get(HERE))[1])
        assert "In force now" in page and "Propose a change" not in page
        assert "Go back" not in seen((await audra.get(f"{HERE}/1"))[1])
        for act in ("propose", "apply", "rollback", "withdraw"):
            told = await audra.post(f"{HERE}/{act}", {"csrf": csrf, "n": "1", "file": "a.cedar", "reason": "x"})
            assert told[0] == 403, act


async def test_an_auditor_sees_the_pages_and_no_value_beyond_what_is_granted(world: World) -> None:
    await world.house.services.people.put(Person("p_eye", "Audra", frozenset({"auditor"})))
    async with Visitor(world) as zhao, Visitor(world) as audra:
        await english(zhao)
        await english(audra, "p_eye")
        path = f"/console/customers/one?ref={HERO}"
        all_, some = (await zhao.get(path))[1], (await audra.get(path))[1]
        assert "华星医疗" in some
        assert "480,000" in all_ and "600,000" in all_
        for secret in ("480,000", "600,000", "480000", "600000", "演示完成"):
            assert secret not in some, secret


def test_what_changes_who_may_see_what_wants_a_fresh_sign_in_of_an_admin() -> None:
    for act in ("apply", "rollback"):
        assert needs_fresh(f"{HERE}/{act}")
        assert may(frozenset({"admin"}), "POST", f"{HERE}/{act}")
        assert not may(frozenset({"auditor", "manager"}), "POST", f"{HERE}/{act}")
    assert may(frozenset({"auditor"}), "GET", HERE) and not may(frozenset({"manager"}), "GET", HERE)
