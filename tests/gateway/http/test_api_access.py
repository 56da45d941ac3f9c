"""Who may call at all, and what a request may look like."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from gateway.http.api_edits import WRONG
from gateway.http.api_table import ENDPOINTS
from gateway.http.auth import Buckets, Rate
from reconcile.canonical import valid
from tests.gateway.http.world import HERO, World, open_world

SCOPES = {"read", "edit", "identities", "mentions", "operate", "scim"}


def path_of(path: str) -> str:
    filled = path.replace("{ref}", HERO).replace("{field}", "phone").replace("{trace}", "7F3A-19C2-0B4D-88E1")
    return re.sub(r"\{\w+\}", "1", filled).removeprefix("/")


async def test_every_endpoint_wants_a_token_and_its_scope(world: World) -> None:
    clients = {scope: await world.client(*(SCOPES - {scope}), person="p_zhaolei") for scope in SCOPES}
    for each in ENDPOINTS:
        path = path_of(each.path)
        for secret in ("", "fc_" + "x" * 43, "fc_short", "ü"):
            told = await world.bearing(secret).call(each.method, path)
            assert told.status == 401 and told.headers["WWW-Authenticate"].startswith("Bearer"), (path, secret)
            assert told.headers["Content-Type"].startswith("application/problem+json")
        told = await clients[each.scope].call(each.method, path)
        assert told.status == 403 and each.scope in told.body["say"], path


async def test_an_ended_token_and_a_gone_person_open_nothing(world: World) -> None:
    client = await world.client("read", person="p_liting", name="old")
    assert (await client.get("customers")).status == 200
    await world.house.services.people.deactivate("p_liting")
    assert (await client.get("customers")).body["error"] == "person_gone"
    assert await world.tokens.end("old") == 1
    assert (await client.get("customers")).status == 401


async def test_broken_bodies(world: World) -> None:
    client = await world.client("edit", person="p_liting")
    as_json = {"Content-Type": "application/json"}
    for data in (b"{", b"", b"\xff", b"[" * 5_000, b'{"value": NaN}'):
        assert (await client.call("POST", "edits", data=data, headers=as_json)).status == 400, data[:8]
    for data in (b"[]", b"7", b"null", b"{}"):
        assert (await client.call("POST", "edits", data=data, headers=as_json)).status == 422, data
    large = io.BytesIO(json.dumps({"value": "x" * 1_100_000}).encode())
    told = await client.call("POST", "edits", data=large, headers=as_json)
    assert (told.status, told.body["error"]) == (413, "too_large")
    assert (await client.call("POST", "edits", data=b"a=b", headers={"Content-Type": "text/plain"})).status == 415


async def test_broken_queries(world: World) -> None:
    client = await world.client("read", person="p_liting")
    for query in ("limit=0", "limit=201", "limit=1_0", "limit=%201", "limit=x", "limit=", "other=1", "limit=1&limit=2"):
        told = await client.get(f"customers?{query}")
        assert told.status == 422 and told.body["at"] in ("limit", "other"), query


async def test_the_persons_language_is_the_requests(world: World) -> None:
    client = await world.client("edit", person="p_liting")
    body = {"record": HERO, "field": "phone", "value": "?", "once": "x"}
    told = await client.call("POST", "edits", json=body, headers={"Accept-Language": "zh-CN,en;q=0.5"})
    english = await client.post("edits", body)
    assert told.status == english.status == 422 and told.body["say"] != english.body["say"]


def test_all_that_can_be_wrong_with_a_value_is_known_to_the_catalogues() -> None:
    texts = {
        valid("text", 7),
        valid("text", "x" * 3001),
        valid("text", "\0"),
        valid("phone", "?"),
        valid("email", "?"),
        valid("decimal", "?"),
        valid("date", "?"),
        valid("choice", "?", ("a",)),
    }
    assert texts == set(WRONG)


async def test_too_many_requests_are_told_when_to_come_back(folder: Path) -> None:
    async with open_world(folder, rate=Rate(burst=3, a_second=0.001)) as world:
        client = await world.client("read", person="p_liting")
        told = [(await client.get("customers")) for _ in range(4)]
        assert [each.status for each in told] == [200, 200, 200, 429]
        assert int(told[-1].headers["Retry-After"]) >= 1
        guesses = [(await world.bearing("fc_" + "x" * 43).get("customers")).status for _ in range(4)]
        assert guesses == [401, 401, 401, 429]


def test_a_bucket_fills_again_with_time() -> None:
    now = 0.0
    buckets = Buckets(Rate(burst=2, a_second=4), lambda: now)
    assert [buckets.wait("a") for _ in range(3)] == [0.0, 0.0, 0.25]
    assert buckets.wait("b") == 0.0
    now = 0.25
    assert buckets.wait("a") == 0.0 and buckets.wait("a") == 0.25
