"""What a person does in the chat. Every act is durable, and on its way to the gateway, before it is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import ClientSession

from gateway.chat import wire
from gateway.chat.bell import Bell, Windows
from gateway.chat.bot import Bot
from gateway.chat.courier import Courier, Pause
from gateway.chat.model import (
    QUOTE_LIMIT,
    TEXT_LIMIT,
    ChatPerson,
    ChatRoom,
    Declined,
    Entry,
    FeedRow,
    Json,
    Page,
    RoomView,
    Sight,
    Snapshot,
    clean,
    fit,
)
from gateway.store.chat import ChatStore, ChatTx

T = TypeVar("T")


def _system_now() -> int:
    return time.time_ns() // 1_000_000


class Messenger:
    """`now` stamps messages (the demo's clock may be ahead); signatures always carry the system's time."""

    def __init__(
        self,
        store: ChatStore,
        *,
        secret: bytes,
        inbound_url: str,
        session: ClientSession,
        now: Callable[[], int] = _system_now,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._store = store
        self._secret = secret
        self._now = now
        self.bell = Bell()
        self.windows = Windows()
        self.bot = Bot(store, self.bell, self.windows, now)
        self._courier = Courier(store, self.bell, session, secret=secret, inbound_url=inbound_url, pause=pause)

    async def start(self) -> None:
        await self._store.start()
        await self._courier.start()

    async def close(self) -> None:
        await self._courier.close()
        await self._store.close()

    def now(self) -> int:
        return self._now()

    def verify(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises `Rejected` unless the gateway signed this request."""
        wire.verify(self._secret, method, target, headers, body)

    # reading
    async def snapshot(self, person: str) -> Snapshot:
        def work(tx: ChatTx) -> Snapshot:
            me = _person(tx, person)
            rooms = tuple(_view(tx, room, person) for room in tx.rooms_of(person))
            return Snapshot(me, tx.persons(), rooms, tx.latest())

        return await self._store.run(work)

    async def sight(self, person: str) -> Sight:
        def work(tx: ChatTx) -> Sight:
            me = _person(tx, person)
            came = tx.came(person) if me.role != "admin" else {}  # who is told everything
            rooms = {room.id: came.get(room.id, 0) for room in tx.rooms_of(person)}
            return Sight(rooms, inside=me.kind == "member", everything=me.role == "admin")

        return await self._store.run(work)

    async def history(self, person: str, room: str, before: int | None = None, limit: int = 50) -> Page:
        def work(tx: ChatTx) -> Page:
            _inside(tx, person, room)
            found = tx.entries(room, person, before, limit + 1)
            return Page(tuple(found[-limit:]), more=len(found) > limit)

        return await self._store.run(work)

    async def feed(self, person: str, after: int, limit: int = 500) -> list[tuple[FeedRow, Entry | None]]:
        """What changed for `person` since `after`, each with the entry as it is now."""

        def work(tx: ChatTx) -> list[tuple[FeedRow, Entry | None]]:
            return [(row, tx.entry(row.ref) if row.ref else None) for row in tx.feed(person, after, limit)]

        return await self._store.run(work)

    # saying
    async def say(self, person: str, room: str, text: object, *, quote: str = "", locale: str = "") -> Entry:
        own = fit(text)

        def work(tx: ChatTx) -> Entry:
            me, place = _inside(tx, person, room)
            full, quotes = _quoting(tx, person, room, quote, own)
            entry = tx.add(Entry(wire.token(), room, person, "text", self._now(), full, quotes))
            event = wire.said(entry, me, locale, place.kind == "direct")
            return self._tell(tx, entry, event)

        return await self._told(room, work)

    async def edit(self, person: str, message: str, text: object, *, locale: str = "") -> Entry:
        own = fit(text)

        def work(tx: ChatTx) -> Entry:
            entry = _mine(tx, person, message)
            me, place = _inside(tx, person, entry.room)
            if own == entry.own_text:
                return entry
            full = entry.text.removesuffix(entry.own_text) + own
            new = replace(entry, text=full, edited_at=self._now())
            return self._tell(tx, new, wire.edited(new, me, locale, place.kind == "direct"))

        return await self._told_of(message, work)

    async def delete(self, person: str, message: str, *, locale: str = "") -> Entry:
        def work(tx: ChatTx) -> Entry:
            entry = _mine(tx, person, message)
            me, _ = _inside(tx, person, entry.room)
            event = wire.event("message_deleted", entry.room, me, self._now(), locale, message=entry.id)
            return self._tell(tx, replace(entry, text="", quotes=(), deleted=True), event)

        return await self._told_of(message, work)

    # coming and going
    async def invite(self, by: str, room: str, person: str, *, locale: str = "") -> Entry:
        def work(tx: ChatTx) -> Entry:
            _group(_inside(tx, by, room)[1])
            them = _person(tx, person)
            if person in tx.members(room):
                raise Declined(409, "already_there", "They are in the room already.")
            tx.add_member(room, person)
            return self._moved(tx, "joined", room, them, by, locale)

        return await self._told(room, work)

    async def remove(self, by: str, room: str, person: str, *, locale: str = "") -> Entry:
        def work(tx: ChatTx) -> Entry:
            _group(_inside(tx, by, room)[1])
            them = _person(tx, person)
            if person not in tx.members(room):
                raise Declined(409, "not_there", "They are not in the room.")
            tx.drop_member(room, person)
            return self._moved(tx, "left", room, them, by, locale)

        return await self._told(room, work)

    def _moved(self, tx: ChatTx, kind: Any, room: str, them: ChatPerson, by: str, locale: str) -> Entry:
        entry = tx.add(Entry(wire.token(), room, them.id, kind, self._now(), by=by))
        for someone in {*tx.members(room), them.id}:
            tx.changed("rooms", only=someone)
        return self._tell(tx, entry, wire.event(kind, room, them, entry.at, locale))

    # pressing
    async def press(
        self, person: str, room: str, *, message: str, action: str, data: str, window: str = "", locale: str = ""
    ) -> Json:
        me = await self._store.run(lambda tx: _before(tx, person, room, message))
        trigger = self.bot.trigger(person, window, room, message)
        more = {"message": message, "action": action, "data": data, "trigger": trigger}
        return await self._courier.ask(wire.event("button", room, me, self._now(), locale, **more))

    async def submit(
        self,
        person: str,
        room: str,
        *,
        message: str,
        data: str,
        values: Mapping[str, str],
        tokens: Mapping[str, str],
        locale: str = "",
    ) -> Json:
        me = await self._store.run(lambda tx: _before(tx, person, room, message))
        typed = {name: clean(value) for name, value in values.items()}
        more = {"message": message, "data": data, "values": typed, "tokens": dict(tokens)}
        return await self._courier.ask(wire.event("form", room, me, self._now(), locale, **more))

    async def announce_clock(self) -> None:
        await self._store.run(lambda tx: tx.changed("clock"))
        self.bell.ring()

    def _tell(self, tx: ChatTx, entry: Entry, event: Json) -> Entry:
        tx.save(entry)
        tx.changed("message", entry.room, entry.id)
        tx.enqueue(entry.room, wire.dumps(event).decode(), entry.id)
        return entry

    async def _told(self, room: str, work: Callable[[ChatTx], T]) -> T:
        result = await self._store.run(work)
        self.bell.ring()
        self._courier.wake(room)
        return result

    async def _told_of(self, message: str, work: Callable[[ChatTx], Entry]) -> Entry:
        entry = await self._store.run(work)
        self.bell.ring()
        self._courier.wake(entry.room)
        return entry


def _person(tx: ChatTx, id: str) -> ChatPerson:
    found = tx.person(id)
    if found is None:
        raise Declined(404, "unknown_person", "Nobody here has this id; choose somebody from the list.")
    return found


def _inside(tx: ChatTx, person: str, room: str) -> tuple[ChatPerson, ChatRoom]:
    me, place = _person(tx, person), tx.room(room)
    if place is None:
        raise Declined(404, "unknown_room", "There is no room of this id; choose one from the list.")
    if person not in tx.members(room):
        raise Declined(403, "not_a_member", "You are not in this room; ask somebody inside to invite you.")
    return me, place


def _group(room: ChatRoom) -> None:
    if room.kind == "direct":
        raise Declined(409, "direct_room", "A direct conversation stays between the two of you.")


def _mine(tx: ChatTx, person: str, message: str) -> Entry:
    entry = tx.entry(message)
    if entry is None or entry.kind != "text" or entry.deleted:
        raise Declined(404, "unknown_message", "This message is not there any more.")
    if entry.author != person:
        raise Declined(403, "not_yours", "Only its author can change a message.")
    return entry


def _readable(tx: ChatTx, person: str, room: str, message: str) -> Entry:
    entry = tx.entry(message)
    if entry is None or entry.deleted or entry.room != room or entry.only not in ("", person):
        raise Declined(404, "unknown_message", "This message is not there any more.")
    return entry


def _before(tx: ChatTx, person: str, room: str, message: str) -> ChatPerson:
    me, _ = _inside(tx, person, room)
    if message:
        _readable(tx, person, room, message)
    return me


def _quoting(tx: ChatTx, person: str, room: str, quote: str, own: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    if not quote:
        return own, ()
    quoted = _readable(tx, person, room, quote)
    if quoted.kind != "text":  # a card shrinks when somebody joins; a quotation of it never would
        raise Declined(400, "not_quotable", "Only what a person wrote can be quoted.")
    said = quoted.own_text
    said = clean(said if len(said) <= QUOTE_LIMIT else said[: QUOTE_LIMIT - 1] + "…")
    if len(said) + 1 + len(own) > TEXT_LIMIT:
        raise Declined(400, "too_long", f"With the quotation a message has at most {TEXT_LIMIT:,} characters.")
    return f"{said}\n{own}", ((0, len(said)),)


def _view(tx: ChatTx, room: ChatRoom, person: str) -> RoomView:
    last = tx.entries(room.id, person, None, 1)
    return RoomView(room, tx.members(room.id), last[-1].seq if last else 0, last[-1] if last else None)
