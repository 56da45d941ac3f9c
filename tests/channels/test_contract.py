"""The contract of every channel. It finds the channels by itself; a new one needs its folder beside this file.

`tests/channels/<name>/recipe.py` says how that network signs and what judges its drawings;
`tests/channels/<name>/payloads/*.json` hold a request each and the events expected of it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cards import tree
from channels import registry
from channels.model import Inbound, Said
from gateway.errors import Rejected, Unreadable
from tests.cards.corpus import CORPUS
from tests.cards.standard import every_card
from tests.cards.standard import hostile_cards as hostile_standard_cards
from tests.channels.harness import (
    HERE,
    NOW,
    Payload,
    asks,
    every_channel,
    heard,
    hostile_cards,
    inbound,
    last,
    make,
    payloads,
    recipe,
    seals_whole,
    told,
    unseen,
)

CHANNELS = every_channel()
PAYLOADS = [payload for name in CHANNELS for payload in payloads(name)]
SECONDS = NOW // 1000
each_channel = pytest.mark.parametrize("name", CHANNELS)
SIGNING = [name for name in CHANNELS if not asks(name)]
each_signing = pytest.mark.parametrize("name", SIGNING)
each_dating = pytest.mark.parametrize("name", [name for name in SIGNING if seals_whole(name)])
each_payload = pytest.mark.parametrize("payload", PAYLOADS, ids=str)


def request_of(payload: Payload, seconds: int = SECONDS) -> Inbound:
    return inbound(payload.channel, *payload.body, seconds)


def test_the_networks_are_found() -> None:
    assert {"web", "slack", "matrix"} <= set(CHANNELS)


@each_channel
def test_a_channel_has_its_folder(name: str) -> None:
    folder = HERE / name
    assert (folder / "recipe.py").is_file(), f"Write {folder}/recipe.py: CONFIG, NAME, UNKNOWN, seal, inert, within."
    assert payloads(name), f"Put a payload for each of {name}'s events into {folder}/payloads."


@each_channel
def test_a_channel_has_its_page(name: str) -> None:
    page = HERE.parent.parent / "docs" / "channels" / f"{name}.md"
    assert page.is_file(), f"Write docs/channels/{name}.md: what to click, every setting, what it was run against."
    text = page.read_text("utf-8")
    settings = [key for key in registry.load(name).Config.model_fields if f"### `{key}`" not in text]
    assert not settings, f"Give {settings} a heading (### `name`) in {page.name}."
    events = [event for event in registry.load(name).EVENTS if f"`{event.partition('/')[2] or event}`" not in text]
    assert not events, f"Say in {page.name} what becomes of {events}."
    assert "## What it was run against" in text, f"Say in {page.name} what of it was run, and against what."


@each_channel
def test_every_supported_event_has_a_payload(name: str) -> None:
    supported = set(registry.load(name).EVENTS)
    shown = {payload.data["event"] for payload in payloads(name)}
    assert not supported - shown, f"Add payloads for {sorted(supported - shown)} to tests/channels/{name}/payloads."
    assert not shown - supported - {"skipped"}, f"{sorted(shown - supported)} are not in {name}.EVENTS: rename them."


@each_payload
def test_a_payload_says_where_it_comes_from(payload: Payload) -> None:
    assert payload.data["label"] in ("composed", "recorded"), "Say `composed` (from a page) or `recorded` (from a run)."
    assert payload.data["page"], "Name the page or the program it comes from."


@each_payload
async def test_a_payload_becomes_its_events(payload: Payload) -> None:
    reply = await heard(payload.channel, request_of(payload))
    expected = [{**event, "at": NOW} if event["at"] == "now" else event for event in payload.data["expect"]]
    assert [told(event) for event in reply.events] == expected
    assert reply.wait == payload.data["wait"]
    assert reply.status == 200
    if "reply" in payload.data:
        assert reply.body.decode() == payload.data["reply"]


@each_payload
async def test_an_event_hides_its_trigger_and_is_itself_again(payload: Payload) -> None:
    first, second = [await heard(payload.channel, request_of(payload)) for _ in range(2)]
    assert first == second, "parse must be pure: the same request gave other events"
    for event in first.events:
        trigger = getattr(event, "trigger", "")
        assert not trigger or trigger not in repr(event)


@each_dating
@pytest.mark.parametrize("seconds", [SECONDS - 301, SECONDS + 301, 0])
async def test_a_stale_or_future_request_is_rejected(name: str, seconds: int) -> None:
    with pytest.raises(Rejected):
        await make(name).receive(request_of(payloads(name)[0], seconds))


@each_signing
@pytest.mark.parametrize("seconds", [SECONDS - 300, SECONDS + 300])
async def test_a_request_within_the_tolerance_is_taken(name: str, seconds: int) -> None:
    payload = payloads(name)[0]
    reply = await make(name).receive(request_of(payload, seconds))
    assert len(reply.events) + len(reply.letters) == len(payload.data["expect"])


@each_signing
async def test_whoever_cannot_sign_is_rejected(name: str) -> None:
    good = request_of(payloads(name)[0])
    signed = [key for key in good.headers if key != "content-type"]
    other_bodies = (good.body + b" ", b"\xff" + good.body) if seals_whole(name) else ()
    bad = [dataclasses.replace(good, body=body) for body in other_bodies]
    for key in signed:
        value = good.headers[key]
        flipped = value[:-1] + ("0" if value[-1] != "0" else "1")
        for other in ("", flipped, "é", "v1=", "-1", "NaN", "\u0661" * 10, value + "\x00", " "):
            bad.append(dataclasses.replace(good, headers={**good.headers, key: other}))
        bad.append(dataclasses.replace(good, headers={k: v for k, v in good.headers.items() if k != key}))
    for request in bad:
        with pytest.raises(Rejected):
            await make(name).receive(request)


@each_signing
async def test_another_secret_is_rejected(name: str) -> None:
    secret = next(key for key in recipe(name).CONFIG if key.endswith("secret"))
    with pytest.raises(Rejected):
        await make(name, **{secret: "not-the-secret-of-this-test"}).receive(request_of(payloads(name)[0]))


@pytest.mark.parametrize("name", [name for name in CHANNELS if asks(name)])
async def test_a_network_that_sends_us_nothing_is_let_in_with_nothing(name: str) -> None:
    for payload in payloads(name):
        with pytest.raises(Rejected):
            await make(name).receive(request_of(payload))


@each_channel
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"1" * 5000, b"\xff\xfe", b"[" * 100_000, b'{"type":NaN}', b"{}"],
    ids=range(10),
)
async def test_broken_json_is_unreadable(name: str, body: bytes) -> None:
    # A network that signs text cannot have signed what is none.
    expected = (Unreadable, Rejected) if body.startswith(b"\xff") else Unreadable
    with pytest.raises(expected):
        await heard(name, inbound(name, body, "application/json"))


@each_channel
async def test_what_is_not_known_is_unreadable(name: str) -> None:
    for body in recipe(name).UNKNOWN:
        with pytest.raises(Unreadable):
            await heard(name, inbound(name, body, "application/json"))


@each_payload
async def test_a_damaged_payload_is_read_or_unreadable_and_nothing_else(payload: Payload) -> None:
    ((how, request),) = payload.data["request"].items()
    channel = make(payload.channel)
    for damaged in damages(request):
        spoilt = dataclasses.replace(payload, data={"request": {how: damaged}})
        try:
            await heard(payload.channel, request_of(spoilt), channel)
        except Unreadable as said:
            assert "华星" not in str(said), "name the key at fault, never what stood there"


ODD: tuple[Any, ...] = (None, 7, -1, "", "\x00", "华星" * 300, [], {}, [None], True)


def damages(value: Any) -> Iterator[Any]:
    """The payload with one thing, anywhere in it, taken away or replaced by something of another kind."""
    if isinstance(value, dict):
        for key in value:
            yield {other: each for other, each in value.items() if other != key}
            yield from ({**value, key: odd} for odd in ODD)
            yield from ({**value, key: inner} for inner in damages(value[key]))
    if isinstance(value, list):
        yield from ([*value[:at], inner, *value[at + 1 :]] for at, each in enumerate(value) for inner in damages(each))


@each_channel
@pytest.mark.parametrize(("kind", "text"), CORPUS, ids=[kind for kind, _ in CORPUS])
async def test_a_hostile_message_is_read_as_said(name: str, kind: str, text: str) -> None:
    payload = next(each for each in payloads(name) if each.path.stem == "message")
    raw = payload.body[0].replace(json.dumps(recipe(name).TEXT, ensure_ascii=False).encode(), json.dumps(text).encode())
    (event,) = (await heard(name, inbound(name, raw, "application/json"))).events
    assert isinstance(event, Said)
    event.text.encode()  # a lone surrogate is in no database
    assert "\x00" not in event.text
    assert len(event.text) == len(text) or "<" in text or "&" in text


@each_channel
@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_every_standard_card_fits(name: str, locale: str) -> None:
    module = registry.load(name)
    for card in every_card(locale):
        drawn = module.draw(card)
        faults = [*recipe(name).within(drawn, module.Channel.limits), *recipe(name).inert(drawn)]
        assert not faults, f"{card.name}: {faults[0]}"


@each_channel
@pytest.mark.parametrize(("kind", "text"), CORPUS, ids=[kind for kind, _ in CORPUS])
def test_every_hostile_string_is_inert_wherever_text_stands(name: str, kind: str, text: str) -> None:
    module = registry.load(name)
    for card in [*hostile_cards(text), *hostile_standard_cards(text).values()]:
        faults = list(recipe(name).inert(module.draw(card)))
        assert not faults, f"{kind} in {card.name}: {faults[0]}"


@each_channel
@pytest.mark.parametrize(
    "text", ["x" * 20_000, "华" * 20_000, "👨‍👩‍👧‍👦" * 3_000, ""], ids=["ascii", "cjk", "family", "empty"]
)
def test_a_flood_is_cut_to_the_limits(name: str, text: str) -> None:
    module = registry.load(name)
    flood = [*hostile_cards(text), many(tree.Text(text), 100), many(tree.Fact(text, text), 600)]
    for card in flood:
        faults = list(recipe(name).within(module.draw(card), module.Channel.limits))
        assert not faults, f"{card.name}: {faults[0]}"


def many(block: tree.Block, count: int) -> tree.Card:
    return tree.Card("notice", "s", (tree.Title("t"), *[block] * count, tree.Footer("10:32")))


@each_channel
def test_a_footer_outlives_the_flood(name: str) -> None:
    drawn = registry.load(name).draw(many(tree.Divider(), 400))
    assert "10:32" in json.dumps(last(name, drawn))


@each_channel
def test_a_block_nobody_taught_it_is_a_type_error(name: str) -> None:
    @dataclasses.dataclass(frozen=True)
    class Hologram:
        text: str = "x"

    with pytest.raises(TypeError, match="Hologram"):
        registry.load(name).draw(tree.Card("notice", "s", (Hologram(),)))  # type: ignore[arg-type]


@each_channel
def test_a_button_and_a_form_carry_their_tokens_untouched(name: str) -> None:
    token = "v1." + "aB3_-" * 370
    drawn = registry.load(name).draw(tree.Card("c", "s", (tree.Actions((tree.Button("b", "edit", token),)),)))
    assert token in json.dumps(drawn), "a cut token is a dead button"


def test_the_judge_of_characters_can_fail() -> None:
    assert unseen("a\u202eb") and unseen("\x00") and unseen("\u2068open") and unseen("\u2069") and unseen("\ud800")
    assert not unseen("\u2068שלום\u2069 华星\n")
