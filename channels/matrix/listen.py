"""`/sync`, one call after the other: what it tells is stored first, and only then where we stand.

What came while nobody listened is fetched; of a room that is new to us, nothing from before we were in it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from channels.keeper import Keeper
from channels.matrix import events, upgrades
from channels.matrix.calls import Json, Unknown, path
from channels.model import Deleted, Put
from channels.wire import Source
from gateway.errors import Refused, Retry, Unreadable

if TYPE_CHECKING:
    from channels.matrix.channel import Channel

log = logging.getLogger("floatcard.matrix")

HEARD: Final = ("m.room.message", "m.room.redaction", "m.room.member", upgrades.TOMBSTONE)
PAGE, PAGES = 100, 50
"""Of what a room said while nobody listened: so many events a page, and so many pages at most."""
REFUSED_S = 30.0
"""Until a server that does not take us is asked again: its admin may be mending it."""
NAMES = 10_000
STUCK_MS = 120_000
"""A server mends itself within that, or one event of it is broken."""
SINCE = "since"
FORGOTTEN: Final = ("M_UNKNOWN", "M_INVALID_PARAM", "M_UNKNOWN_POS")
"""How a server answers to a place in a stream that is not its own: it was set up anew, or is another one."""


def filter_(timeline: int = PAGE) -> str:
    nothing: Json = {"types": []}
    room = {
        "timeline": {"limit": timeline, "types": list(HEARD), "lazy_load_members": True},
        "state": {"types": ["m.room.member"], "lazy_load_members": True},
        "ephemeral": nothing,
        "account_data": nothing,
    }
    return json.dumps({"room": room, "presence": nothing, "account_data": nothing}, separators=(",", ":"))


class Listener:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._names: dict[str, str] = {}
        self._edits: dict[str, str] = {}
        """Which message an edit edits: once it is taken back, it does not say so any more."""
        self.keeper: Keeper | None = None
        self._stuck_since = 0
        """Since when (ms) what `/sync` tells cannot be read whole, though it answers."""

    async def run(self, put: Put) -> None:
        """Until it is cancelled: nothing that goes wrong ends it."""
        while True:
            try:
                await self.once(put)
            except Retry as tired:
                await asyncio.sleep(tired.after)
            except Refused as refused:
                log.warning("a network does not let us listen: %s", refused.say)
                await asyncio.sleep(REFUSED_S)
            except Exception:
                log.exception("what Matrix told could not be read")
                await asyncio.sleep(REFUSED_S)

    async def once(self, put: Put) -> None:
        """One call. Where we stand is written down when everything it told is stored."""
        since = await self.keeper.get(SINCE) if self.keeper is not None else None
        try:
            told = await self._news(since)
        except (Retry, Refused):
            self._stuck_since = 0
            raise
        rooms = told.get("rooms") or {}
        for room, invited in _entries(rooms, "invite"):
            await self._invited(room, invited)
        if since is not None:  # else it is the past
            await asyncio.gather(*(self._room(room, news, since, put) for room, news in _entries(rooms)))
        if self.keeper is not None:
            await self.keeper.put(SINCE, str(told["next_batch"]))
        self._stuck_since = 0

    async def _news(self, since: str | None) -> Json:
        if since is None:
            return await self._sync(filter_(1))
        try:
            return await self._sync(filter_(), since=since, timeout=str(int(self._channel.config.wait * 1000)))
        except Unknown:
            raise
        except Refused as refused:
            if self.keeper is None or refused.facts.get("reason") not in FORGOTTEN:
                raise
            log.warning("Matrix does not know any more where we stood: what was said meanwhile is lost")
            await self.keeper.drop(SINCE)
            raise Retry(0.1, "begun anew") from None

    async def _sync(self, filter_: str, **query: str) -> Json:
        more = self._channel.config.wait if query else 60.0  # the first may take a server long
        query |= {"filter": filter_, "set_presence": "offline"}
        return await self._channel.calls.call("GET", path("sync"), query=query, more=more)

    # -- invitations

    async def _invited(self, room: str, invited: Json) -> None:
        """From our own servers it is accepted, from others declined. What a foreign server tells beside the invitation
        is its own word and may name one of ours as whoever invites; the genuine one stands last."""
        told = invited.get("invite_state")
        state = _events(told.get("events") if isinstance(told, dict) else None)
        ours = [each for each in state if each.get("type") == "m.room.member" and self._about_us(each)]
        inviter = str(ours[-1].get("sender", "")) if ours else ""
        welcome = bool(ours) and all(self._channel.kind(str(each.get("sender", ""))) == "member" for each in ours)
        answer = path("join", room) if welcome else path("rooms", room, "leave")
        try:
            await self._channel.calls.call("POST", answer, {})
            content = ours[-1].get("content") if welcome else None
            alone = isinstance(content, dict) and content.get("is_direct") is True
            if alone and not await self._channel.is_encrypted(room):  # else nobody would be heard in it
                await self._channel.mark_direct(inviter, room)
        except Unknown:
            raise
        except Refused as refused:
            log.warning("an invitation could not be answered: %s", refused.say)

    def _about_us(self, event: Json) -> bool:
        return event.get("state_key") == self._channel.bot

    # -- a room's news

    async def _room(self, room: str, news: Json, since: str, put: Put) -> None:
        timeline = news.get("timeline") or {}
        told, state = _events(timeline.get("events")), _events((news.get("state") or {}).get("events"))
        self._hear_names([*state, *told])
        told = self._since_we_came(told)
        if timeline.get("limited") and not self._began_here(told):
            missed, whole = await self._missed(room, str(timeline.get("prev_batch", "")), since)
            # of what was too much to fetch, at least who came and who went
            told = [*([] if whole else state), *missed, *told]
        for event in told:
            await self._tell(room, event, put)

    def _began_here(self, told: Sequence[Json]) -> bool:
        return bool(told) and self._our_coming(told[0])

    def _since_we_came(self, told: list[Json]) -> list[Json]:
        """What was said before we were there is none of our business."""
        came = [at for at, event in enumerate(told) if self._our_coming(event)]
        return told[came[-1] :] if came else told

    def _our_coming(self, event: Json) -> bool:
        if event.get("type") != "m.room.member" or not self._about_us(event):
            return False
        before = ((event.get("unsigned") or {}).get("prev_content") or {}).get("membership")
        return (event.get("content") or {}).get("membership") == "join" and before != "join"

    async def _missed(self, room: str, end: str, since: str) -> tuple[list[Json], bool]:
        """In their order, and whether that is all of them."""
        found: list[Json] = []
        kinds = json.dumps({"types": list(HEARD), "lazy_load_members": True})
        for _ in range(PAGES):
            query = {"from": end, "to": since, "dir": "b", "limit": str(PAGE), "filter": kinds}
            try:
                told = await self._channel.calls.call("GET", path("rooms", room, "messages"), query=query)
            except Unknown:
                raise
            except Refused as refused:  # we were put out of it, or it is not there any more
                log.warning("what a room said before cannot be read: %s", refused.say)
                break
            chunk = _events(told.get("chunk"))
            self._hear_names([*_events(told.get("state")), *chunk])
            found += chunk
            end = str(told.get("end") or "")
            if any(self._our_coming(event) for event in chunk):
                return self._since_we_came(found[::-1]), True
            if not chunk or not end:
                return found[::-1], True
        else:
            log.warning("a room said more than is fetched while nobody listened")
        return found[::-1], False

    async def _tell(self, room: str, event: Json, put: Put) -> None:
        """One bad event never ends a room."""
        try:
            heard = await self._heard(room, event)
            told = events.parse(Source(self._channel.name, self._channel.scope, self._channel.clock()), heard)
        except Unreadable as why:
            self._channel.misread += 1
            log.warning("an event of Matrix was not understood: %s", why)
            return
        except (Retry, Refused):
            raise
        except Exception:  # ours to mend; the room's other messages do not wait for that
            log.exception("an event of Matrix could not be read")
            return
        for each in told:
            if isinstance(each, Deleted):  # perhaps of a card, by a moderator
                await self._clear(room, each.message.id)
            await _stored(put, each)

    async def _clear(self, room: str, root: str) -> None:
        """What we may not do there, or not any more, holds nothing else up."""
        try:
            await self._channel.clear(room, root)
        except Unknown:
            raise
        except Refused as refused:
            log.warning("what is left of a card cannot be taken away: %s", refused.say)

    async def _heard(self, room: str, event: Json) -> Json:
        """The event with what is needed to read it."""
        kind, content = events.name(event), event.get("content")
        other = _other(kind, content if isinstance(content, dict) else {})
        root = self._edited(kind, event, other)
        original = None
        if (other or root) and event.get("sender") != self._channel.bot:
            original = await self._original(room, other or root)
        about = str(event.get("state_key") if kind.startswith("m.room.member/") else event.get("sender"))
        if root and original is not None:
            about = str(original["sender"])
        who = {"id": about, "name": self._names.get(about, about), "kind": self._channel.kind(about)}
        bot = {"id": self._channel.bot, "names": self._bot_names()}
        direct = await self._channel.is_direct(room)
        heard = {"room_id": room, "direct": direct, "bot": bot, "who": who, "event": event, "root": root}
        if original is not None:
            return {**heard, "original": original}
        if kind == upgrades.TOMBSTONE:
            return {**heard, "moved_to": await upgrades.followed(self._channel, room, event)}
        if self._our_coming(event):
            return {**heard, "moved_from": await upgrades.predecessor(self._channel, room)}
        return heard

    async def _original(self, room: str, event: str) -> Json | None:
        """What cannot be had for long, although the server answers otherwise, is not there for us: no room waits for
        one event of another."""
        try:
            return await self._channel.original(room, event)
        except Retry as tired:
            now = self._channel.clock()
            self._stuck_since = self._stuck_since or now
            if now - self._stuck_since < STUCK_MS:
                raise
            self._channel.misread += 1
            log.warning("a message that another is about cannot be had", extra={"why": type(tired).__name__})
            return None

    def _edited(self, kind: str, event: Json, other: str) -> str:
        """The message whose edit this event takes back, if it does."""
        if kind == "m.room.message/m.replace" and other:
            self._edits[str(event.get("event_id"))] = other
            for old in list(self._edits)[: max(len(self._edits) - NAMES, 0)]:
                del self._edits[old]
        return self._edits.get(events.redacts(event), "") if kind == "m.room.redaction" else ""

    def _bot_names(self) -> list[str]:
        bot = self._channel.bot
        return [name for name in (bot[1:].partition(":")[0], self._names.get(bot, "")) if name]

    def _hear_names(self, told: Iterable[Json]) -> None:
        for event in told:
            if event.get("type") == "m.room.member" and (event.get("content") or {}).get("membership") == "join":
                name = event["content"].get("displayname")
                if isinstance(name, str) and name:
                    self._names.pop(str(event.get("state_key")), None)
                    self._names[str(event.get("state_key"))] = name[:1_000]
        for old in list(self._names)[: max(len(self._names) - NAMES, 0)]:
            del self._names[old]


def _entries(rooms: Json, *kinds: str) -> list[tuple[str, Json]]:
    """Of those we are in and those we just left or were put out of, unless other kinds are asked for."""
    told = (rooms.get(kind) or {} for kind in kinds or ("join", "leave"))
    return [(room, news) for each in told if isinstance(each, dict) for room, news in each.items() if _is_news(news)]


def _is_news(news: Any) -> bool:
    if not isinstance(news, dict):
        log.warning("a room's news of Matrix was not understood: it is none")
        return False
    return True


def _events(told: Any) -> list[Json]:
    """Those that look like events."""
    all_ = list(told or ())
    good = [each for each in all_ if isinstance(each, dict) and _is_object(each, "content", "unsigned")]
    if len(good) < len(all_):
        log.warning("an event of Matrix was not understood: it is none")
    return good


def _is_object(event: Json, *keys: str) -> bool:
    return all(isinstance(event.get(key) or {}, dict) for key in keys)


def _other(kind: str, content: dict[str, Any]) -> str:
    """The message this one is about."""
    if kind == "m.room.message/m.replace":
        return str((content.get("m.relates_to") or {}).get("event_id") or "")
    return events.replied_to(content) if kind == "m.room.message" else ""


async def _stored(put: Put, event: Any) -> None:
    """When it returns; a store that is full is asked again."""
    while True:
        try:
            await put(event)
        except Retry as tired:
            await asyncio.sleep(tired.after)
        else:
            return
