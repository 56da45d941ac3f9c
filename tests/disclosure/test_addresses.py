"""Every address there is, asked by everybody: nobody reads there what they may not see in the console.

The addresses are read from the router. One with a parameter that nobody has said how to fill, or that takes a body
nobody has given, fails here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, CookieJar, FormData

from channels.model import ImId, Place
from gateway.http.console_session import COOKIE, Session, Sessions
from gateway.http.health import Health
from gateway.http.server import application
from gateway.pages import FormLink
from gateway.store.tokens import PAGE_MS, SCOPES, Token, TokenStore
from identity.model import Sensitivity
from tests.disclosure.planted import FIELDS, permitted
from tests.disclosure.test_walk import Walk, edited_by, walking
from tests.gateway.house import HERO, LI, SUN

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"
PERSONS = ("", "p_mark", "p_chenwei", "p_liting", "p_wangmin", "p_zhaolei", "p_audit")
"""Of tokens; "": of nobody."""

PARAMETERS: dict[str, Sequence[str]] = {
    "channel": ("web",),
    "crm": ("local",),
    "path": ("x",),
    "ref": (HERO,),
    "field": (*FIELDS.values(), "name", "note"),
    "trace": ("DECISIONS",),
    "code": ("DECISIONS",),
    "id": ("nothing",),
    "name": ("nothing",),
    "version": ("1",),
    "n": ("1",),
    "device": ("nothing",),
    "person": ("p_liting",),
    "key": ("nothing",),
    "about": ("Users", "Groups"),
    "change": ("nothing",),
    "rest": ("x",),
    "file": ("page.css",),
    "link": ("LINKS",),
    "nowhere": ("nothing",),
}
QUERIES = (
    "q=zq",
    "query=qnam",
    f"ref={HERO}&field=description&q=zq&room=web%2Fdeal&record={HERO}&text=qname&person=p_liting&trace=DECISION",
    f"ref={HERO}&field=industry&room=web%2Fpartner&code=DECISION&customer={HERO}&set=1",
    "room=web%2Fdeal",
    "room=web%2Fpartner",
    "turn=TURN",
)
API = ("query=qnam", f"record={HERO}", "room=web%2Fdeal", "turn=TURN")
BODIES: dict[str, Any] = {
    "/api/v1/mentions/try": {"text": "zqname Medical"},
    "/console/mentions/try": {"text": "zqname Medical", "room": "web/deal"},
    "/console/audit/verify": {},
    "/console/audit/export": {"format": "csv", "q": "", "ref": HERO},
    "/api/v1/edits": {"record": HERO, "field": "description", "value": "zqtyped"},
}
"""Of the forms that answer with more than what was done; all others are sent a body that only names the customer."""


async def addresses(walk: Walk) -> list[tuple[str, str]]:
    """Method and path of every route, its places filled in."""
    live = walk.live
    app = application(live.house, Health(live.s, live.house.worker))
    fills = {**PARAMETERS, "DECISIONS": await decisions(walk), "LINKS": await links(walk)}
    found = dict.fromkeys((route.method, route.resource.canonical) for route in app.router.routes() if route.resource)
    return [(method, path) for method, canonical in found for path in filled(canonical, fills) if method != "HEAD"]


def filled(path: str, fills: dict[str, Sequence[str]]) -> Iterator[str]:
    place = re.search(r"\{(\w+)\}", path)
    if place is None:
        yield path
        return
    assert place[1] in fills, f"say in PARAMETERS what {path} may be asked with"
    for name in fills[place[1]]:
        for value in fills.get(name, (name,)):
            yield from filled(path.replace(place[0], quote(value, safe=""), 1), fills)


async def decisions(walk: Walk) -> list[str]:
    states = await walk.live.s.ledger.states(HERO)
    return [states[name].decision for name in FIELDS.values() if name in states]


async def links(walk: Walk) -> list[str]:
    """Forms of our own pages, for whoever opens them without having pressed anything."""
    s, made = walk.live.s, []
    for user, person in ((LI, "p_liting"), (SUN, "p_mark")):
        once = await TokenStore(s.store, s.clock).page_link(person)
        im = ImId.parse(f"web/demo/user/{user}")
        made.append(FormLink(person, im, Place("web", "deal"), HERO, once, s.clock.now() + PAGE_MS).signed(s))
    return made


async def _sent(session: ClientSession, method: str, url: str, body: Any, api: bool) -> str:
    more: dict[str, Any] = {} if method == "GET" else {"json": body} if api else {"data": FormData(body)}
    async with session.request(method, url, allow_redirects=False, **more) as told:
        return f"{told.headers}\n{(await told.read()).decode('utf-8', 'replace')}"


async def _asked(
    walk: Walk, session: ClientSession, who: str, grades: set[Sensitivity], csrf: str = "", *, opens: bool | None = None
) -> None:
    """`opens`: the API rather than the console; None: neither. What is shut is asked with nothing, and with all."""
    s, url = walk.live.s, walk.live.url
    codes = await decisions(walk)
    turn = await s.trail.last_turn("web/deal") or ""
    for method, path in await addresses(walk):
        api = path.startswith("/api/")
        verbs = ("GET", "POST") if method == "*" else (method,)
        for verb in verbs:
            if verb == "DELETE" or path.endswith("/erase") or path == "/console/logout":
                continue
            body = BODIES.get(path, {"ref": HERO, "record": HERO, "room": "web/deal"})
            body = body if api else {**body, "csrf": csrf}
            mine = SOAK or opens is api
            queries = ("", *((API if api else QUERIES) if mine else QUERIES[2:3])) if verb == "GET" else ("",)
            for query in queries:
                asked = query.replace("DECISION", codes[-1]).replace("TURN", turn)
                text = await _sent(session, verb, f"{url}{path}?{asked}", body, api)
                walk.judge(f"{who}: {verb} {path}?{query}", text, grades)


@pytest.mark.parametrize("name", ["public", "internal"])
async def test_no_address_tells_more_than_who_asks_may_see(tmp_path: Path, name: Sensitivity) -> None:
    async with walking(tmp_path, name) as walk:
        live, tokens = walk.live, TokenStore(walk.live.s.store, walk.live.s.clock)
        await edited_by(walk)
        for n, person in enumerate(PERSONS if name == "public" or SOAK else PERSONS[1:2]):
            secret = await tokens.make(Token(f"t{n}", frozenset(SCOPES), person, "plugin", "x", ()))
            async with ClientSession(headers={"Authorization": f"Bearer {secret}"}) as session:
                grades = permitted(live.s, [person], "console") if person else set[Sensitivity]()
                await _asked(walk, session, f"a token of {person or 'nobody'}", grades, opens=True)
        for person in ("p_zhaolei", "p_wangmin", "p_audit") if name == "public" or SOAK else ("p_wangmin",):
            async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
                secret = await tokens.new_session(person)
                session.cookie_jar.update_cookies({COOKIE: secret})
                who = live.s.people.person(person)
                assert who is not None
                csrf = Sessions(live.s, tokens).csrf(Session(who, secret))
                grades = permitted(live.s, [person], "console")
                await _asked(walk, session, f"{person} in the console", grades, csrf, opens=False)
        async with ClientSession() as session:
            await _asked(walk, session, "nobody", set())
        assert not walk.bad, chr(10).join(sorted(set(walk.bad))[:40])
