"""Who is in a room. Telegram lists no members: the list is put together and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from telegram import ChatFullInfo, ChatMember, ChatMemberRestricted, User
from telegram.error import ChatMigrated

from channels import model
from channels.keeper import Keeper
from channels.telegram.calls import Quiet, asked
from channels.telegram.events import THERE
from gateway.errors import Refused

LOOKUPS = 200
"""People looked up for one list; in a larger room it stays incomplete, and what is shown there stays little."""
AT_ONCE = 8
REMEMBERED = 20_000
KNOWN_MS = 300_000


@dataclass(slots=True)
class Members:
    name: str
    scope: str
    bot: Quiet
    clock: Callable[[], int]
    keeper: Keeper | None = None
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    """Rooms and people noted in this process, and when (ms): for a while they are not noted again. Another gateway may
    have heard that they left, and this one that they are back."""

    async def note(self, events: Iterable[model.Event]) -> None:
        """Whoever is seen in a room is asked about when its list is wanted."""
        for event in events:
            room, who = event.where.room, event.who.id
            if isinstance(event, model.Moved):
                await self._forget(room, event.to.room)
                continue
            if isinstance(event, model.Left) and event.ourselves:
                await self._forget(room)
            if self.keeper is None or not room.startswith("-") or who.kind != "user" or who.id == self.scope:
                continue
            if isinstance(event, model.Left):
                self.known.pop((room, who.id), None)
                await self.keeper.drop(_seen(room, who.id))
            elif isinstance(event, model.Joined) or not self._noted((room, who.id)):
                await self.keeper.put(_seen(room, who.id), "")
                self._remember((room, who.id))

    async def _forget(self, room: str, moved: str = "") -> None:
        """Whom we met in a room that is not ours any more; where it has another id, they are known there."""
        for key in await self.keeper.keys(_seen(room, "")) if self.keeper is not None else ():
            if moved and self.keeper is not None:
                await self.keeper.put(_seen(moved, key.rpartition("/")[2]), "")
            if self.keeper is not None:
                await self.keeper.drop(key)
        self.known = {each: at for each, at in self.known.items() if each[0] != room}

    def _noted(self, both: tuple[str, str]) -> bool:
        return self.clock() - self.known.get(both, 0) < KNOWN_MS

    def _remember(self, both: tuple[str, str]) -> None:
        if len(self.known) >= REMEMBERED:
            self.known.clear()
        self.known[both] = self.clock()

    async def roster(self, place: model.Place) -> model.Roster:
        try:
            return await self._roster(int(place.room))
        except ChatMigrated as moved:
            return await self._roster(moved.new_chat_id)

    async def _roster(self, room: int) -> model.Roster:
        chat = await asked(lambda: self.bot.get_chat(room), direct=room > 0)
        if chat.type == chat.PRIVATE:
            only = self._sender(str(chat.id), chat.full_name or "")
            return model.Roster((only,), True, self.clock(), chat.full_name or "", "direct")
        count = await asked(lambda: self.bot.get_chat_member_count(room))
        found = await self._found(room)
        others = tuple(self._member(user) for id_, user in sorted(found.items()) if id_ != self.scope)
        # Everybody in the count was met, ourselves among them: then nobody reads here whom we do not know. Somebody
        # may have come while they were asked about, and somebody else have gone.
        complete = len(others) + 1 == count == await asked(lambda: self.bot.get_chat_member_count(room))
        return model.Roster(
            others, complete, self.clock(), chat.title or "", _kind(chat), external=_kind(chat) != "group"
        )

    async def _found(self, room: int) -> dict[str, User]:
        administrators = await asked(lambda: self.bot.get_chat_administrators(room))
        found = {str(each.user.id): each.user for each in administrators}
        prefix = _seen(str(room), "")
        seen = [key.removeprefix(prefix) for key in await self.keeper.keys(prefix)] if self.keeper is not None else []
        places = asyncio.Semaphore(AT_ONCE)

        async def look(id_: str) -> None:
            async with places:
                member = await self.there(room, int(id_))
                if member is not None:
                    found[id_] = member.user

        await asyncio.gather(*(look(id_) for id_ in [each for each in seen if each not in found][:LOOKUPS]))
        return found

    async def there(self, room: int, user: int) -> ChatMember | None:
        """Somebody whom Telegram does not want to speak of is nobody we know."""
        try:
            member = await asked(lambda: self.bot.get_chat_member(room, user))
        except Refused:
            return None
        return member if _is_there(member) else None

    def _member(self, user: User) -> model.Sender:
        who = self._sender(str(user.id), user.full_name)
        return model.Sender(who.id, who.name, "bot") if user.is_bot else who

    def _sender(self, id_: str, name: str) -> model.Sender:
        return model.Sender(model.ImId(self.name, self.scope, "user", id_), name, "account")


def _seen(room: str, id_: str) -> str:
    return f"seen/{room}/{id_}"


def _is_there(member: ChatMember) -> bool:
    status = "creator" if member.status == ChatMember.OWNER else str(member.status)
    return status in THERE or (isinstance(member, ChatMemberRestricted) and member.is_member)


def _kind(chat: ChatFullInfo) -> Literal["group", "public"]:
    """What has a public name can be read by anybody who knows it; what hangs on a channel, by the channel's readers."""
    named = chat.username or chat.active_usernames
    return "public" if named or chat.linked_chat_id or chat.location else "group"
