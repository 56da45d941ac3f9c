"""A customer is erased from the console by an admin who has just signed in, and has read what goes."""

from __future__ import annotations

import re

from gateway.store.auditing import AuditStore
from identity.model import Person
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_mentions import seen
from tests.gateway.http.test_console_pages import hidden
from tests.gateway.http.world import HERO, World

ERASE = "/console/customers/erase"
PAGE = f"{ERASE}?ref={HERO}"


async def test_what_goes_is_told_in_numbers_and_goes_with_the_ticked_box(world: World) -> None:
    weight_of = re.compile(r"values that become unreadable for ever: (\d+)")
    async with Visitor(world) as visitor:
        await visitor.enter()
        one = (await visitor.get(f"/console/customers/one?ref={HERO}"))[1]
        assert f'href="{ERASE}?ref=' in one
        page = (await visitor.get(f"{PAGE}&lang=en"))[1]
        told = weight_of.search(seen(page))
        assert told is not None and int(told[1]) > 0 and "nobody can take this back" in seen(page)
        sent = hidden(page, "customers/erase")
        status, again, _ = await visitor.post(ERASE, sent)
        assert status == 409 and "Nothing was erased" in seen(again)
        assert (await visitor.post(ERASE, {**sent, "sure": "yes", "counted": "0" * 16}))[0] == 409
        assert (await visitor.get(f"/console/customers/one?ref={HERO}"))[2].url.path == "/console/customers/one"
        status, after, at = await visitor.post(ERASE, {**sent, "sure": "yes"})
        assert status == 200 and at.url.path == "/console/customers" and "is erased" in seen(after)
        await world.house.schedule.once()
        assert (await visitor.get(f"/console/customers/one?ref={HERO}"))[2].url.path == "/console/customers"
        assert (await visitor.get(PAGE))[2].url.path == "/console/customers", "nothing is left to erase"
    rows = await AuditStore(world.house.services.store, world.clock).latest()
    assert any((row.what, row.by) == ("erased", "p_zhaolei") for row in rows)
    assert await world.house.services.ledger.verify() is None


async def test_nobody_but_an_admin_looks_at_it_and_nobody_without_a_sign_in_of_just_now(world: World) -> None:
    for role in ("manager", "auditor"):
        await world.house.services.people.put(Person(f"p_{role}", role, frozenset({role})))
        async with Visitor(world) as visitor:
            link = await world.tokens.login_link(f"p_{role}")
            await visitor.post("/console/login", {"link": link})
            assert ERASE not in (await visitor.get(f"/console/customers/one?ref={HERO}"))[1]
            assert (await visitor.get(PAGE))[0] == 403
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        world.clock.advance(3600 // 2)
        assert (await visitor.get(PAGE))[2].url.path == "/console/again"
        form = {"csrf": csrf, "ref": HERO, "sure": "yes"}
        assert (await visitor.post(ERASE, form))[2].url.path == "/console/again"
    assert await world.house.services.records.mirrored(HERO) is not None
