"""The customer a room is about: said by one who may edit that customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Refused
from gateway.handlers.hearing import Heard, heard
from gateway.turn import Turn
from identity.audience import direct
from identity.model import Person

if TYPE_CHECKING:
    from gateway.services import Services

OFF = ("", "off", "none", "-", "无", "取消")


async def surely(s: Services, turn: Turn, person: Person, said: str) -> Heard | None:
    """The one customer of that name whom this person may see; None when the binding is to end. Raises `Refused`."""
    if said.strip().casefold() in OFF:
        return None
    refs = dict.fromkeys(each.ref for mention in s.records.names.find(said) for each in mention.candidates)
    mine = direct(person, turn.event.who)
    found = [each for each in [await heard(s, ref, mine) for ref in list(refs)[:10]] if each is not None]
    if not found:
        raise Refused("No customer of that name that you may see. Try the full name.")
    editable = [each for each in found if each.editable]
    if not editable:
        raise Refused("Only somebody who may edit a customer can tie a room to it.")
    if len(editable) > 1:
        titles = [each.record.title for each in editable]
        raise Refused("Several customers bear that name: {names}. Say the full name.", names=titles)
    return editable[0]


async def bind(s: Services, turn: Turn, person: Person, each: Heard | None) -> None:
    """Raises `Refused` when the room is about a customer this person may not edit."""
    room = turn.place.room_key
    before = (await s.mentioning.binding(room)).bound
    if before and "admin" not in person.roles:
        old = await heard(s, before, direct(person, turn.event.who))
        if old is not None and not old.editable:
            raise Refused("Only somebody who may edit a customer can tie a room to it.")
    ref = each.record.ref.key if each is not None else ""
    await s.mentioning.bind(room, ref, person.id, turn.now)
    turn.trail.note("bound", turn.now, record=ref, person=person.id)
