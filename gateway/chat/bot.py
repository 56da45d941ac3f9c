"""What the gateway does in the chat: posts and repaints cards, whispers, reads who is in a room, opens forms."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gateway.chat.bell import Bell, Windows
from gateway.chat.company import direct_room
from gateway.chat.model import BOT, ChatPerson, ChatRoom, Declined, Entry, Json
from gateway.chat.wire import token
from gateway.store.chat import ChatStore, ChatTx

T = TypeVar("T")
TRIGGER_LIFE = 180.0


@dataclass(frozen=True, slots=True)
class Trigger:
    person: str
    window: str
    room: str
    message: str
    until: float


class Bot:
    def __init__(self, store: ChatStore, bell: Bell, windows: Windows, now: Callable[[], int]) -> None:
        self._store = store
        self._bell = bell
        self._windows = windows
        self._now = now
        self._triggers: dict[str, Trigger] = {}

    async def post(self, room: str, thread: str, card: Json, once: str, to: str = "") -> str:
        """The message's id; the same `once` again answers the same id and posts nothing."""

        def work(tx: ChatTx) -> str:
            _room(tx, room)
            if to and to not in tx.members(room):
                raise Declined(404, "not_a_member", "That person is not in the room.")
            before = tx.by_once(once)
            if before is not None:
                return before.id
            entry = Entry(token(), room, BOT, "card", self._now(), card=card, only=to, thread=thread)
            tx.add(entry, once)
            tx.changed("message", room, entry.id, to)
            return entry.id

        return await self._ringing(work)

    async def repaint(self, id: str, card: Json) -> None:
        await self._ringing(lambda tx: _put(tx, _card(tx, id), card=card))

    async def remove(self, id: str) -> None:
        await self._ringing(lambda tx: _put(tx, _card(tx, id), card=None, deleted=True))

    async def roster(self, room: str) -> Json:
        """Everyone who can read the room; the bot itself is not told to itself."""

        def work(tx: ChatTx) -> tuple[ChatRoom, list[ChatPerson]]:
            there = tx.members(room)
            return _room(tx, room), [person for person in tx.persons() if person.id in there]

        found, people = await self._store.run(work)
        members = [{"id": person.id, "name": person.name, "kind": person.kind} for person in people]
        about = {"title": found.title, "kind": found.kind, "external": found.external, "complete": True}
        return {**about, "members": members}

    async def direct(self, to: str) -> str:
        def work(tx: ChatTx) -> str:
            if tx.person(to) is None:
                raise Declined(404, "unknown_person", "Nobody here has this id.")
            return direct_room(to)

        return await self._store.run(work)

    def trigger(self, person: str, window: str, room: str, message: str) -> str:
        """A short-lived permission to open one form in front of `person`. Kept in memory alone."""
        moment = time.monotonic()
        self._triggers = {key: held for key, held in self._triggers.items() if held.until > moment}
        key = token()
        self._triggers[key] = Trigger(person, window, room, message, moment + TRIGGER_LIFE)
        return key

    async def open_form(self, trigger: str, card: Json) -> None:
        held = self._triggers.pop(trigger, None)
        if held is None or held.until <= time.monotonic():
            raise Declined(410, "trigger_over", "This trigger is used or older than three minutes; press again.")
        form = {"card": card, "room": held.room, "message": held.message}
        if not self._windows.put(held.person, held.window, form):
            raise Declined(409, "nobody_looks", "The person has closed the chat.")

    async def _ringing(self, work: Callable[[ChatTx], T]) -> T:
        result = await self._store.run(work)
        self._bell.ring()
        return result


def _room(tx: ChatTx, id: str) -> ChatRoom:
    room = tx.room(id)
    if room is None:
        raise Declined(404, "unknown_room", "There is no room of this id.")
    return room


def _card(tx: ChatTx, id: str) -> Entry:
    entry = tx.entry(id)
    if entry is None or entry.kind != "card" or entry.deleted:
        raise Declined(404, "unknown_message", "There is no card of this id.")
    return entry


def _put(tx: ChatTx, entry: Entry, **changes: Any) -> None:
    new = replace(entry, **changes)
    if new != entry:
        tx.save(new)
        tx.changed("message", entry.room, entry.id, entry.only)
