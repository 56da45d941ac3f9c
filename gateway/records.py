"""Customers as we know them: what the CRM last said, with each field's standing value out of the ledger."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crm.model import FieldValue, Record
from gateway.beside import beside
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import Retry
from gateway.joined import Joined
from gateway.mentioning.kept import make_slips, read, write
from gateway.mentioning.making import Making
from gateway.mentioning.naming import Kind, Naming
from gateway.mentioning.people import names_of
from gateway.mentioning.slips import Suggestions
from gateway.store.ledger import FieldState, Ledger
from gateway.store.mirror import MirrorStore
from gateway.store.naming import NamingStore
from gateway.store.people import PeopleStore
from mentions.index import NameIndex
from mentions.slips import MOST
from mentions.warm import warm

log = logging.getLogger("floatcard.records")

_KEPT = 20_000
SLIPS_MOVED = 1_000
"""So many customers at least change before slips are kept anew."""
LATE_MS = 60_000
"""By how much clocks may differ before a change is missed by the kept names."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A record with every configured field, and what the ledger says of each."""

    record: Record
    states: Mapping[str, FieldState]

    @property
    def writes(self) -> dict[str, FieldState]:
        """Fields whose value did not come from the CRM, and is on its way there, there, refused or disputed."""
        crm, states = self.record.ref.crm, self.states.items()
        return {name: state for name, state in states if state.write and state.system != crm}


class Records:
    def __init__(
        self,
        mirror: MirrorStore,
        ledger: Ledger,
        people: PeopleStore,
        naming: NamingStore,
        config: Config,
        clock: Clock,
        joined: Joined,
    ) -> None:
        self.joined = joined
        self.naming = Naming(naming)
        self._mirror = mirror
        self._ledger = ledger
        self._people = people
        self._config = config
        self._clock = clock
        self._kept: OrderedDict[str, Record] = OrderedDict()
        self.names = NameIndex()
        self.contacts = NameIndex()
        """Full names of contacts, each under its customer."""
        self.suggestions = Suggestions()
        self._file = Path(config.mentions.index) if config.mentions.index else None
        self._moved = False
        self._slips_due, self._slips_moved = bool(self._file), 0
        self._keeping = asyncio.Lock()
        self._rejoined: set[str] = set()
        self._rejoining = asyncio.Lock()
        self.shared = False
        """Whether other gateways read CRMs too: what one of them was told is stored here before it is known."""

    async def load(self, crms: Sequence[str]) -> int:
        """Fills the name indexes, beside the loop: from a file of kept names, else from what is stored; how many."""
        asyncio.get_running_loop().run_in_executor(None, warm)  # nobody waits for it but a first message
        await self.naming.load()
        await self.joined.follow()
        if self._file is not None and await self._load_kept(self._file):
            return len(self.names)
        self.names.mark()
        self.contacts.mark()
        with Making() as making:
            count = 0
            async for page in self._mirror.pages(crms):
                count += await asyncio.to_thread(self._add, making, page)
            names, contacts, self.suggestions = await asyncio.to_thread(making.made)
        self.names.swap(names)
        self.contacts.swap(contacts)
        self._moved = True
        return count

    def _add(self, making: Making, page: Sequence[Record]) -> int:
        """How many are customers of their own."""
        own = [record for record in page if record.ref.key not in self.joined]
        making.add((record.ref.key, self.naming.called(record), names_of(record)) for record in own)
        return len(own)

    async def _load_kept(self, file: Path) -> bool:
        kept = await asyncio.to_thread(read, file)
        if kept is None:
            return False
        self.names.swap(kept.names)
        self.contacts.swap(kept.contacts)
        if kept.slips is not None:
            self.suggestions.found(kept.slips)
        self._slips_due = self._moved = kept.slips is None
        at = kept.at
        moved = [key for key, *_ in await self._mirror.since(at - LATE_MS)]
        for key in dict.fromkeys((*moved, *self.joined, *await self.naming.since(at - LATE_MS))):
            await self._read_again(key)
        return True

    async def follow_joined(self, refresh: Callable[[str], Awaitable[None]]) -> int:
        """What was joined or parted since: heard by its names no more, or again, and its cards drawn by `refresh`; how
        many. What breaks off goes on with the next call. Of several that call at once the others wait for the first."""
        async with self._rejoining:
            return await self._follow_joined(refresh)

    async def _follow_joined(self, refresh: Callable[[str], Awaitable[None]]) -> int:
        self._rejoined |= await self.joined.follow()
        refs = sorted(self._rejoined)
        for ref in refs:
            try:
                await self._read_again(ref)
                await refresh(ref)
            except Retry:
                raise
            except Exception:  # one that cannot be read keeps nobody else
                log.exception("a record that was joined or parted could not be read")
            self._rejoined.discard(ref)
        return len(refs)

    async def _read_again(self, key: str) -> None:
        found = await self._mirror.get(key)
        if found is not None:
            self._know(found)
        else:
            self._unknow(key)

    async def call(self, key: str, text: str, kind: Kind, by: str) -> None:
        """An admin's word on a name of one customer, heard at once. Raises `Refused`."""
        await self.naming.say(key, text, kind, by, self._clock.now)
        await self._read_again(key)

    async def keep_names(self) -> bool:
        """Writes the names into their file, if there is one and anything changed; whether it did."""
        async with self._keeping:
            if self._file is None or not self._moved:
                return False
            self._moved = False
            try:
                await beside(write, self._file, self.names, self.contacts, self._clock.now())
            except OSError as full:
                log.warning("the names could not be kept: %s", full.strerror or type(full).__name__)
                self._moved = True
                return False
            await self._keep_slips(self._file)
            return True

    async def _keep_slips(self, file: Path) -> None:
        """Seldom: it takes another process a minute for each million."""
        many = max(SLIPS_MOVED, len(self.names) // 100)
        if len(self.names) > MOST or not (self._slips_due or self.suggestions.moved() - self._slips_moved >= many):
            return
        moved = self.suggestions.moved()
        try:
            made = await beside(make_slips, file)
        except (OSError, ValueError) as failed:
            log.warning("the slips could not be kept: %s", failed)
            return
        if self._slips_due:
            self.suggestions.found(made)
        self._slips_due, self._slips_moved = False, moved

    async def put(self, records: Sequence[Record]) -> None:
        """What a CRM says of these now; their names are found at once."""
        await self._mirror.put(records, self._clock.now)
        for record in records:
            self._know(record)

    async def follow(self, since: int) -> int:
        """What another gateway read from a CRM since then (ms); how many records."""
        moved = 0
        for key, version, deleted in await self._mirror.since(since):
            kept = self._kept.get(key)
            # a CRM may delete and restore under one version
            if kept is not None and kept.version >= version and kept.deleted == deleted:
                continue
            found = await self._mirror.get(key)
            if found is not None:
                self._know(found)
            else:
                self.erased(key)
            moved += 1
        for key in await self.naming.since(since):
            await self._read_again(key)
        return moved

    async def heir(self, key: str) -> str:
        """The customer that this one was merged into in its CRM, as far as it is known here; else itself."""
        passed = {key}
        while (known := await self.mirrored(key)) is not None and known.deleted and known.merged_into:
            into = self.joined.of(replace(known.ref, id=known.merged_into).key)
            if into in passed or await self.mirrored(into) is None:
                break
            passed.add(into)
            key = into
        return key

    async def mirrored(self, key: str, *, now: bool = False) -> Record | None:
        """What the CRM last said, without the ledger. `now`: as it is stored, not as it was followed a second ago."""
        before = self._kept.get(key)
        if before is not None and not (now and self.shared):
            return before
        stored = await self._mirror.get(key)
        if stored is None or stored == before:
            return stored
        if (found := self._kept.get(key)) is not before:
            return found  # meanwhile it was followed, or erased
        if self.shared:
            self._know(stored)  # by its names as well: what is kept is not followed any more
        else:
            self._keep(stored)
        return stored

    async def get(self, key: str) -> Record | None:
        """The record as it stands: every configured field with its source, time and decision."""
        found = await self.standing(key)
        return found.record if found is not None else None

    async def standing(self, key: str) -> Standing | None:
        """The record as it stands, with why it stands."""
        key = self.joined.of(key)
        known = await self.mirrored(key, now=True)
        if known is None:
            return None
        if parts := self.joined.parts(key):
            known = await self._whole(known, parts.values())
        states = await self._ledger.states(key)
        fields = {name: self._value(state) for name, state in states.items() if name in self._config.fields}
        return Standing(replace(known, fields={**self._empty(), **self._derived(known), **fields}), states)

    async def _whole(self, known: Record, parts: Iterable[str]) -> Record:
        """With the notes, open items, risks and contacts that the customer has in other CRMs."""
        related = {kind: tuple(items) for kind, items in known.related.items()}
        for ref in parts:
            part = await self.mirrored(ref, now=True)
            for kind, items in part.related.items() if part is not None and not part.deleted else ():
                named = (replace(item, id=f"{ref.partition(':')[0]}/{item.id}") for item in items)
                related[kind] = (*related.get(kind, ()), *named)
        return replace(known, related=related)

    def _value(self, state: FieldState) -> FieldValue:
        person = self._people.person(state.actor)
        return FieldValue(
            value=state.value,
            source=state.source,
            as_of=state.as_of,
            decision=state.decision,
            actor=person.name if person is not None else "",
            edit=state.edit,
            undecided=state.conflict is not None,
        )

    def _empty(self) -> dict[str, FieldValue]:
        """What nobody has filled in yet can be: a form offers it like any other."""
        return {name: FieldValue(None) for name, spec in self._config.fields.items() if spec.editable}

    def _derived(self, record: Record) -> dict[str, FieldValue]:
        """Owner and region: read only here, they are the CRM's own business."""
        found: dict[str, FieldValue] = {}
        users = (self._people.linked("crm", f"{record.ref.crm}:{user}") for user in record.owners)
        owners = [person.name for person in users if person is not None]
        for name, value in (("owner", ", ".join(owners)), ("region", record.region), ("team", record.team)):
            if value and name in self._config.fields:
                found[name] = FieldValue(value, "[CRM]")
        return found

    def _know(self, record: Record) -> None:
        self._keep(record)
        self._moved = True
        if record.deleted or record.ref.key in self.joined:
            self._unknow(record.ref.key)
        else:
            names = self.naming.called(record)
            self.names.put(record.ref.key, names)
            self.contacts.put(record.ref.key, names_of(record))
            self.suggestions.put(record.ref.key, names)

    def erased(self, key: str) -> None:
        """Nothing of it is known here any more, nor a name it was called by."""
        self._kept.pop(key, None)
        self._moved = True
        self._unknow(key)
        self.naming.drop(key)

    def _unknow(self, key: str) -> None:
        self.names.remove(key)
        self.contacts.remove(key)
        self.suggestions.remove(key)

    def _keep(self, record: Record) -> None:
        self._kept[record.ref.key] = record
        self._kept.move_to_end(record.ref.key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
