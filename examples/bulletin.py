"""Bulletin, a made-up chat of plain texts with choices under them; docs/channels/write-one.md goes through this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from cards import tree
from channels import model
from channels.simple import Simple, plainly, verify
from channels.wire import Body, Source, json_object, read
from gateway.errors import Unreadable

LIMITS = model.Limits(
    text=500, title=80, button_label=40, button_data=2_000, buttons=5, blocks=30, bytes=40_000, form_fields=10,
    room_rate=2, total_rate=20, deadline=3, editable_for=None, idempotent=True,
)  # fmt: skip


class Config(BaseModel, extra="forbid"):
    url: str
    team: str
    secret: SecretStr


class _Told(Body):
    id: str
    kind: str
    room: str
    user: str
    guest: bool = False
    message: str = ""
    text: str = ""
    choice: tuple[str, str] = ("", "")
    at: int


def parse(source: Source, payload: Mapping[str, Any]) -> tuple[model.Event, ...]:
    told = read(_Told, payload)
    where = model.Place(source.channel, told.room)
    head = (f"{source.channel}:{told.id}", where, _sender(source.channel, source.scope, told.user, told.guest))
    message = model.MessageRef(where, told.message)
    if told.kind == "said":
        return (model.Said(*head, message, told.text, told.at),)
    if told.kind == "pressed":
        return (model.Pressed(*head, *told.choice, told.at, message),)
    if told.kind in ("came", "went"):
        return ((model.Joined if told.kind == "came" else model.Left)(*head, told.at),)
    raise Unreadable("a kind of event that is not known")


def _sender(channel: str, team: str, user: str, guest: bool) -> model.Sender:
    return model.Sender(model.ImId(channel, team, "user", user), user, "guest" if guest else "member")


def draw(card: tree.Card) -> dict[str, Any]:
    text, buttons = plainly(card, LIMITS)
    return {"text": text, "choices": [{"label": each.label, "choice": [each.action, each.data]} for each in buttons]}


class Channel(Simple):
    limits = LIMITS

    async def receive(self, request: model.Inbound) -> model.Reply:
        at, mac = request.headers.get("x-bulletin-at", ""), request.headers.get("x-bulletin-mac", "")
        verify(self.config.secret.get_secret_value(), at, mac, request)
        return model.Reply(parse(Source(self.name, self.config.team, self.clock()), json_object(request.body)))

    async def send(self, place: model.Place, card: tree.Card, *, once: str) -> model.MessageRef:
        made = await self.call("POST", f"{self.config.url}/rooms/{place.room}/messages", {**draw(card), "once": once})
        return model.MessageRef(place, str(made["id"]))

    async def edit(self, message: model.MessageRef, card: tree.Card) -> None:  # an ability, like what follows
        await self.call("PUT", f"{self.config.url}/messages/{message.id}", draw(card))

    async def members(self, place: model.Place) -> model.Roster:
        found = (await self.call("GET", f"{self.config.url}/rooms/{place.room}"))["members"]
        people = tuple(_sender(self.name, self.config.team, each["user"], each["guest"]) for each in found)
        return model.Roster(people, complete=True, at=self.clock())
