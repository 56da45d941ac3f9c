"""The OpenAPI document: valid, complete, and true of the server that runs."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from gateway.http.api_table import ENDPOINTS
from gateway.http.openapi import document
from tests.gateway.http.world import HERO, World

SOAK = os.environ.get("FLOATCARD_SOAK") == "1"


def test_it_is_an_openapi_document() -> None:
    validate(document(), cls=OpenAPIV31SpecValidator)


def test_every_endpoint_is_in_it_with_its_scope_and_every_refusal_it_can_meet() -> None:
    paths = document()["paths"]
    for each in ENDPOINTS:
        told = paths[each.full_path][each.method.lower()]
        assert told["security"] == [{"bearer": [each.scope]}]
        wanted = {str(each.status), "401", "403", "422", "429", "500", "503", *map(str, each.errors)}
        wanted |= {"400", "413", "415"} if each.body else set()
        assert set(told["responses"]) == wanted


def test_limits_and_examples_are_told() -> None:
    told = document()
    parameters = told["paths"]["/api/v1/customers"]["get"]["parameters"]
    limit = next(each["schema"] for each in parameters if each["name"] == "limit")
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 200, 50)
    body = told["components"]["schemas"]["EditBody"]
    assert body["additionalProperties"] is False and set(body["required"]) == {"record", "field", "value", "once"}
    assert all(body["properties"][name]["examples"] for name in body["required"])


async def test_it_is_served_without_a_token(world: World) -> None:
    told = await world.bearing("").get("openapi.json")
    assert told.status == 200 and told.body == document()


CONFIG = """
[parameters]
"path.ref" = "{ref}"
"path.field" = "phone"
"path.trace" = "{trace}"
"query.turn" = "{turn}"

# Whether a text is a phone number, or a key an account's, depends on the configuration: no schema can say it.
[[operations]]
include-operation-id = ["make_edit", "make_link", "try_message", "judge_name", "set_room"]

[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "403", "404", "409", "422"]
"""


@pytest.mark.timeout(1800 if SOAK else 300)
async def test_schemathesis_finds_nothing(world: World, tmp_path: Path) -> None:
    """The command line tool as anybody runs it, every check on, against a real server."""
    client = await world.client("read", "edit", "identities", "mentions", person="p_zhaolei")
    await client.post("edits", {"record": HERO, "field": "phone", "value": "+86 512 6288 0099", "once": "first"})
    past = (await client.get(f"customers/{HERO}/fields/phone/history")).body["edits"][0]
    await world.house.services.people.saw("web/demo/user/u_sunjia", "孙佳", "member", "web/r_partner")
    config = CONFIG.format(ref=HERO, trace=past["decision"], turn=past["turn"])
    (tmp_path / "schemathesis.toml").write_text(config, "utf-8")
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{world.url}/api/v1/openapi.json",
        *("--header", f"Authorization: Bearer {client.secret}"),
        *("--seed", "7", "--no-color", "--continue-on-failure"),
        *("--max-examples", "200" if SOAK else "10"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    told = (await process.communicate())[0].decode("utf-8", "replace")
    assert process.returncode == 0, told
