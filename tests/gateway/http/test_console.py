"""The console without a browser: who gets in, what a form may do, and what is shown of hostile names."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import Path

import aiohttp

from gateway.errors import Retry
from tests.gateway.http.world import World, open_world


class Visitor:
    """A browser's cookies and manners, without one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, path: str, **headers: str) -> tuple[int, str, aiohttp.ClientResponse]:
        async with self._session.get(f"{self._world.url}{path}", headers=headers) as told:
            return told.status, await told.text(), told

    async def post(self, path: str, form: object, **headers: str) -> tuple[int, str, aiohttp.ClientResponse]:
        async with self._session.post(f"{self._world.url}{path}", data=form, headers=headers) as told:
            return told.status, await told.text(), told

    async def enter(self, person: str = "p_zhaolei") -> str:
        """Signs in with a link; the token for forms."""
        link = await self._world.tokens.login_link(person)
        assert (await self.post("/console/login", {"link": link}))[0] == 200
        return await self.csrf()

    async def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', (await self.get("/console/identities"))[1])
        assert found is not None
        return found[1]


async def saw(world: World, user: str = "u_sunjia", name: str = "孙佳", room: str = "web/r_partner") -> str:
    im = f"web/demo/user/{user}"
    await world.house.services.people.saw(im, name, "member", room)
    return im


async def test_nobody_is_let_in_without_a_session(world: World) -> None:
    async with Visitor(world) as visitor:
        status, page, told = await visitor.get("/console/identities")
        assert status == 200 and told.url.path == "/console" and "floatcard login" in page and "p_liting" not in page
        for path in ("map", "unlink", "person"):
            assert (await visitor.post(f"/console/identities/{path}", {"csrf": "x"}))[0] == 403


async def test_a_link_survives_being_looked_at_and_opens_once(world: World) -> None:
    link = await world.tokens.login_link("p_zhaolei")
    async with Visitor(world) as preview, Visitor(world) as visitor, Visitor(world) as late:
        for _ in range(3):
            assert link in (await preview.get(f"/console/login?link={link}"))[1]
        status, page, _ = await visitor.post("/console/login", {"link": link})
        assert status == 200 and "赵磊" in page
        assert (await late.post("/console/login", {"link": link}))[0] == 403


async def test_a_link_of_somebody_without_the_role_opens_nothing(world: World) -> None:
    async with Visitor(world) as visitor:
        link = await world.tokens.login_link("p_liting")
        assert (await visitor.post("/console/login", {"link": link}))[0] == 403
        assert "floatcard login" in (await visitor.get("/console"))[1]


async def test_a_session_ends_with_the_role_with_the_person_and_with_signing_out(world: World) -> None:
    people = world.house.services.people
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        await visitor.post("/console/logout", {"csrf": csrf})
        assert "floatcard login" in (await visitor.get("/console"))[1]
        await visitor.enter()
        await people.deactivate("p_zhaolei")
        assert "floatcard login" in (await visitor.get("/console"))[1]
        who = people.person("p_zhaolei")
        assert who is not None
        await people.put(replace(who, active=True))
        assert "floatcard login" in (await visitor.get("/console"))[1], "an ended session stays ended"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(world: World) -> None:
    async with Visitor(world) as visitor:
        link = await world.tokens.login_link("p_zhaolei")
        async with visitor._session.post(
            f"{world.url}/console/login", data={"link": link}, allow_redirects=False
        ) as told:
            cookie = told.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/console" in cookie
        assert "Secure" not in cookie, "the demo speaks http, and a Secure cookie would be lost"
        for path in ("/console", "/console/login", "/console/identities"):
            headers = (await visitor.get(path))[2].headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"


async def test_forms_from_elsewhere_do_nothing(world: World) -> None:
    im = await saw(world)
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        for form in ({im: "p_liting"}, {im: "p_liting", "csrf": "0" * 64}, {im: "p_liting", "csrf": "ü"}):
            assert (await visitor.post("/console/identities/map", form))[0] == 403
        good = {im: "p_liting", "csrf": csrf}
        assert (await visitor.post("/console/identities/map", good, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
        assert (await visitor.post("/console/identities/map", good, Origin="https://evil.example"))[0] == 403
        assert (await visitor.post("/console/identities/map", aiohttp.FormData(good, default_to_multipart=True)))[
            0
        ] == 415
        assert (await visitor.post("/console/enter", {"person": "p_zhaolei"}, Origin="https://evil.example"))[0] == 403
    assert world.house.services.people.linked("im", im) is None


async def test_the_unmapped_are_mapped_in_bulk_and_undone(world: World) -> None:
    first, second = await saw(world), await saw(world, "u_new", "Li Ting", "web/r_east")
    people = world.house.services.people
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        page = (await visitor.get("/console/identities"))[1]
        assert first in page and second in page and "checked" not in page.split('id="persons"')[0]
        assert not re.search(r"<option[^>]* selected", page), "a suggestion is never chosen beforehand"
        form = {"csrf": csrf, first: "p_chenwei", second: "p_liting", "web/demo/user/unheard": "p_liting"}
        await visitor.get("/console?lang=en")
        page = (await visitor.post("/console/identities/map", form))[1]
        assert "Not linked: 3" in page and people.linked("im", first) is None, "both have an account there"
        await visitor.post("/console/identities/map", {**form, "also": "1"})
        linked = people.linked("im", first)
        assert linked is not None and linked.id == "p_chenwei"
        assert people.linked("im", "web/demo/user/unheard") is None, "only accounts that were listed"
        made = next(link for link in people.links() if link.key == first)
        assert (made.step, made.made_by) == ("admin", "p_zhaolei")
        await visitor.post("/console/identities/unlink", {"csrf": csrf, "link": made.id})
        assert people.linked("im", first) is None
    steps = [each.step.step for each in await world.house.services.trail.latest(100)]
    assert steps.count("linked") == 2 and steps.count("unlinked") == 1


async def test_persons_are_added_and_changed_and_no_admin_locks_themselves_out(world: World) -> None:
    people = world.house.services.people
    async with Visitor(world) as visitor:
        csrf = await visitor.enter()
        form = {
            "csrf": csrf,
            "name": "New\x00 Person\u202e",
            "role": "rep",
            "emails": "a@example.com, b@example.com",
            "active": "1",
        }
        await visitor.post("/console/identities/person", form)
        new = next(each for each in people.persons() if each.name == "New Person")
        assert new.roles == {"rep"} and new.emails == ("a@example.com", "b@example.com") and new.active
        await visitor.post("/console/identities/person", {"csrf": csrf, "id": new.id, "name": "New Person"})
        changed = people.person(new.id)
        assert changed is not None and not changed.active and not changed.roles
        await visitor.post("/console/identities/person", {"csrf": csrf, "id": "p_zhaolei", "name": "x", "active": "1"})
        me = people.person("p_zhaolei")
        assert me is not None and "admin" in me.roles


async def test_hostile_names_are_inert(world: World) -> None:
    names = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "\u202egnp.exe",
        "😀" * 10_000,
        "\ud800",
        "{{ 7*7 }}",
    ]
    for number, name in enumerate(names):
        await saw(world, f"u_{number}", name.encode("utf-8", "replace").decode(), f"web/{name[:9]!r}")
    async with Visitor(world) as visitor:
        await visitor.enter()
        status, page, _ = await visitor.get("/console/identities?q=%22%3E%3Cscript%3E")
        assert status == 200 and "<script" not in page and "<img src=x" not in page and "{{ 7*7 }}" in page
        assert "😀" * 300 not in page


async def test_the_language_is_the_persons_and_can_be_switched(world: World) -> None:
    async with Visitor(world) as visitor:
        await visitor.enter()
        assert '<html lang="zh-CN">' in (await visitor.get("/console"))[1]
        assert '<html lang="en">' in (await visitor.get("/console?lang=en"))[1]
        assert '<html lang="en">' in (await visitor.get("/console/identities"))[1], "and stays"


async def test_the_overview_says_who_does_not_answer(world: World) -> None:
    breaker = world.house.breakers["local"]

    async def down() -> None:
        raise Retry(1, "down")

    async with Visitor(world) as visitor:
        await visitor.enter()
        assert "没有应答" not in (await visitor.get("/console?lang=zh-CN"))[1]
        while breaker.state == "closed":
            with contextlib.suppress(Retry):
                await breaker.run(down)
        assert re.search(r"⚠ 没有应答，\d+ 秒后再试", (await visitor.get("/console?lang=zh-CN"))[1])
        assert re.search(r"⚠ does not answer; asked again in \d+ s", (await visitor.get("/console?lang=en"))[1])


async def test_the_demos_door_is_only_the_demos(folder: Path) -> None:
    async with open_world(folder, demo=False) as world, Visitor(world) as visitor:
        page = (await visitor.get("/console"))[1]
        assert "/console/enter" not in page and "/demo" not in page
        assert (await visitor.post("/console/enter", {"person": "p_zhaolei"}))[0] == 403


async def test_the_demos_door_opens_to_an_admin(world: World) -> None:
    async with Visitor(world) as visitor:
        assert "/console/enter" in (await visitor.get("/console"))[1]
        assert (await visitor.post("/console/enter", {"person": "p_liting"}))[0] == 403
        assert (await visitor.post("/console/enter", {"person": "p_zhaolei"}))[0] == 200
        assert "/console/identities" in (await visitor.get("/console"))[1]


async def test_static_files_are_the_named_ones(world: World) -> None:
    async with Visitor(world) as visitor:
        for name in ("tokens.css", "console.css", "mark.svg"):
            status, _, told = await visitor.get(f"/console/static/{name}")
            assert status == 200 and told.headers["Content-Type"].split("/")[0] in ("text", "image")
        for name in ("page.py", "..%2fpage.py"):
            assert (await visitor.get(f"/console/static/{name}"))[0] == 404
        told = (await visitor.get("/console/static/%2e%2e/page.py"))[2]
        assert told.url.path == "/console", "a stranger is asked to sign in"
