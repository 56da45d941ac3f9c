from __future__ import annotations

import re

import pytest

from gateway.console.chat.page import STATIC, chat_page
from tests.gateway.chat.house import House, Person, until


async def test_the_page_allows_nothing_but_its_own_files(house: House) -> None:
    for path in ("/demo", "/demo/"):
        async with house.session.get(house.url + path) as response:
            page = await response.text()
            policy = response.headers["Content-Security-Policy"]
            assert response.status == 200
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|https?://(?!www\.w3\.org)", page)


async def test_every_file_the_page_names_is_there(house: House) -> None:
    page = chat_page("/demo")
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    named = set(re.findall(r'"/demo(/static/[^"]+)"', page))
    named |= {f"/static/{name}" for name in re.findall(r'from "\./([^"]+)"', scripts)}
    assert len(named) > 10
    for path in named:
        async with house.session.get(f"{house.url}/demo{path}") as response:
            assert response.status == 200, path


def test_data_never_becomes_markup() -> None:
    for script in STATIC.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script.read_text("utf-8")
        ), script


def test_both_languages_have_the_same_words() -> None:
    words = (STATIC / "words.js").read_text(encoding="utf-8")
    english, chinese = (
        set(re.findall(r'[{,]\s*"?(\w+)"?:\s*"', block))
        for block in re.findall(r"const (?:EN|ZH) = (\{.*?\n\});", words, re.S)
    )
    assert len(english) > 80
    assert english == chinese
    code = "".join(path.read_text("utf-8") for path in STATIC.glob("*.js")) + chat_page("/demo")
    used = set(re.findall(r'\bt\("(\w+)"', code)) | set(re.findall(r'data-t(?:-label|-placeholder)?="(\w+)"', code))
    assert used <= english


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_empty_message_is_refused(house: House, text: str) -> None:
    answer = await Person(house, "u_liting").ask("POST", "entries", {"room": "r_east", "text": text})
    assert (answer[0], answer[1]["error"]["code"]) == (400, "empty")


async def test_a_message_has_at_most_ten_thousand_characters(house: House) -> None:
    hands = Person(house, "u_liting")
    longest = await hands.say("r_east", "🎈" * 10_000)
    answer = await hands.ask("POST", "entries", {"room": "r_east", "text": "x" * 10_001})
    assert (answer[0], answer[1]["error"]["code"]) == (400, "too_long")
    answer = await hands.ask("POST", "entries", {"room": "r_east", "text": "x" * 9_999, "quote": longest["id"]})
    assert (answer[0], answer[1]["error"]["code"]) == (400, "too_long")


async def test_a_hostile_text_is_kept_as_text(house: House) -> None:
    hands = Person(house, "u_liting")
    said = await hands.say("r_east", "a\ud800b\x00c<script>\u202e*x* <!channel>")
    assert said["own"] == "a�b�c<script>\u202e*x* <!channel>"
    await until(lambda: len(house.gateway.events) == 1)
    assert house.gateway.events[0]["text"] == said["own"]


@pytest.mark.parametrize(
    "body", [None, [], {"room": "r_east"}, {"room": 1, "text": "x"}, {"room": "r_east", "text": 1}]
)
async def test_a_broken_body_is_named(house: House, body: object) -> None:
    answer = await Person(house, "u_liting").ask("POST", "entries", body)
    assert (answer[0], answer[1]["error"]["code"]) == (400, "bad_body")


async def test_a_body_over_the_limit_is_refused(house: House) -> None:
    answer = await Person(house, "u_liting").ask("POST", "entries", {"room": "r_east", "text": "x" * 300_000})
    assert (answer[0], answer[1]["error"]["code"]) == (413, "too_large")


async def test_another_sites_page_cannot_act(house: House) -> None:
    body = {"room": "r_east", "text": "x"}
    answer = await Person(house, "u_liting").ask("POST", "entries", body, **{"Sec-Fetch-Site": "cross-site"})
    assert (answer[0], answer[1]["error"]["code"]) == (403, "other_site")


async def test_the_crms_own_screen(house: House) -> None:
    hands = Person(house, "u_liting")
    _, found = await hands.ask("GET", "crm?q=north")
    assert [hit["title"] for hit in found["hits"]] == ["Northlake Logistics"]
    _, record = await hands.ask("PUT", "crm/c1", {"field": "stage", "value": "签约"})
    assert (record["version"], [field["value"] for field in record["fields"]][-1]) == (4, "签约")
    _, record = await hands.ask("POST", "crm/c1/risk", {})
    assert [risk["level"] for risk in record["risks"]] == ["high"]
    status, answer = await hands.ask("GET", "crm/c9")
    assert (status, answer["error"]["say"]) == (409, "There is no customer c9.")


async def test_a_guest_has_no_screen_of_the_crm(house: House) -> None:
    guest = Person(house, "u_guest")
    assert (await guest.ask("GET", "state"))[1]["features"]["crm"] is False
    for method, path, body in (
        ("GET", "crm?q=", None),
        ("GET", "crm/c1", None),
        ("PUT", "crm/c1", {"field": "stage", "value": "x"}),
        ("POST", "crm/c1/risk", {}),
    ):
        assert (await guest.ask(method, path, body))[0] == 403
    assert house.desk.version == 3


@pytest.mark.parametrize("seconds", [0, -5, 40 * 86_400, "x", None])
async def test_the_clock_only_jumps_ahead(house: House, seconds: object) -> None:
    assert (await Person(house, "u_liting").ask("POST", "clock", {"seconds": seconds}))[0] == 400
    assert house.clock.shift == 0
