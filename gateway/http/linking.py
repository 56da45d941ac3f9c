"""Linking and undoing, for the API and the console alike: kept with who said so, and what depends on it drawn again."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Sequence

from gateway.errors import Refused
from gateway.handlers import consent
from gateway.services import Services
from gateway.spine import Spine
from gateway.store.people import LinkKind
from gateway.store.person_changes import PersonChange, PersonChanges, Weight
from gateway.turn import new_trail
from identity.model import Link, Person
from reconcile.model import Json


def new_person_id() -> str:
    return f"p_{secrets.token_hex(4)}"


class Linking:
    def __init__(self, services: Services, spine: Spine) -> None:
        self._s = services
        self._spine = spine
        self._changes = PersonChanges(services.store, services.people, services.clock)

    async def link(
        self, person: str, kind: LinkKind, key: str, *, by: str, evidence: str, second: bool = False
    ) -> Link:
        """Raises `Refused` when the account is another's, or the person is gone or deactivated; and, unless `second`
        says so, where they have an account on that network already. Whose verified address is another is asked."""
        who = self._s.people.person(person)
        if who is None or not who.active:
            raise Refused("This person is deactivated. Reactivate them before linking an account.")
        if kind == "im" and await self._is_bot(key):
            raise Refused("A bot cannot be linked to a person.")
        made = await self._s.people.link(person, kind, key, step="admin", evidence=evidence, made_by=by, second=second)
        await self._note("linked", by, person=person, link=made.id, kind=kind, step="admin")
        await self._repaint(kind)
        await consent.ask(self._s, made)
        return made

    async def merge(self, kept: str, gone: str, *, by: str) -> PersonChange:
        """Raises `Refused`."""
        return await self._changed(self._changes.merge(kept, gone, by=by), by)

    async def split(
        self, person: str, links: Sequence[str], *, name: str, by: str, emails: Sequence[str] = ()
    ) -> PersonChange:
        """Raises `Refused`."""
        made = self._changes.split(person, links, name=name, new=new_person_id(), by=by, emails=emails)
        return await self._changed(made, by)

    async def undo(self, change: str, *, by: str) -> PersonChange:
        """Raises `Refused`."""
        return await self._changed(self._changes.undo(change, by=by), by)

    async def changes(self) -> list[PersonChange]:
        return await self._changes.latest()

    async def weight(self, gone: str) -> tuple[Weight, int]:
        """What a merge moves or ends, and in how many rooms cards are drawn again."""
        accounts = sorted(each.key for each in self._s.people.links(gone) if each.kind == "im")
        rooms = {*await self._s.rooms.store.having(accounts), *await self._s.slots.rooms(person=gone)}
        return await self._changes.weight(gone), len(rooms)

    async def contact(self, account: str, record: str, item: str, *, by: str) -> Link:
        """A customer's own person in a room: known by name, without a right. Raises `Refused`."""
        known = await self._s.records.get(record) if record.count(":") >= 2 else None
        found = [each for each in known.related.get("contact", ()) if each.id == item] if known is not None else []
        if not found:
            raise Refused("There is no such contact of that customer.")
        key = f"{record}#{item}"[:512]
        person = self._s.people.linked("contact", key)
        if person is not None and not person.external:
            raise Refused("This contact is one of our own people. Link the account to them by name.")
        evidence = f"a contact of {record}"
        if person is None:
            address = found[0].detail.get("email", "").strip().casefold()
            emails = (address,) if address else ()
            person = Person(new_person_id(), found[0].text[:200] or item, external=True, emails=emails)
            await self.put(person, by=by)
            await self._s.people.link(person.id, "contact", key, step="admin", evidence=evidence, made_by=by)
        return await self.link(person.id, "im", account, by=by, evidence=evidence)

    async def _changed(self, work: Awaitable[PersonChange], by: str) -> PersonChange:
        made = await work
        what = f"un{made.kind}" if made.undone_at is not None else made.kind
        await self._note(what, by, person=made.person, other=made.other, links=made.links)
        await self._repaint("crm")
        return made

    async def unlink(self, id_: str, *, by: str) -> bool:
        """False when there is no such link, or it has ended."""
        known = next((link for link in self._s.people.links() if link.id == id_), None)
        if known is None:
            return False
        try:
            await self._s.people.unlink(id_, by)
        except Refused:
            return False
        await self._note("unlinked", by, person=known.person, link=id_, kind=known.kind, step=known.step)
        await self._repaint(known.kind)
        return True

    async def put(self, person: Person, *, by: str) -> None:
        """A person as an admin wrote them: new, or with other roles, another team, deactivated."""
        await self._s.people.put(person, by=by)
        roles: list[Json] = [*sorted(person.roles)]
        await self._note("person", by, person=person.id, roles=roles, active=person.active, external=person.external)

    async def _is_bot(self, key: str) -> bool:
        rooms = [await self._s.rooms.store.roster(room.key) for room in await self._s.rooms.store.rooms()]
        members = (member for roster in rooms if roster is not None for member in roster.members)
        return any(member.kind == "bot" and member.id.key == key for member in members)

    async def _note(self, what: str, by: str, /, **facts: Json) -> None:
        trail = new_trail("")
        trail.note(what, self._s.clock.now(), by=by, **facts)
        await self._s.trail.write(trail)

    async def _repaint(self, kind: str) -> None:
        """Whose customers they are is told on every card about them; of a person's own rooms the house takes care."""
        for room in await self._s.slots.rooms() if kind == "crm" else ():
            await self._spine.refresh_room(room)
