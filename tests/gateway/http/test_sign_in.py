"""Signing in at a provider of identities with a real key set, and what is turned away."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from yarl import URL

from gateway.config.model import ConsoleSpec, OidcSpec
from gateway.demo.run import prepare
from gateway.http.console_roles import may, needs_fresh
from gateway.outgoing.breaker import THRESHOLD
from gateway.outgoing.targets import SIGN_IN
from gateway.store.auditing import AuditStore
from tests.gateway.http.provider import CLIENT, SECRET, FakeProvider
from tests.gateway.http.test_console import Visitor
from tests.gateway.http.world import World, open_world

ADMIN = "p_zhaolei"
SUB = "248289761001"


@dataclass(slots=True)
class Scene:
    world: World
    provider: FakeProvider

    @contextlib.asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            yield Browser(self.world.url, session, self.provider)

    async def link(self, person: str = ADMIN, sub: str = SUB) -> None:
        key = f"{self.provider.issuer}#{sub}"
        await self.world.house.services.people.link(person, "oidc", key, step="admin", evidence="test", made_by="test")


@dataclass(slots=True)
class Browser:
    url: str
    session: aiohttp.ClientSession
    provider: FakeProvider

    async def begin(self, **query: str) -> str:
        """The provider's address it is sent to."""
        start = f"{self.url}/console/oidc/start"
        async with self.session.get(start, params=query, allow_redirects=False) as told:
            assert told.status == 303, await told.text()
            return told.headers["Location"]

    async def back(self, query: dict[str, str]) -> tuple[int, str, Any]:
        async with self.session.get(f"{self.url}/console/oidc/back", params=query, allow_redirects=False) as told:
            return told.status, await told.text(), told

    async def sign_in(self, sub: str = SUB, **claims: Any) -> int:
        return (await self.back(self.provider.sign_in(await self.begin(), sub, **claims)))[0]

    async def inside(self) -> bool:
        async with self.session.get(f"{self.url}/console/identities", allow_redirects=False) as told:
            return told.status == 200

    def cookie(self, name: str = "floatcard_session") -> str:
        return next((each.value for each in self.session.cookie_jar if each.key == name), "")


@pytest.fixture
async def scene(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    provider = FakeProvider()
    provider.server = TestServer(provider.app())

    def prepared(where: Path, port: int) -> Any:
        oidc = OidcSpec(
            issuer=provider.issuer,
            client_id=CLIENT,
            client_secret=SecretStr(SECRET),
            roles_claim="realm.roles",
            roles={"crm-auditors": "auditor"},
            emails=True,
        )
        return prepare(where, port).model_copy(update={"console": ConsoleSpec(oidc=oidc)})

    async with provider.server:
        monkeypatch.setattr("tests.gateway.http.world.prepare", prepared)
        async with open_world(folder) as world:
            provider.now = lambda: world.clock.now() / 1000
            yield Scene(world, provider)


async def test_a_linked_account_enters_and_the_session_is_new(scene: Scene) -> None:
    await scene.link()
    async with scene.browser() as browser:
        browser.session.cookie_jar.update_cookies({"floatcard_session": "planted"}, URL(browser.url))
        address = await browser.begin(to="/console/policies")
        assert address.startswith(f"{scene.provider.issuer}/authorize?")
        status, _, told = await browser.back(scene.provider.sign_in(address, SUB))
        assert status == 200 and told.headers["Refresh"] == "0; url=/console/policies"
        cookie = told.headers.getall("Set-Cookie")[0]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "planted" not in cookie
        assert await browser.inside()
    noted = await AuditStore(scene.world.house.services.store, scene.world.clock).latest()
    assert noted[0].what == "signed_in"


async def test_nobody_is_found_by_name_or_e_mail(scene: Scene) -> None:
    who = scene.world.house.services.people.person(ADMIN)
    assert who is not None
    await scene.world.house.services.people.put(replace(who, emails=("zhao.lei@example.com",)))
    async with scene.browser() as browser:
        query = scene.provider.sign_in(
            await browser.begin(), "other", email="zhao.lei@example.com", email_verified=True, name=who.name
        )
        status, page, _ = await browser.back(query)
        assert status == 403 and f"{scene.provider.issuer}#other" in page and not await browser.inside()


async def test_a_verified_address_becomes_the_persons_unless_somebody_else_has_it(scene: Scene) -> None:
    people = scene.world.house.services.people

    def emails() -> tuple[str, ...]:
        who = people.person(ADMIN)
        assert who is not None
        return who.emails

    before = emails()
    await scene.link()
    async with scene.browser() as browser:
        assert await browser.sign_in(email="zl@acme.com") == 200
        assert await browser.sign_in(email="zl@acme.com", email_verified="true") == 200
        assert await browser.sign_in(email="li.ting@example.com", email_verified=True) == 200
        assert emails() == before, "not verified, or another's"
        assert await browser.sign_in(email="ZL@acme.com", email_verified=True) == 200
        assert emails() == (*before, "zl@acme.com")
    noted = await AuditStore(scene.world.house.services.store, scene.world.clock).latest(20)
    assert {("oidc", "ambiguous"), ("oidc", "person")} <= {(each.by, each.what) for each in noted}


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": 1},
        {"exp": None},
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
        {"sub": None},
        {"iat": 99_999_999_999},
        {"nbf": 99_999_999_999},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_and_now_opens_nothing(scene: Scene, wrong: dict[str, Any]) -> None:
    await scene.link()
    async with scene.browser() as browser:
        assert await browser.sign_in(**wrong) == 403
        assert not await browser.inside() and browser.cookie() == ""


async def test_a_foreign_key_opens_nothing_and_a_new_one_is_found(scene: Scene) -> None:
    await scene.link()
    first, provider = scene.provider.key, scene.provider
    async with scene.browser() as browser:
        assert await browser.sign_in() == 200
        provider.key, provider.published = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}), [first]
        assert await browser.sign_in() == 403, "a foreign key under a known name"
        provider.key = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
        provider.published = [first, provider.key]
        asked = provider.asked_keys
        assert await browser.sign_in() == 403 and provider.asked_keys == asked, "not for every token that comes"
        scene.world.clock.advance(60)
        assert await browser.sign_in() == 200 and provider.asked_keys == asked + 1


async def test_what_came_back_is_used_once_and_in_its_own_browser(scene: Scene) -> None:
    await scene.link()
    async with scene.browser() as mine, scene.browser() as theirs:
        query = scene.provider.sign_in(await theirs.begin(), SUB)
        await mine.begin()
        assert (await mine.back(query))[0] == 403, "somebody else's sign-in, planted"
        assert not await mine.inside()
        query = scene.provider.sign_in(await theirs.begin(), SUB)
        assert (await theirs.back({**query, "iss": "https://evil.example"}))[0] == 403
        scene.provider.about = {"authorization_response_iss_parameter_supported": True}
        scene.world.clock.advance(3_601)  # what it says of itself is read again
        query = scene.provider.sign_in(await theirs.begin(), SUB)
        del query["iss"]
        assert (await theirs.back(query))[0] == 403, "it says that it names itself, and did not (RFC 9207)"
        query = scene.provider.sign_in(await theirs.begin(), SUB)
        cookie = theirs.cookie("floatcard_signin")
        assert (await theirs.back(query))[0] == 200
        theirs.session.cookie_jar.update_cookies({"floatcard_signin": cookie}, URL(f"{theirs.url}/console/oidc"))
        assert (await theirs.back(query))[0] == 403, "replayed"
        late = scene.provider.sign_in(await theirs.begin(), SUB)
        scene.world.clock.advance(11 * 60)
        assert (await theirs.back(late))[0] == 403, "too late"


async def test_roles_come_from_the_claim_and_go_with_it(scene: Scene) -> None:
    await scene.link("p_liting")
    people = scene.world.house.services.people
    async with scene.browser() as browser:
        assert await browser.sign_in() == 403, "known, but with no role for the console"
        assert await browser.sign_in(realm={"roles": ["crm-auditors", 7]}) == 200
        who = people.person("p_liting")
        assert who is not None and {"auditor", "rep"} <= who.roles
        assert await browser.inside()
        async with browser.session.post(f"{browser.url}/console/identities/person", data={"id": "x"}) as told:
            assert told.status == 403, "an auditor changes nothing"
        assert await browser.sign_in(realm={"roles": []}) == 403
        who = people.person("p_liting")
        assert who is not None and "auditor" not in who.roles and "rep" in who.roles
        assert not await browser.inside()


async def test_an_account_is_connected_by_who_is_signed_in(scene: Scene) -> None:
    async with scene.browser() as browser:
        link = await scene.world.tokens.login_link(ADMIN)
        async with browser.session.post(f"{browser.url}/console/login", data={"link": link}) as told:
            assert told.status == 200
        async with browser.session.get(f"{browser.url}/console/me") as told:
            assert "for=link" in await told.text()
        query = scene.provider.sign_in(await browser.begin(**{"for": "link"}), SUB)
        assert (await browser.back(query))[0] == 200
    linked = scene.world.house.services.people.linked("oidc", f"{scene.provider.issuer}#{SUB}")
    assert linked is not None and linked.id == ADMIN
    async with scene.browser() as other:
        assert await other.sign_in() == 200
        async with other.session.get(f"{other.url}/console/oidc/start?for=link", allow_redirects=False) as told:
            assert told.status == 303
    async with (
        scene.browser() as nobody,
        nobody.session.get(f"{nobody.url}/console/oidc/start?for=link", allow_redirects=False) as told,
    ):
        assert told.status == 403, "nothing is connected without a session"


async def test_what_weighs_more_wants_a_sign_in_of_just_now(scene: Scene) -> None:
    await scene.link()
    async with scene.browser() as browser:
        assert await browser.sign_in() == 200
        scene.world.clock.advance(15 * 60)
        async with browser.session.post(
            f"{browser.url}/console/policies/apply", data={"change": "x"}, allow_redirects=False
        ) as told:
            assert told.status == 303 and told.headers["Location"].startswith("/console/again?to=")
        address = await browser.begin(**{"for": "fresh", "to": "/console/policies"})
        assert "max_age=0" in address and "prompt=login" in address
        stale = scene.provider.sign_in(address, SUB, auth_time=int(scene.world.clock.now() / 1000) - 900)
        assert (await browser.back(stale))[0] == 403, "nobody signed in anew"
        scene.provider.claims = {}
        before = browser.cookie()
        again = scene.provider.sign_in(await browser.begin(**{"for": "fresh", "to": "/console/policies"}), SUB)
        assert (await browser.back(again))[0] == 200
        assert await scene.world.tokens.session(before) is None, "the session it replaces has ended"
        async with browser.session.post(
            f"{browser.url}/console/policies/apply", data={"change": "x"}, allow_redirects=False
        ) as told:
            assert told.status == 403, "fresh enough, and without the form's own token still nothing"


async def test_a_session_ends_when_nobody_comes_and_at_its_end(scene: Scene) -> None:
    await scene.link()
    async with scene.browser() as browser:
        assert await browser.sign_in() == 200
        for _ in range(14):
            assert await browser.inside()
            scene.world.clock.advance(55 * 60)
        assert not await browser.inside(), "twelve hours are over, however busy"
        assert await browser.sign_in() == 200
        scene.world.clock.advance(61 * 60)
        assert not await browser.inside(), "an hour without a request"


async def test_a_provider_that_is_away_or_says_otherwise_lets_nobody_in(scene: Scene) -> None:
    for about in (
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "http://evil.example/a"},
        {"token_endpoint": 7},
    ):
        scene.provider.about = about
        async with (
            scene.browser() as browser,
            browser.session.get(f"{browser.url}/console/oidc/start", allow_redirects=False) as told,
        ):
            assert told.status == 403
    scene.provider.about = {"jwks_uri": "https://elsewhere.example/keys"}
    await scene.link()
    async with scene.browser() as browser:
        query = scene.provider.sign_in(await browser.begin(), SUB)
        assert (await browser.back(query))[0] == 503, "a host nobody declared is not called"


async def test_who_signs_in_does_not_wait_for_a_provider_that_is_away(scene: Scene) -> None:
    breakers = scene.world.house.breakers
    scene.provider.down = True
    async with scene.browser() as browser:
        for _ in range(THRESHOLD + 3):
            begun = f"{browser.url}/console/oidc/start"
            async with browser.session.get(begun, allow_redirects=False) as told:
                assert told.status == 503
    assert scene.provider.asked == THRESHOLD, "then it is left alone for a while"
    assert breakers[SIGN_IN].state == "open"
    assert {each.state for name, each in breakers.items() if name != SIGN_IN} <= {"closed"}
    async with Visitor(scene.world) as visitor:
        await visitor.enter()
        page = (await visitor.get("/console?lang=en"))[1]
        assert re.search(r"Sign-in provider</strong>.*⚠ does not answer; asked again in \d+ s", page)
    scene.provider.down = False
    scene.world.clock.advance(2)
    await scene.link()
    async with scene.browser() as browser:
        assert await browser.sign_in() == 200
    assert breakers[SIGN_IN].failures == 0


def test_every_role_may_what_it_may() -> None:
    admin, auditor, manager, rep = (frozenset({each}) for each in ("admin", "auditor", "manager", "rep"))
    assert may(admin, "POST", "/console/policies/apply") and may(admin, "GET", "/console/anything")
    assert may(auditor, "GET", "/console/audit") and may(auditor, "GET", "/console/policies/pc-1")
    for path in ("/console/policies/apply", "/console/conflicts/settle", "/console/customers/erase"):
        assert not may(auditor, "POST", path)
    assert may(manager, "POST", "/console/conflicts/settle") and may(manager, "GET", "/console")
    assert not may(manager, "GET", "/console/audit") and not may(manager, "POST", "/console/identities/map")
    assert not any(may(rep, "GET", path) for path in ("/console", "/console/me", "/console/audit"))
    assert may(auditor, "POST", "/console/logout")
    assert needs_fresh("/console/audit/export") and needs_fresh("/console/customers.csv")
    assert not needs_fresh("/console/policies")
