"""Who hears what is said in a room: rosters kept fresh, audiences kept ready."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from channels.model import Channel, Members, Place, Roster, Sender
from gateway.clock import Clock
from gateway.config.model import AudienceSpec
from gateway.errors import Refused, Retry
from gateway.people import Identities
from gateway.store.people import PeopleStore
from gateway.store.rooms import RoomStore
from identity.audience import audience
from identity.model import Audience

log = logging.getLogger("floatcard.rooms")

FRESH_MS = 600_000
_NOBODY_KNOWN = Roster((), complete=False, at=0)


@dataclass(slots=True)
class _Kept:
    roster: Roster
    audience: Audience
    people: int


class Rooms:
    def __init__(
        self,
        store: RoomStore,
        people: PeopleStore,
        identities: Identities,
        channels: Mapping[str, Channel],
        spec: AudienceSpec,
        clock: Clock,
    ) -> None:
        self.store = store
        self._people = people
        self._identities = identities
        self._channels = channels
        self._spec = spec
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def audience(self, place: Place) -> Audience:
        """Everyone who can read the room now. What is not surely known counts as an outsider."""
        kept = self._kept.get(place.room_key)
        now = self._clock.now()
        if kept is None or now - kept.roster.at >= FRESH_MS:
            roster = await self._fetch(place) or await self.store.roster(place.room_key) or _NOBODY_KNOWN
            return await self._keep(place, roster)
        if kept.people != self._people.version:
            return await self._keep(place, kept.roster)
        return kept.audience

    async def roster(self, place: Place) -> Roster:
        await self.audience(place)
        return self._kept[place.room_key].roster

    async def joined(self, place: Place, who: Sender) -> None:
        """Counts the newcomer at once, then asks the network for the whole list when next needed."""
        await self.store.join(place.room_key, who)
        kept = self._kept.pop(place.room_key, None)
        if kept is not None and all(member.id != who.id for member in kept.roster.members):
            await self._keep(place, replace(kept.roster, members=(*kept.roster.members, who)))

    async def left(self, place: Place, who: Sender) -> None:
        await self.store.leave(place.room_key, who.id.key)
        self._kept.pop(place.room_key, None)

    async def _fetch(self, place: Place) -> Roster | None:
        """The network's own list; None when it has none to give or does not answer."""
        channel = self._channels[place.channel]
        if not isinstance(channel, Members):
            return None
        try:
            roster = await channel.members(place)
        except (Retry, Refused) as failed:
            log.warning(
                "a member list could not be read", extra={"channel": place.channel, "why": type(failed).__name__}
            )
            return None
        await self.store.keep(place.room_key, roster)
        return roster

    async def _keep(self, place: Place, roster: Roster) -> Audience:
        version = self._people.version
        persons = await self._identities.everyone(roster)
        computed = audience(
            roster,
            persons,
            now=self._clock.now(),
            exempt_bots=frozenset(self._spec.exempt_bots),
            public_channel_audience=self._spec.public_channel_audience,
            max_age=FRESH_MS,
        )
        self._kept[place.room_key] = _Kept(roster, computed, version)
        return computed
