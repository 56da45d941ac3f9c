"""What stands before every page and form of the console, asked of each route there is: a new one is held to it too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from benchmarks.console.pages import addresses, of
from gateway.demo.run import prepare
from gateway.http.console import Console
from gateway.http.console_roles import may, needs_fresh
from gateway.store.auditing import AuditStore
from identity.model import Person
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.test_console_pages import ROOM
from tests.gateway.http.test_console_pages_browser import lived_in
from tests.gateway.http.world import HERO, World, open_world

PUBLIC = {
    "/console",
    "/console/",
    "/console/login",
    "/console/static/{file}",
    "/console/oidc/start",
    "/console/oidc/back",
}
DOORS = {"/console/login", "/console/enter"}
"""Forms of somebody who is not signed in yet."""
WEIGHTY = {f"/console/{each}/export" for each in ("alerts", "audit", "conflicts", "customers")} | {
    "/console/audit/applications/export",
    "/console/audit/deeds/export",
    "/console/customers/erase",
    "/console/identities/bring/contact",
    "/console/identities/bring/directory",
    "/console/identities/bring/keys",
    "/console/identities/person",
    "/console/policies/access/apply",
    "/console/policies/access/rollback",
    "/console/policies/apply",
    "/console/policies/undo",
    "/console/sources/epoch",
}
FORBIDDEN = re.compile(r"<script|\sstyle=|\son[a-z]+=|javascript:|<iframe|<object|<base|http-equiv", re.I)


def routes(world: World, method: str) -> list[str]:
    made = Console(world.house.services, world.house.spine, world.tokens).routes()
    return sorted(
        {re.sub(r"{[^}]*}", "1", each.path) for each in made if each.method == method and each.path not in PUBLIC}
    )


def forms(world: World) -> list[str]:
    return [path for path in routes(world, "POST") if path not in DOORS]


async def raw(visitor: Visitor, method: str, url: str, **more: Any) -> tuple[int, str]:
    async with visitor._session.request(method, url, allow_redirects=False, **more) as told:
        return told.status, told.headers.get("Location", "")


async def test_no_page_and_no_form_is_anybodys_without_a_session(world: World) -> None:
    assert len(routes(world, "GET")) > 8 and len(forms(world)) > 15
    async with Visitor(world) as visitor:
        for path in routes(world, "GET"):
            status, to = await raw(visitor, "GET", f"{world.url}{path}")
            assert (status, to) == (303, "/console") or status == 403, path
        for path in forms(world):
            assert (await raw(visitor, "POST", f"{world.url}{path}", data={"csrf": "x"}))[0] == 403, path


async def test_no_form_is_taken_without_its_own_token_nor_from_another_site(world: World) -> None:
    async with Visitor(world) as visitor, Visitor(world) as other:
        csrf, foreign = await visitor.enter(), await other.enter()
        assert csrf != foreign
        for path in forms(world):
            url = f"{world.url}{path}"
            for data in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": csrf.upper()}):
                assert (await raw(visitor, "POST", url, data=data))[0] == 403, path
            for headers in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "https://e.example"},
            ):
                assert (await raw(visitor, "POST", url, data={"csrf": csrf}, headers=headers))[0] == 403, path
            assert (await raw(visitor, "POST", url, json={"csrf": csrf}))[0] in (403, 415), path
            assert (await raw(visitor, "GET", url))[0] in (303, 404, 405, 200), "a form is never done by looking"


async def test_each_role_is_turned_away_from_what_is_not_its_own(world: World) -> None:
    people = world.house.services.people
    for role in ("auditor", "manager"):
        await people.put(Person(f"p_{role}", role, frozenset({role})))
        async with Visitor(world) as visitor:
            link = await world.tokens.login_link(f"p_{role}")
            assert (await visitor.post("/console/login", {"link": link}))[0] == 200
            csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', (await visitor.get("/console"))[1])
            assert csrf is not None
            for method, path in [("GET", each) for each in routes(world, "GET")] + [
                ("POST", each) for each in forms(world)
            ]:
                if not may(frozenset({role}), method, path):
                    data = {"csrf": csrf[1]} if method == "POST" else None
                    assert (await raw(visitor, method, f"{world.url}{path}", data=data))[0] == 403, (role, path)


async def test_what_weighs_more_asks_for_a_sign_in_of_just_now(world: World) -> None:
    weighty = [path for path in forms(world) if needs_fresh(path)]
    assert set(weighty) == WEIGHTY
    assert {each for each in forms(world) if each.endswith(("export", "apply", "rollback", "erase"))} <= WEIGHTY
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        world.clock.advance(3600 // 2)
        for path in weighty:
            status, to = await raw(visitor, "POST", f"{world.url}{path}", data={"csrf": csrf})
            assert status == 303 and to.startswith("/console/again?to="), path


async def test_every_page_is_without_scripts_and_styles_of_its_own_and_says_so_to_the_browser(world: World) -> None:
    code = await lived_in(world)
    made = Console(world.house.services, world.house.spine, world.tokens).routes()
    async with Visitor(world) as visitor:
        await visitor.enter()
        for address in addresses(made, of(HERO, ROOM, "p_liting", code, "华星", "pc-none")):
            status, page, told = await visitor.get(address)
            assert status in (200, 404), address
            policy = told.headers["Content-Security-Policy"]
            assert "unsafe" not in policy and "script-src" not in policy and "default-src 'none'" in policy, address
            assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy and "form-action 'self'" in policy
            assert told.headers["Referrer-Policy"] == "no-referrer" and told.headers["Cache-Control"] == "no-store"
            assert not FORBIDDEN.search(page), (address, FORBIDDEN.search(page))


async def test_a_session_planted_before_the_sign_in_opens_nothing_after_it(world: World) -> None:
    """Of somebody else, who signed in, or made up: the one who signs in gets a new one, and the old one ends."""
    async with Visitor(world) as attacker, Visitor(world) as victim:
        await attacker.enter()
        planted = next(each.value for each in attacker._session.cookie_jar)
        for value in (planted, "A" * 43):
            victim._session.cookie_jar.update_cookies({"floatcard_session": value}, URL(f"{world.url}/console/x"))
            link = await world.tokens.login_link("p_zhaolei")
            await victim.post("/console/login", {"link": link})
            mine = {each.value for each in victim._session.cookie_jar if each.key == "floatcard_session"}
            assert value not in mine and len(mine) == 1
        assert "floatcard login" in (await attacker.get("/console"))[1], "what was planted has ended"


async def test_signing_in_is_slowed_down_however_it_is_tried(world: World) -> None:
    async with Visitor(world) as visitor:
        told = [(await visitor.post("/console/login", {"link": f"guess{n}"}))[0] for n in range(70)]
        assert told[0] == 403 and told[-1] == 429
        link = await world.tokens.login_link("p_zhaolei")
        assert (await visitor.post("/console/login", {"link": link}))[0] == 429, "a good one has to wait as well"


async def test_a_link_is_over_after_a_quarter_of_an_hour(world: World) -> None:
    link = await world.tokens.login_link("p_zhaolei")
    world.clock.advance(15 * 60 + 1)
    async with Visitor(world) as visitor:
        assert (await visitor.post("/console/login", {"link": link}))[0] == 403
        assert "floatcard login" in (await visitor.get("/console"))[1]


async def test_a_session_outlives_the_gateway_and_the_store_holds_no_secret(folder: Path) -> None:
    async with open_world(folder) as world, Visitor(world) as visitor:
        await visitor.enter()
        secret = next(each.value for each in visitor._session.cookie_jar if each.key == "floatcard_session")
    assert secret.encode() not in (folder / "floatcard.db").read_bytes()
    async with open_world(folder) as world, Visitor(world) as visitor:
        visitor._session.cookie_jar.update_cookies({"floatcard_session": secret}, URL(f"{world.url}/console"))
        assert "floatcard login" not in (await visitor.get("/console"))[1]


async def test_over_https_the_cookie_is_for_https_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepared(where: Path, port: int) -> Any:
        return prepare(where, port).model_copy(update={"public_url": "https://floatcard.example"})

    monkeypatch.setattr("tests.gateway.http.world.prepare", prepared)
    async with open_world(folder) as world, aiohttp.ClientSession() as session:
        link = await world.tokens.login_link("p_zhaolei")
        url = f"{world.url}/console/login"
        async with session.post(url, data={"link": link}, allow_redirects=False) as told:
            cookie = told.headers["Set-Cookie"]
        assert cookie.startswith("__Secure-floatcard_session=")
        assert all(flag in cookie for flag in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/console"))


async def test_every_deed_of_these_is_in_the_chain(world: World) -> None:
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.post("/console/customers/export", {"csrf": csrf, "which": "all"})
    store = AuditStore(world.house.services.store, world.clock)
    assert [each.what for each in await store.latest()][:2] == ["exported", "signed_in"]
    assert await store.verify() is None
