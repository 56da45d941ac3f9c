"""Who is in a room, and what each of them is: by their home server, since names are anybody's to choose."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from channels import model
from channels.matrix.calls import path
from gateway.errors import Gone, Refused

if TYPE_CHECKING:
    from channels.matrix.channel import Channel


class Members:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def roster(self, place: model.Place) -> model.Roster:
        people = await self._people(place.room)
        joining = await self.state(place.room, "m.room.join_rules", "join_rule")
        visible = await self.state(place.room, "m.room.history_visibility", "history_visibility")
        anybody = joining == "public" and not self._channel.config.closed
        if anybody:
            anybody = await self.state(place.room, "m.room.create", "m.federate") is not False
        title = str(await self.state(place.room, "m.room.name", "name") or "")
        kind: Literal["group", "direct", "public"] = "group"
        if joining in ("public", "restricted", "knock_restricted"):  # restricted: to whoever is in some other room
            kind = "public"
        elif len(people) == 1 and await self._channel.is_direct(place.room):
            kind = "direct"
        open_ = visible == "world_readable"
        return model.Roster(people, not open_, self._channel.clock(), title, kind, anybody or open_)

    async def _people(self, room: str) -> tuple[model.Sender, ...]:
        """Without ourselves: we read nothing out of turn."""
        told = (await self._channel.calls.call("GET", path("rooms", room, "joined_members"))).get("joined")
        if not isinstance(told, dict):
            raise Refused("The room is not there any more, or the bot is not in it.")
        named = {who: str((about or {}).get("display_name") or "") for who, about in told.items()}
        return tuple(self._sender(who, name) for who, name in named.items() if who != self._channel.bot)

    async def state(self, room: str, type_: str, key: str) -> Any:
        """None where the room has no such state."""
        try:
            return (await self._channel.calls.call("GET", path("rooms", room, "state", type_))).get(key)
        except Gone:
            return None

    def _sender(self, who: str, name: str) -> model.Sender:
        id_ = model.ImId(self._channel.name, self._channel.scope, "user", who)
        return model.Sender(id_, name or who, self.kind(who))

    def kind(self, who: str) -> Literal["member", "guest", "outsider"]:
        name, _, server = who.partition(":")
        strangers = self._channel.config.strangers
        if server not in self._channel.servers or any(fnmatchcase(who, pattern) for pattern in strangers):
            return "outsider"
        return "guest" if name[1:].isdigit() else "member"  # a server gives its guests numbers for names
