"""The chat and the real `web` channel, speaking to each other as the house makes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from cards.deck import Deck
from cards.samples import NOW, samples
from channels import model
from channels.web import Channel, Config
from gateway.errors import Refused
from tests.gateway.chat.house import House, Person

SHARED = "a secret long enough"
DECK = Deck()
STANDARD = DECK.draw("notice", locale="en", now=NOW, **samples("en")["notice"][0])


class Talk:
    """The gateway's end: the channel, and what it received."""

    def __init__(self, house: House) -> None:
        self.house = house
        config = Config.model_validate({"url": f"{house.url}/demo/api", "secret": SHARED})
        self.channel = Channel("demo", config, session=house.session, clock=house.clock.now)
        self.replies: list[model.Reply] = []

    async def receive(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        inbound = model.Inbound(request.method, self.house.url + request.raw_path, headers, await request.read())
        reply = await self.channel.receive(inbound)
        self.replies.append(reply)
        if reply.wait:
            reply = self.channel.answer(reply.events[0], model.Toast("ok", "info"))
        return web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))


@pytest.fixture
def talk(house: House, monkeypatch: pytest.MonkeyPatch) -> Talk:
    talk = Talk(house)
    for holder in (house.chat, house.chat._courier):
        monkeypatch.setattr(holder, "_secret", SHARED.encode())
    monkeypatch.setattr(house.gateway, "receive_by", talk.receive)
    return talk


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@pytest.mark.parametrize("name", sorted(samples("en")))
async def test_every_standard_card_is_taken(talk: Talk, name: str, locale: str) -> None:
    place = model.Place("demo", "r_east")
    for number, facts in enumerate(samples(locale)[name]):
        card = DECK.draw(name, locale=locale, zone="Asia/Shanghai", now=NOW, **facts)
        await talk.channel.send(place, card, once=f"{name}{number}")
    entries = await Person(talk.house, "u_liting").read("r_east")
    assert [entry["card"]["name"] for entry in entries] == [name] * len(samples(locale)[name])


async def test_a_card_is_sent_repainted_and_removed(talk: Talk) -> None:
    place = model.Place("demo", "r_east")
    ref = await talk.channel.send(place, STANDARD, once="a")
    assert await talk.channel.send(place, STANDARD, once="a") == ref
    await talk.channel.edit(ref, STANDARD)
    await talk.channel.delete(ref)
    with pytest.raises(Refused):
        await talk.channel.edit(ref, STANDARD)
    with pytest.raises(Refused):
        await talk.channel.send(model.Place("demo", "r_nowhere"), STANDARD, once="b")


async def test_whispers_rosters_and_direct_rooms(talk: Talk) -> None:
    place = model.Place("demo", "r_partner")
    roster = await talk.channel.members(place)
    assert (roster.title, roster.external, roster.complete, len(roster.members)) == ("渠道伙伴", True, True, 4)
    guest = next(member for member in roster.members if member.kind == "guest")
    await talk.channel.whisper(place, guest.id, STANDARD, once="w")
    (seen,) = await Person(talk.house, "u_guest").read("r_partner")
    assert seen["whisper"]
    assert await talk.channel.direct(guest.id) == model.Place("demo", "d_u_guest")


async def test_everything_a_person_does_becomes_an_event(talk: Talk) -> None:
    house, hands = talk.house, Person(talk.house, "u_liting")
    said = await hands.say("r_east", "他说")
    reply = await hands.say("r_east", "/card 华星", quote=said["id"])
    await hands.ask("PUT", f"entries/{reply['id']}", {"text": "/card 远航"})
    await hands.ask("DELETE", f"entries/{reply['id']}")
    await hands.ask("POST", "rooms/r_east/members", {"person": "u_guest"})
    await hands.ask("DELETE", "rooms/r_east/members/u_guest")
    _, answer = await hands.ask("POST", "press", {"room": "r_east", "action": "why", "data": "tok"})
    assert answer == {"answer": {"kind": "toast", "text": "ok", "tone": "info"}}
    filled: dict[str, Any] = {"room": "r_east", "data": "tok", "values": {"phone": "1"}, "tokens": {"phone": "t"}}
    await hands.ask("POST", "form", filled)
    await house.drained()
    events = [event for reply_ in talk.replies for event in reply_.events]
    kinds = {type(event).__name__ for event in events}
    assert kinds == {"Said", "Edited", "Deleted", "Joined", "Left", "Pressed", "Submitted"}
    assert len({event.once for event in events}) == len(events) == 8
    (quoting,) = [event for event in events if isinstance(event, model.Said) and event.quoted]
    assert (quoting.text, quoting.quoted, quoting.addressed) == ("他说\n/card 华星", ((0, 2),), True)
    (pressed,) = [event for event in events if isinstance(event, model.Pressed)]
    assert (pressed.action, pressed.data, pressed.message) == ("why", "tok", None)
    assert json.dumps([event.who.id.key for event in events]).count("demo/demo/user/") == 8
