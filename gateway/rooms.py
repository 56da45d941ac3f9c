"""Who hears what is said in a room: rosters kept fresh, audiences kept ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from weakref import WeakValueDictionary

from channels.model import Channel, ImId, Members, Place, Roster, Sender
from gateway.clock import Clock
from gateway.config.model import AudienceSpec
from gateway.errors import Refused, Retry
from gateway.outgoing.gate import Gate
from gateway.outgoing.model import Limited, Rank
from gateway.people import Identities
from gateway.store.people import PeopleStore
from gateway.store.rooms import RoomStore
from identity.audience import audience, carried
from identity.audience import joined as with_one_more
from identity.audience import left as with_one_less
from identity.model import Audience, Person

log = logging.getLogger("floatcard.rooms")

FRESH_MS = 600_000
LOOKED_MS = 540_000
"""A list by which cards are up is asked for again when it is so old: a minute is left for it to be had."""
PATIENCE_MS = 3_000
"""After a list that could not be had, before it is asked for again."""
LOOK_MS = 1_000
"""Between two looks at what other gateways were told of a room."""
LAG_MS = 60_000
"""For so long somebody who joined counts although the network's list does not have them yet."""
LATE_MS = 5_000
"""A leave that is told so late may have been overtaken by a coming back: a network tells again what was not taken."""
_NOBODY_KNOWN = Roster((), complete=False, at=0)
Looked: TypeAlias = Literal["known", "unknown"]
"""Of a list that was asked for again; `unknown`: it is not to be had."""


@dataclass(slots=True)
class _Kept:
    roster: Roster
    audience: Audience
    people: int
    by: dict[str, Sender]
    """The members of the list, by their `ImId.key`."""
    looked: int = 0


class Rooms:
    def __init__(
        self,
        store: RoomStore,
        people: PeopleStore,
        identities: Identities,
        channels: Mapping[str, Channel],
        spec: AudienceSpec,
        clock: Clock,
        gate: Gate,
    ) -> None:
        self.store = store
        self._gate = gate
        self._people = people
        self._identities = identities
        self._channels = channels
        self._spec = spec
        self._clock = clock
        self.shared = False
        """Set where other gateways hear of joins and leaves too: then what they stored is looked at."""
        self.grown: set[str] = set()
        """Rooms whose list has somebody whom no event told of: what is up there is to be drawn again."""
        self._kept: dict[str, _Kept] = {}
        self._came: dict[str, dict[str, tuple[Sender, int]]] = {}
        self._tired: dict[str, int] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def audience(self, place: Place) -> Audience:
        """Everyone who can read the room now. What is not surely known counts as an outsider."""
        return (await self._known(place)).audience

    async def roster(self, place: Place) -> Roster:
        return (await self._known(place)).roster

    async def standing(self, place: Place, who: Sender) -> Sender:
        """A sender of whom the event does not say whether it is a guest, as the room's list has it."""
        return await self.listed(place, who.id, who.name) if who.kind == "unknown" else who

    async def listed(self, place: Place, id_: ImId, name: str = "") -> Sender:
        """As the room lists them now; who is not surely listed has no rights, whoever the account is linked to."""
        found = (await self._known(place)).by.get(id_.key)
        return _surely(found if found is not None else Sender(id_, name, "unknown"))

    async def _known(self, place: Place) -> _Kept:
        """From memory while it is fresh; else one asks the network, and whoever else wants to know waits."""
        async with self._lock(place.room_key):
            kept = self._kept.get(place.room_key)
            if kept is None or self._clock.now() - kept.roster.at >= FRESH_MS:
                return await self._keep(place, await self._asked(place))
            if self.shared and self._clock.now() - kept.looked >= LOOK_MS:
                kept.looked = self._clock.now()
                stored = await self.store.roster(place.room_key)
                if stored is not None and _about(stored) != _about(kept.roster):
                    if _more(kept.roster, stored):  # what was drawn since by the list from before shows too much
                        self.grown.add(place.room_key)
                    return await self._keep(place, stored)
            if kept.people != self._people.version:
                return await self._keep(place, kept.roster)
            return kept

    def _lock(self, room_key: str) -> asyncio.Lock:
        lock = self._locks.get(room_key)
        if lock is None:
            lock = self._locks[room_key] = asyncio.Lock()
        return lock

    async def joined(self, place: Place, who: Sender, person: Person | None) -> None:
        """Counts the newcomer at once, whatever the network's list says for now."""
        if who.kind == "unknown":  # nobody's rights until the list, asked again, says what they are here
            who, person = _surely(who), None
            self._kept.pop(place.room_key, None)
        self._comes(place.room_key, who)
        kept = self._kept.get(place.room_key)
        if kept is not None and who.id.key not in kept.by:
            kept.by[who.id.key] = who
            kept.roster = replace(kept.roster, members=(*kept.roster.members, who))
            kept.audience = with_one_more(kept.audience, who, person)
        await self.store.join(place.room_key, who)

    async def left(self, place: Place, who: Sender, person: Person | None = None, *, at: int | None = None) -> None:
        """One of ours is taken off what was counted; after anybody else left, the list is asked for again. `at` (ms) is
        when they did. Of a leave that is told late nobody knows whether they are back: they count until a list says."""
        if at is not None and self._is_late(place, who, at):
            self._doubt_since(place.room_key, at)
            return
        self._came.get(place.room_key, {}).pop(who.id.key, None)
        kept = self._kept.get(place.room_key)
        listed = kept.by.get(who.id.key) if kept is not None else None
        counted = person is not None and kept is not None and person.id in kept.audience.persons
        if kept is not None and listed is not None and listed.kind == "member" and counted:
            del kept.by[who.id.key]
            kept.roster = replace(kept.roster, members=tuple(kept.by.values()))
            kept.audience = with_one_less(kept.audience, listed, person)
        else:
            self._kept.pop(place.room_key, None)
        await self.store.leave(place.room_key, who.id.key)

    def _is_late(self, place: Place, who: Sender, at: int) -> bool:
        if not isinstance(self._channels[place.channel], Members):
            return False
        _, came = self._came.get(place.room_key, {}).get(who.id.key, (who, at))
        return came > at or self._clock.now() - at > LATE_MS

    def _doubt_since(self, room_key: str, at: int) -> None:
        """The list is asked for again, unless it is from after that time. What is stored stands until then: should the
        network not answer, and for other gateways."""
        kept = self._kept.get(room_key)
        if kept is not None and kept.roster.at - at <= LATE_MS:
            del self._kept[room_key]

    async def look(self, place: Place) -> Looked:
        """Asks for a list before it is too old to be believed, where cards are up that were drawn by it. Raises
        `Limited` while the network's rate has no room for that."""
        key = place.room_key
        async with self._lock(key):
            kept = self._kept.get(key)
            before = kept.roster if kept is not None else await self.store.roster(key)
            if before is not None and self._clock.now() - before.at < LOOKED_MS:
                return "known"
            told = await self._fetch(place, Rank.REPAINT)
            if told is None:
                return "unknown"
            roster = self._whole(key, told)
            await self._stored(key, before, roster)
            await self._keep(place, roster)
            return "known"

    def doubt(self, room_key: str) -> None:
        """Whoever wants to know it next looks at what other gateways were told of the room."""
        if (kept := self._kept.get(room_key)) is not None:
            kept.looked = 0

    def forget(self, place: Place) -> None:
        """What this process knows of it; it is asked for again."""
        self._kept.pop(place.room_key, None)
        self._came.pop(place.room_key, None)

    async def _asked(self, place: Place) -> Roster:
        """The network's list, with who came while it was on its way; else the last one known, as old as it is."""
        key = place.room_key
        told = await self._fetch(place) if self._clock.now() >= self._tired.get(key, 0) else None
        if told is None:
            return self._whole(key, await self.store.roster(key) or _NOBODY_KNOWN)
        kept, roster = self._kept.get(key), self._whole(key, told)
        await self._stored(key, kept.roster if kept is not None else await self.store.roster(key), roster)
        return roster

    async def _stored(self, key: str, before: Roster | None, roster: Roster) -> None:
        """First it is noted who came, then stored: whoever reads the store by then knows of them. What was drawn again
        before it was stored may not show it: it is noted once more."""
        noted = {key} if before is not None and _more(before, roster) else set[str]()
        self.grown |= noted
        if before is not None and _about(before) == _about(roster):
            await self.store.seen(key, roster.at)
        else:
            await self.store.keep(key, roster)
        self.grown |= noted

    def _whole(self, key: str, roster: Roster) -> Roster:
        there = {member.id.key for member in roster.members}
        came = self._came.get(key, {})
        for im, (_, at) in list(came.items()):
            if im in there or self._clock.now() - at > LAG_MS:
                del came[im]
        return replace(roster, members=(*roster.members, *(who for who, _ in came.values())))

    async def _fetch(self, place: Place, rank: Rank = Rank.CARD) -> Roster | None:
        """The network's own list; None when it has none to give or does not answer. A card that waits makes do without
        when our own limits are reached; whoever only looks again hears of it."""
        channel = self._channels[place.channel]
        if not isinstance(channel, Members):
            return None
        try:
            return await self._gate.run(place.channel, "members", place.room, rank, lambda: channel.members(place))
        except (Retry, Refused) as failed:
            if isinstance(failed, Limited) and rank is Rank.REPAINT:
                raise
            log.warning(
                "a member list could not be read", extra={"channel": place.channel, "why": type(failed).__name__}
            )
            self._tired[place.room_key] = self._clock.now() + PATIENCE_MS
            return None

    async def _keep(self, place: Place, roster: Roster) -> _Kept:
        version = self._people.version
        persons = await self._identities.everyone(roster)
        computed = await asyncio.to_thread(
            audience,
            replace(roster, members=tuple(_surely(member) for member in roster.members)),
            persons,
            now=self._clock.now(),
            exempt_bots=frozenset(self._spec.exempt_bots),
            public_channel_audience=self._spec.public_channel_audience,
            max_age=FRESH_MS,
        )
        # Who came while their accounts were looked up counts too.
        late = [who for who, _ in self._came.get(place.room_key, {}).values() if who not in roster.members]
        for who in late:
            computed = with_one_more(computed, who, self._people.linked("im", who.id.key))
        computed = carried(computed, place.channel)
        whole = replace(roster, members=(*roster.members, *late))
        made = _Kept(whole, computed, version, {member.id.key: member for member in whole.members})
        self._kept.pop(place.room_key, None)
        self._kept[place.room_key] = made
        self._let_go()
        return made

    def _let_go(self) -> None:
        """Of the rooms that were looked at longest ago: a list so old is asked for again in any case."""
        now = self._clock.now()
        while (key := next(iter(self._kept))) and now - self._kept[key].roster.at >= FRESH_MS and len(self._kept) > 1:
            del self._kept[key]
            if now >= self._tired.get(key, 0):
                self._tired.pop(key, None)
        self._let_go_of_who_came()

    def _comes(self, key: str, who: Sender) -> None:
        """Rooms, and who came into each, stand in the order in which somebody came last."""
        came, now = self._came.pop(key, {}), self._clock.now()
        came.pop(who.id.key, None)
        came[who.id.key], self._came[key] = (who, now), came
        while now - came[longest := next(iter(came))][1] > LAG_MS:
            del came[longest]
        self._let_go_of_who_came()

    def _let_go_of_who_came(self) -> None:
        """Also where nothing is ever drawn: every list has them by now."""
        now = self._clock.now()
        while key := next(iter(self._came), ""):
            if (last := next(reversed(self._came[key].values()), None)) is not None and now - last[1] <= LAG_MS:
                return
            del self._came[key]


def _surely(who: Sender) -> Sender:
    """Of whom the network does not say what they are counts as from outside, whoever the account is linked to."""
    return replace(who, kind="outsider") if who.kind == "unknown" else who


def _about(roster: Roster) -> tuple[object, ...]:
    """What tells two lists apart, but for when they were read."""
    return (set(roster.members), roster.complete, roster.external, roster.kind)


def _more(before: Roster, after: Roster) -> bool:
    """Whether anybody is there who was not, or was as another; who only left takes nothing away from a card."""
    there = {(each.id.key, each.kind) for each in before.members}
    if any((each.id.key, each.kind) not in there for each in after.members):
        return True
    return (before.complete, before.external, before.kind) != (after.complete, after.external, after.kind)
