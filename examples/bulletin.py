"""Bulletin, a made-up chat of plain texts with choices under them; docs/channels/write-one.md goes through this."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import aiohttp
from pydantic import BaseModel, SecretStr

from cards import tree
from cards.fit import fit
from cards.inert import inert
from channels import model
from channels.wire import TIRED, Body, Source, json_object, read, settle, wall_clock
from gateway.errors import Refused, Rejected, Retry, Unreadable

LIMITS = model.Limits(
    text=500, title=80, button_label=40, button_data=2_000, buttons=5, blocks=30, bytes=40_000, form_fields=10,
    room_rate=2, total_rate=20, deadline=3, editable_for=0,
)  # fmt: skip


class Config(BaseModel):
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
    events: dict[str, Callable[[], model.Event]] = {
        "said": lambda: model.Said(*head, message, told.text, told.at),
        "pressed": lambda: model.Pressed(*head, *told.choice, told.at, message),
        "came": lambda: model.Joined(*head, told.at),
        "went": lambda: model.Left(*head, told.at),
    }
    if told.kind not in events:
        raise Unreadable("a kind of event that is not known")
    return (events[told.kind](),)


def _sender(channel: str, team: str, user: str, guest: bool) -> model.Sender:
    return model.Sender(model.ImId(channel, team, "user", user), user, "guest" if guest else "member")


def draw(card: tree.Card) -> dict[str, Any]:
    blocks = fit(card, text=500, title=80, button_label=40, blocks=30, buttons=5, form_fields=10).blocks
    lines = [inert(text, limit=500, lines=False) for text in map(_words, blocks) if text]
    buttons = [each for block in blocks for each in _buttons(block)][:5]
    choices = [
        {"label": inert(each.label, limit=40, lines=False), "choice": [each.action, each.data]} for each in buttons
    ]
    return {"text": "\n".join(lines), "choices": choices}


def _words(block: tree.Block) -> str:
    if isinstance(block, tree.Form | tree.Actions):
        return ""
    parts = block.columns if isinstance(block, tree.Columns) else (block,)
    told = (getattr(part, each.name) for part in parts for each in fields(part) if each.name not in ("tone", "level"))
    return " ".join(text for text in told if isinstance(text, str) and text)


def _buttons(block: tree.Block) -> tuple[tree.Button, ...]:
    if isinstance(block, tree.Actions):
        return block.buttons
    parts = block.columns if isinstance(block, tree.Columns) else (block,) if isinstance(block, tree.Row) else ()
    return tuple(part.button for part in parts if part.button is not None)


class Channel:
    limits = LIMITS

    def __init__(self, name: str, config: Config, *, session: aiohttp.ClientSession, clock: Callable[[], int]) -> None:
        self.name, self._config, self._session, self._clock = name, config, session, clock

    async def receive(self, request: model.Inbound) -> model.Reply:
        at, mac = request.headers.get("x-bulletin-at", ""), request.headers.get("x-bulletin-mac", "")
        signed = hmac.new(self._config.secret.get_secret_value().encode(), f"{at}.".encode() + request.body, "sha256")
        fresh = at.isdecimal() and abs(int(at[:12]) - wall_clock() // 1000) <= 300
        if not hmac.compare_digest(signed.hexdigest().encode(), mac.encode("utf-8", "replace")) or not fresh:
            raise Rejected("the MAC is missing, wrong or too old")
        return model.Reply(parse(Source(self.name, self._config.team, self._clock()), json_object(request.body)))

    async def send(self, place: model.Place, card: tree.Card, *, once: str) -> model.MessageRef:
        made = await self._call("POST", f"/rooms/{place.room}/messages", {**draw(card), "once": once})
        return model.MessageRef(place, str(made["id"]))

    async def members(
        self, place: model.Place
    ) -> model.Roster:  # without it nobody is sure who reads, and cards are bare
        found = (await self._call("GET", f"/rooms/{place.room}", None))["members"]
        people = tuple(_sender(self.name, self._config.team, each["user"], each["guest"]) for each in found)
        return model.Roster(people, complete=True, at=self._clock())

    async def close(self) -> None:
        return None

    async def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            async with self._session.request(method, self._config.url + path, json=body) as response:
                settle(response.status, response.headers, self._clock(), lambda status: Refused(f"refused: {status}"))
                return json_object(await response.read())
        except (aiohttp.ClientError, TimeoutError, Unreadable) as fault:
            raise Retry(TIRED, type(fault).__name__) from fault


_: tuple[type[model.Channel], type[model.Members]] = (Channel, Channel)
