"""What use teaches, as it happens. Only our own people teach, each message once for a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from channels.model import MessageRef
from gateway.mentioning.spoken import spoken
from gateway.mentioning.weights import Kind
from gateway.store.mentioning import Lesson
from gateway.turn import Turn

if TYPE_CHECKING:
    from gateway.services import Services

MISSED_MS = 5 * 60_000
"""So soon after a silent message `/card` says that it should have been a card."""
MOST_SHOWN = 20


async def teach(s: Services, turn: Turn, kind: Kind, names: Iterable[str], message: str, record: str = "") -> None:
    person = turn.person
    if person is None or person.external:
        return
    room, by = turn.place.room_key, person.id
    lessons = [Lesson(name, room, message, kind, turn.now, record, by) for name in dict.fromkeys(names) if name]
    if lessons and await s.mentioning.teach(lessons):
        turn.trail.note("learned", turn.now, kind=kind, record=record)


async def shown(s: Services, turn: Turn, message: str, surfaces: Mapping[str, str]) -> None:
    """A card floated, whoever wrote the message: it counts for the room's budget, and until it is used, as idle."""
    room, pairs = turn.place.room_key, list(surfaces.items())[:MOST_SHOWN]
    await s.mentioning.teach([Lesson(name, room, message, "shown", turn.now, ref) for ref, name in pairs])


async def used(s: Services, turn: Turn, message: MessageRef | None, record: str) -> None:
    """Somebody pressed a button of use on a card."""
    if message is None:
        return
    found = await s.mentioning.card_of(turn.place.room_key, message)
    if found is not None and (name := found[1].get(record)):
        await teach(s, turn, "used", (name,), found[0], record)


async def missed(s: Services, turn: Turn, asked: str, record: str) -> None:
    """`/card NAME` right behind a message of this room that was heard, and was not sure enough for a card."""
    last = await s.trail.last_turn(turn.place.room_key)
    steps = await s.trail.turn(last) if last is not None else []
    silent = [each.step for each in steps if each.step.step == "unsure" and each.step.facts.get("record") == record]
    if last is not None and any(turn.now - step.at <= MISSED_MS for step in silent):
        names = [asked[mention.start : mention.end] for mention in s.records.names.find(asked)]
        await teach(s, turn, "missed", map(spoken, names), last, record)
