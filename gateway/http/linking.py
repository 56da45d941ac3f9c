"""Linking and undoing, for the API and the console alike: kept with who said so, and what depends on it drawn again."""

from __future__ import annotations

import secrets
from typing import Literal

from gateway.errors import Refused
from gateway.services import Services
from gateway.spine import Spine
from gateway.turn import new_trail
from identity.model import Link, Person
from reconcile.model import Json


def new_person_id() -> str:
    return f"p_{secrets.token_hex(4)}"


class Linking:
    def __init__(self, services: Services, spine: Spine) -> None:
        self._s = services
        self._spine = spine

    async def link(
        self, person: str, kind: Literal["im", "crm", "device", "oidc"], key: str, *, by: str, evidence: str
    ) -> Link:
        """Raises `Refused` when the account is another's, or the person is gone or deactivated."""
        who = self._s.people.person(person)
        if who is None or not who.active:
            raise Refused("This person is deactivated. Reactivate them before linking an account.")
        if kind == "im" and await self._is_bot(key):
            raise Refused("A bot cannot be linked to a person.")
        made = await self._s.people.link(person, kind, key, step="admin", evidence=evidence, made_by=by)
        await self._note("linked", by, person=person, link=made.id, kind=kind, step="admin")
        await self._repaint(kind)
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
