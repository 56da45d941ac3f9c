"""A value of its own in every field, list and item of one customer; and who may see which, by the definition alone.

What is permitted is worked out here from the policies, one reader after the other, without anything of `disclose`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from cards.tree import Card
from channels import registry
from channels.model import ImId, MessageRef, Place
from channels.slack.cards import unfurl
from channels.web import Channel
from crm.local.crm import LocalCrm
from crm.local.schema import contact, note, open_item, risk
from crm.local.writing import add_items
from crm.model import RecordRef
from gateway.services import Services
from identity.model import BOTTOM, Attributes, Scene, Sensitivity
from tests.channels.harness import every_channel
from tests.gateway.fake_chat import FakeChat, Json
from tests.gateway.house import HERO, SECRET, START, furnished, kind_of

GRADES: tuple[Sensitivity, ...] = ("public", "internal", "confidential", "restricted")
MARK = "u_mark"
"""Marketing's, and an employee."""

TITLE = "Zqname Medical"
_LISTED = {"note": note, "open_item": open_item, "risk": risk, "contact": contact}

FIELDS: dict[Sensitivity, str] = {
    "public": "city",
    "internal": "address",
    "confidential": "industry",
    "restricted": "description",
}
"""A field of text for each class."""
_EDITED = 'editable = true\npolicy = "ask"\n'
CHANGED = {
    "[fields.city]\n": f'[fields.city]\nsensitivity = "public"\ncard = 6\n{_EDITED}',
    "[fields.address]\n": '[fields.address]\nsensitivity = "internal"\n',
    "[fields.industry]\n": f'[fields.industry]\nsensitivity = "confidential"\ncard = 7\n{_EDITED}',
}
EXTRA = (
    f'[fields.description]\nlabel = {{ en = "About" }}\ntype = "text"\nsensitivity = "restricted"\ncard = 8\n{_EDITED}'
)
HIDING = '[sensitivity]\nname = "internal"\n'


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that stands nowhere but in one value. `part`: the field, or the list it is an item of."""

    word: str
    part: str
    grade: Sensitivity


@dataclass
class Plot:
    marks: list[Mark] = field(default_factory=list)

    def mark(self, part: str, grade: Sensitivity, about: str = "") -> str:
        word = f"zq{part.replace('_', '')}{about}{len(self.marks)}qz"
        self.marks.append(Mark(word, part, grade))
        return word

    def told(self, text: str) -> set[Mark]:
        """Also in what is written in base 64, as in a token, and whatever the case."""
        whole = "\n".join([text, *_decoded(text)]).lower()
        return {mark for mark in self.marks if mark.word.lower() in whole}


def _decoded(text: str) -> Iterator[str]:
    for found in re.findall(r"[A-Za-z0-9_\-+/]{16,}", text):
        plain = found.replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue


async def plant(crm: LocalCrm, s: Services, plot: Plot, called: Sensitivity) -> None:
    """Into the CRM, before the gateway reads it again."""
    ref = RecordRef.parse(HERO)
    for grade, name in FIELDS.items():
        await crm.set_native(ref, name, plot.mark(name, grade), "wang.min")
    plot.marks.append(Mark("zqname", "name", called))
    await crm.set_native(ref, "name", TITLE, "wang.min")
    for kind in _LISTED:
        listed = s.classes.of(kind)
        for own in OWN:
            word = plot.mark(kind, own or listed, own or "")
            await crm._writing(partial(_add, kind, own, word))
    await crm.set_native(ref, "city", plot.mark("city", "public"), "wang.min")  # touched: it is read again


OWN: tuple[Sensitivity | None, ...] = (None, "restricted")


def _add(kind: str, own: str | None, word: str, conn: Any) -> None:
    row: dict[str, object] = {
        "id": f"{kind}-{word}",
        "account": RecordRef.parse(HERO).id,
        "text": word,
        "at": START,
        "sensitivity": own,
    }
    more: dict[str, dict[str, object]] = {
        "risk": {"level": "high"},
        "contact": {"detail": {"title": word, "phone": word, "email": word}},
    }
    add_items(conn, _LISTED[kind], [{**row, **more.get(kind, {})}])


# Who may see what ------------------------------------------------------------------------------------------------


def standing(s: Services, user: str) -> tuple[Attributes, str]:
    """What a policy may know of them, and the person's id."""
    if user.startswith("p_"):
        person = s.people.person(user)
    else:
        person = s.people.linked("im", f"web/demo/user/{user}") if kind_of(user) != "guest" else None
    if person is None or not person.active:
        known = not user.startswith("p_") and user and kind_of(user) == "member" and person is None
        return (Attributes(external=False) if known else BOTTOM), ""
    return Attributes(tuple(sorted(person.roles)), person.team, person.region, person.external, mapped=True), person.id


def permitted(s: Services, readers: Iterable[str], scene: Scene, *, outside: bool = False) -> set[Sensitivity]:
    """The grades that every one of them may see of the customer, who is Li Ting's and her team's."""
    everybody = [standing(s, user) for user in readers]
    everybody += [(BOTTOM, "")] if outside else []
    now, zone = s.clock.now(), s.config.zone

    def sees(who: Attributes, id_: str, grade: Sensitivity) -> bool:
        owner = id_ == "p_liting"
        asked = s.access.permit(who, "view", grade, scene, owner=owner, team="east", region="华东", at=now, zone=zone)
        return asked.allowed

    return {grade for grade in GRADES if everybody and all(sees(who, id_, grade) for who, id_ in everybody)}


def excess(plot: Plot, text: str, grades: set[Sensitivity]) -> set[Mark]:
    """What it tells beyond these. Where the name may not be told, nothing may."""
    name = next(mark.grade for mark in plot.marks if mark.part == "name")
    return {mark for mark in plot.told(text) if mark.grade not in grades or name not in grades}


# What is sent ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """One request of the gateway's to the chat, with who could read it then."""

    path: str
    text: str
    grades: frozenset[Sensitivity]


class Watched(FakeChat):
    """Judges each request as it comes in."""

    def __init__(self) -> None:
        super().__init__(SECRET.encode())
        self.s: Services | None = None
        self.said: list[Said] = []
        furnished(self)
        self.room("d_u_mark", {MARK: ("Mark", "member")}, kind="direct")

    async def _answer(self, method: str, what: str, id_: str, body: Json, name: str) -> web.StreamResponse:
        if self.s is not None and method != "GET":
            self.said.append(Said(f"{method} {what}", str(body), frozenset(self._may(self.s, what, id_, body, name))))
        return await super()._answer(method, what, id_, body, name)

    def everywhere(self, s: Services) -> None:
        """What goes out is judged in the form of every other network too, its fallback text and its preview with it."""
        channel = s.channels["web"]
        assert isinstance(channel, Channel)
        channel.__class__ = type("Everywhere", (_Everywhere,), {"watched": self, "s": s})

    def _may(self, s: Services, what: str, id_: str, body: Json, name: str) -> set[Sensitivity]:
        to = body.get("to") or (self.messages[id_].to if id_ in self.messages else "")
        if what == "forms":
            return permitted(s, [str(body["trigger"])], "direct")
        if to:
            return permitted(s, [str(to)], "direct")
        return self.seen_in(s, name)

    def seen_in(self, s: Services, name: str) -> set[Sensitivity]:
        room = self.rooms.get(name)
        if room is None:
            return set()
        scene: Scene = "external_group" if room.external else "direct" if room.kind == "direct" else "group"
        return permitted(s, room.members, scene, outside=room.external)


class _Everywhere(Channel):
    watched: Watched
    s: Services

    def _told(self, how: str, card: Card, grades: set[Sensitivity]) -> None:
        for text in forms_of(card):
            self.watched.said.append(Said(f"{how} elsewhere", text, frozenset(grades)))

    async def send(self, place: Place, card: Card, *, once: str) -> MessageRef:
        self._told("send", card, self.watched.seen_in(self.s, place.room))
        return await super().send(place, card, once=once)

    async def edit(self, message: MessageRef, card: Card) -> None:
        room, to = message.place.room, self.watched.messages[message.id].to
        self._told("edit", card, permitted(self.s, [to], "direct") if to else self.watched.seen_in(self.s, room))
        await super().edit(message, card)

    async def whisper(self, place: Place, to: ImId, card: Card, *, once: str) -> MessageRef:
        self._told("whisper", card, permitted(self.s, [to.id], "direct"))
        return await super().whisper(place, to, card, once=once)


def forms_of(card: Card) -> Iterator[str]:
    """As each network is sent it."""
    for name in every_channel():
        yield json.dumps(registry.load(name).draw(card), default=repr, ensure_ascii=False)
    yield json.dumps(unfurl(card), ensure_ascii=False)


def still_up(chat: Watched, s: Services) -> Iterator[tuple[str, str, set[Sensitivity]]]:
    """What stands in the chat now, and what those who read it now may see."""
    for message in chat.messages.values():
        if not message.deleted:
            grades = permitted(s, [message.to], "direct") if message.to else chat.seen_in(s, message.room)
            yield f"{message.id} in {message.room} {message.to}", str(message.card), grades
