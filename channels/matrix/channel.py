"""Matrix' side of the protocols: post, repaint, take away, whisper in a room of two, ask who is there.

An edit in Matrix hides nothing: whoever can read the room's past, and so whoever joins later, can ask for each version
of a message. So a card is an edit of an empty message, and whenever it is painted again the edit before is redacted:
one version can be read at any time.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from typing import Literal

import aiohttp

from cards import tree
from channels import model
from channels.doctor import Doctor, Finding
from channels.keeper import Keeper, Keeps
from channels.matrix import doctor, powers
from channels.matrix.calls import Calls, Json, Unknown, path
from channels.matrix.cards import KEY, LIMITS, draw, summary
from channels.matrix.config import Config
from channels.matrix.listen import Listener
from channels.matrix.members import Members
from channels.misread import Misreads
from channels.ranks import Ranks, What
from channels.wire import wall_clock
from gateway.errors import Gone, Refused, Rejected

KEPT_MS = 400 * 86_400_000
"""For longer than a card is kept up to date."""
ASK_MS = 60_000
_WAITS = "…"
"""What a card is before it is painted, and to whoever may not read it any more."""


class Channel:
    """Both clocks give milliseconds since the epoch. The session is the gateway's and stays open after `close`."""

    limits = LIMITS

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        session: aiohttp.ClientSession,
        clock: Callable[[], int],
        wall: Callable[[], int] = wall_clock,
    ) -> None:
        self.name = name
        self.bot = config.user
        self.scope = config.user.partition(":")[2]
        self.servers = frozenset(config.servers or (self.scope,))
        self.config = config
        self.calls = Calls(config.url, config.access_token.get_secret_value(), session, config.timeout, wall)
        self.clock = clock
        self._listener = Listener(self)
        self.misread = 0
        self._members = Members(self)
        self._keeper: Keeper | None = None
        self._rooms: dict[str, list[str]] | None = None
        self._asked = 0
        self._pairing: dict[str, asyncio.Lock] = {}

    async def receive(self, request: model.Inbound) -> model.Reply:
        raise Rejected("Matrix sends us nothing: we ask it")

    def keep_in(self, keeper: Keeper) -> None:
        self._keeper = self._listener.keeper = keeper

    async def listen(self, put: model.Put) -> None:
        await self._listener.run(put)

    async def examine(self, place: model.Place | None) -> tuple[Finding, ...]:
        return await doctor.examine(self, place)

    async def allow(self, place: model.Place, who: model.ImId, what: What) -> None:
        await powers.allow(self, place, who, what)

    async def close(self) -> None:
        return None

    # -- saying

    async def send(self, place: model.Place, card: tree.Card, *, once: str) -> model.MessageRef:
        return await self._post(place, draw(card), card, once)

    async def whisper(self, place: model.Place, to: model.ImId, card: tree.Card, *, once: str) -> model.MessageRef:
        """In the room shared with that one person. A reply to it acts where it was meant."""
        drawn = draw(card)
        if KEY in drawn:
            drawn[KEY] |= {"where": [place.room, place.thread]}
        return await self._post(await self.direct(to), drawn, card, once)

    async def _post(self, place: model.Place, drawn: Json, card: tree.Card, once: str) -> model.MessageRef:
        """Both halves bear transaction ids made of `once`: sent again, they are the same messages."""
        id_ = hashlib.sha256(once.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        stub: Json = {"msgtype": "m.notice", "body": _WAITS, "m.mentions": {}}
        if place.thread:
            reply = {"m.in_reply_to": {"event_id": place.thread}, "is_falling_back": True}
            stub["m.relates_to"] = {"rel_type": "m.thread", "event_id": place.thread, **reply}
        root = await self._begun(place, f"{id_}.0", stub)
        await self._painted(root, await self._said(place.room, f"{id_}.1", _version(root, drawn, card)))
        return model.MessageRef(place, root)

    async def _begun(self, place: model.Place, transaction: str, stub: Json) -> str:
        """A thread that is not of this room, as after an upgrade, is done without."""
        try:
            return await self._said(place.room, transaction, stub)
        except Refused as refused:
            if not place.thread or refused.facts.get("reason") != "M_UNKNOWN":
                raise
        return await self._said(place.room, transaction, {k: v for k, v in stub.items() if k != "m.relates_to"})

    async def _said(self, room: str, transaction: str, content: Json) -> str:
        answer = await self.calls.call("PUT", path("rooms", room, "send", "m.room.message", transaction), content)
        return str(answer["event_id"])

    async def edit(self, message: model.MessageRef, card: tree.Card) -> None:
        """Raises `Gone` when somebody redacted it; then no version of it is left either. Also in a room that was
        upgraded: what is said from now on is said in the new one, and as far as we may, the old card goes."""
        room, root = message.place.room, message.id
        if await self._moved_to(room):
            await self._cleared(message)
            raise Gone("The message is not there any more.")
        known = await self.calls.call("GET", path("rooms", room, "event", root))
        if _redacted(known):
            await self.clear(room, root)
            raise Gone("The message is not there any more.")
        drawn, newest = draw(card), _newest(known)
        before = _latest(known).get(KEY)
        if KEY in drawn and isinstance(before, dict) and "where" in before:
            drawn[KEY] |= {"where": before["where"]}
        if _latest(known) == drawn:  # an earlier try came so far, and only what was before it is left to be redacted
            new = str(newest["event_id"])
        else:
            new = await self._said(room, secrets.token_hex(16), _version(root, drawn, card))
        await self._redact_versions(room, root, new)
        await self._painted(root, new)

    async def delete(self, message: model.MessageRef) -> None:
        await self._redact_versions(message.place.room, message.id, "")
        await self.clear(message.place.room, message.id)
        await self._redact(message.place.room, message.id)

    async def _cleared(self, message: model.MessageRef) -> None:
        try:
            await self.delete(message)
        except Unknown:
            raise
        except Refused:  # a room that was upgraded lets only its moderators say anything
            return

    # -- rooms that were upgraded

    async def moved(self, old: str, new: str) -> None:
        """A room of two stays one of that person's."""
        for who, rooms in (await self.directs()).items():
            if old in rooms:
                await self.mark_direct(who, new)
        if self._keeper is not None:
            await self._keeper.put(f"moved:{old}", new, until=self.clock() + KEPT_MS)

    async def _moved_to(self, room: str) -> str:
        return (await self._keeper.get(f"moved:{room}") or "") if self._keeper is not None else ""

    # -- what is left of a message

    async def _painted(self, root: str, version: str) -> None:
        """Once somebody else redacted the message, the server does not tell its versions any more."""
        if self._keeper is not None:
            await self._keeper.put(f"version:{root}", version, until=self.clock() + KEPT_MS)

    async def clear(self, room: str, root: str) -> None:
        """The version that is left of a message of ours, if any is."""
        left = await self._keeper.get(f"version:{root}") if self._keeper is not None else None
        if left is not None and self._keeper is not None:
            await self._redact(room, left)
            await self._keeper.drop(f"version:{root}")

    async def _redact_versions(self, room: str, root: str, but: str) -> None:
        """A redacted version relates to nothing any more: those that are told are those that can be read."""
        while True:
            to = path("rooms", room, "relations", root, "m.replace", version="v1")
            told = await self.calls.call("GET", to, query={"limit": "100"})
            old = [each["event_id"] for each in told.get("chunk", ()) if self._old(each, but)]
            for event in old:
                await self._redact(room, event)
            if not old or "next_batch" not in told:
                return

    def _old(self, event: Json, but: str) -> bool:
        return event.get("sender") == self.bot and event.get("event_id") != but

    async def _redact(self, room: str, event: str) -> None:
        # The same transaction for the same event: said twice, it is done once.
        transaction = hashlib.sha256(f"redact {event}".encode()).hexdigest()[:32]
        await self.calls.call("PUT", path("rooms", room, "redact", event, transaction), {})

    # -- rooms of two

    async def direct(self, to: model.ImId) -> model.Place:
        """Nobody else may be in it; one that somebody was brought into is never used again."""
        lock = self._pairing.setdefault(to.id, asyncio.Lock())
        async with lock:
            for room in reversed((await self.directs()).get(to.id, [])):
                if not await self._moved_to(room) and await self._alone_with(room, to.id):
                    return model.Place(self.name, room)
            return model.Place(self.name, await self._paired(to.id))

    async def directs(self, *, fresh: bool = True) -> dict[str, list[str]]:
        """By person; kept by the home server, so that every gateway and the bot's own client know them."""
        if fresh or self._rooms is None:
            self._asked = self.clock()
            try:
                told = await self.calls.call("GET", path("user", self.bot, "account_data", "m.direct"))
            except Gone:
                told = {}
            self._rooms = {who: [str(room) for room in rooms] for who, rooms in told.items() if isinstance(rooms, list)}
        return self._rooms

    async def is_direct(self, room: str) -> bool:
        """Another gateway may have made it: what is not known is asked for again once a minute."""
        if any(room in rooms for rooms in (await self.directs(fresh=False)).values()):
            return True
        fresh = self.clock() - self._asked >= ASK_MS
        return fresh and any(room in rooms for rooms in (await self.directs()).values())

    async def is_encrypted(self, room: str) -> bool:
        return await self._members.state(room, "m.room.encryption", "algorithm") is not None

    async def mark_direct(self, who: str, room: str) -> None:
        known = await self.directs()
        if room not in known.get(who, []):
            self._rooms = {**known, who: [*known.get(who, []), room]}
            await self.calls.call("PUT", path("user", self.bot, "account_data", "m.direct"), self._rooms)

    async def _alone_with(self, room: str, person: str) -> bool:
        try:
            told = await self.calls.call("GET", path("rooms", room, "members"), query={"not_membership": "leave"})
        except Refused:
            return False
        present = {each["state_key"]: each["content"].get("membership") for each in told.get("chunk", ())}
        there = {who for who, membership in present.items() if membership in ("join", "invite", "knock")}
        return there == {self.bot, person} and present[self.bot] == "join"

    async def _paired(self, person: str) -> str:
        """Whoever is in it cannot invite others."""
        powers = {"invite": 100}  # whoever made it has that, or more
        content: Json = {"preset": "private_chat", "is_direct": True, "invite": [person], "visibility": "private"}
        content |= {"power_level_content_override": powers, "creation_content": {"m.federate": self._foreign(person)}}
        content |= {"initial_state": [{"type": "m.room.guest_access", "content": {"guest_access": "forbidden"}}]}
        try:
            room = str((await self.calls.call("POST", path("createRoom"), content))["room_id"])
        except Refused as refused:
            raise Refused("This person cannot be written to directly.") from refused
        await self.mark_direct(person, room)
        return room

    def _foreign(self, person: str) -> bool:
        return person.partition(":")[2] != self.scope

    # -- who is there

    async def members(self, place: model.Place) -> model.Roster:
        return await self._members.roster(place)

    def kind(self, who: str) -> Literal["member", "guest", "outsider"]:
        return self._members.kind(who)

    # -- what the listener asks

    async def original(self, room: str, event: str) -> Json | None:
        """A message as it was sent and, under `latest`, as it reads now; None when it is not there for us."""
        try:
            known = await self.calls.call("GET", path("rooms", room, "event", event))
        except Unknown:
            raise
        except Refused:
            return None
        at = _newest(known).get("origin_server_ts", 0)
        told = {"sender": known.get("sender"), "content": known.get("content", {}), "latest": _latest(known), "at": at}
        return None if _redacted(known) else told


def _version(root: str, drawn: Json, card: tree.Card) -> Json:
    """The card as an edit of an empty message. `body` is for whoever sees no edits."""
    relates = {"rel_type": "m.replace", "event_id": root}
    said = {"msgtype": "m.notice", "body": f"* {summary(card)}", "m.mentions": {}}
    return said | {"m.new_content": drawn, "m.relates_to": relates}


def _redacted(event: Json) -> bool:
    return "redacted_because" in (event.get("unsigned") or {})


def _newest(event: Json) -> Json:
    """The newest edit of it that the server tells along, else the message itself."""
    newest = ((event.get("unsigned") or {}).get("m.relations") or {}).get("m.replace")
    return newest if isinstance(newest, dict) and isinstance(newest.get("content"), dict) else event


def _latest(event: Json) -> Json:
    content = _newest(event).get("content") or {}
    new = content.get("m.new_content")
    return new if isinstance(new, dict) else content


def _claims(channel: Channel) -> None:
    """For the type checker: what this channel can do."""
    _channel: model.Channel = channel
    _edits: model.Edits = channel
    _deletes: model.Deletes = channel
    _whispers: model.Whispers = channel
    _members: model.Members = channel
    _directs: model.Directs = channel
    _listens: model.Listens = channel
    _misreads: Misreads = channel
    _keeps: Keeps = channel
    _doctor: Doctor = channel
    _ranks: Ranks = channel
