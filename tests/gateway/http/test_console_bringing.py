"""Directories, keys and contacts in the console: what would happen in numbers, then done; and what is refused."""

from __future__ import annotations

import html
import re

from gateway.store.auditing import AuditStore
from tests.gateway.http.test_console import Visitor, saw
from tests.gateway.http.world import HERO, World

BRING = "/console/identities/bring"
LINES = (
    "id,name,email,active,im\r\n"
    "e1,New One,new.one@example.com,yes,\r\n"
    "e2,<script>alert(1)</script>,two@example.com,,web/demo/user/u_two\r\n"
    "e3,Odd,odd@example.com,perhaps,\r\n"
    "e4,A,same@example.com,,\r\n"
    "e5,B,same@example.com,,\r\n"
    "e6,,e6@example.com,,\r\n"
)


def hidden(page: str) -> dict[str, str]:
    """The form that does it, as the page bears it."""
    form = next(each for each in re.findall(r"<form .*?</form>", page, re.S) if 'name="do"' in each)
    return {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}


async def test_a_directory_is_told_in_numbers_and_reasons_before_anybody_is_made(world: World) -> None:
    people = world.house.services.people
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.get("/console?lang=en")
        before = people.persons()
        form = {"csrf": csrf, "text": LINES, "called": "staff"}
        status, page, _ = await visitor.post(f"{BRING}/directory", form)
        assert status == 200 and "Nothing was changed yet" in page and people.persons() == before
        assert "New persons: 2" in page and "Not taken: 3" in page and "Lines that cannot be read: 1" in page
        assert "write yes or no" in page and "neither a name" in page and "<script>" not in page
        page = (await visitor.post(f"{BRING}/directory", hidden(page)))[1]
        assert "Done." in page and len(people.persons()) == len(before) + 2 and 'name="do"' not in page
        made = people.linked("im", "web/demo/user/u_two")
        assert made is not None and made.roles == {"employee"}
        page = (await visitor.post(f"{BRING}/directory", form))[1]
        assert "Unchanged: 2" in page and 'name="do"' not in page
        gone = {**form, "text": "id,name,email,active\r\ne1,New One,new.one@example.com,no\r\n"}
        page = (await visitor.post(f"{BRING}/directory", gone))[1]
        assert "Deactivated: 1" in page
        await visitor.post(f"{BRING}/directory", hidden(page))
        assert [each.active for each in people.persons() if each.name == "New One"] == [False]
        page = (await visitor.post(f"{BRING}/directory", {**form, "source": "crm:local"}))[1]
        assert "Changed: 4" in page and "New persons" not in page, "the CRM's own users, whom the sample knows"
        for text in ("", "no,columns\r\n1,2\r\n", "id,name\r\n"):
            told = await visitor.post(f"{BRING}/directory", {"csrf": csrf, "text": text})
            assert told[0] == 409 and 'role="alert"' in told[1], text
    noted = await AuditStore(world.house.services.store, world.clock).latest(50)
    assert [(each.by, each.subject) for each in noted if each.what == "imported"] == [("p_zhaolei", "csv:staff")] * 2


async def test_keys_move_after_it_was_told_how_many(world: World) -> None:
    people = world.house.services.people
    [old] = [each.key for each in people.links("p_liting") if each.kind == "im"]
    pairs = f"{old},web/demo/user/moved\r\nweb/demo/user/none,web/demo/user/x\r\n"
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.get("/console?lang=en")
        page = (await visitor.post(f"{BRING}/keys", {"csrf": csrf, "kind": "im", "pairs": pairs}))[1]
        assert "Accounts that would move: 1" in page and "nobody has it" in page
        assert people.linked("im", "web/demo/user/moved") is None
        page = (await visitor.post(f"{BRING}/keys", hidden(page)))[1]
        assert "Accounts that moved: 1" in page
        moved = people.linked("im", "web/demo/user/moved")
        assert moved is not None and moved.id == "p_liting" and people.linked("im", old) is None
        assert (await visitor.post(f"{BRING}/keys", {"csrf": csrf, "pairs": "one\r\n"}))[0] == 409


async def test_a_customers_own_person_is_linked_to_their_contact(world: World) -> None:
    s = world.house.services
    record = await s.records.get(HERO)
    assert record is not None
    item, im = record.related["contact"][0], await saw(world, "u_theirs", "Theirs")
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.get("/console?lang=en")
        form = {"csrf": csrf, "account": im, "record": HERO, "contact": item.id}
        assert "Linked to the contact." in (await visitor.post(f"{BRING}/contact", form))[1]
        found = s.people.linked("im", im)
        assert found is not None and found.external and not found.roles and found.name == item.text
        assert (await visitor.post(f"{BRING}/contact", {**form, "contact": "none"}))[0] == 409


async def test_it_is_an_admins_who_signed_in_just_now(world: World) -> None:
    async with Visitor(world) as visitor:
        await visitor.enter()
        assert BRING in (await visitor.get("/console/identities"))[1]
        world.clock.advance(3600 // 2)
        assert (await visitor.get(BRING))[2].url.path == "/console/again"
