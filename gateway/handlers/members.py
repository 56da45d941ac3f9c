"""Somebody came or went: what is posted is looked at again."""

from __future__ import annotations

from channels.model import Joined, Left, Moved
from gateway.handlers.hello import hello
from gateway.services import Services
from gateway.store.moving import move_room
from gateway.turn import Act, Hide, Outcome, Turn


async def joined(s: Services, turn: Turn) -> Outcome:
    event = turn.event
    assert isinstance(event, Joined)
    if not event.ourselves:  # we read nothing out of turn
        await s.rooms.joined(event.where, event.who, turn.person)
    turn.trail.note("joined", turn.now, kind=event.who.kind, person=turn.person.id if turn.person is not None else "")
    if event.ourselves:
        acts: tuple[Act, ...] = (await hello(s, event, turn.locale or s.config.locale),)
    else:
        acts = await _alone_no_more(s, event)
    return Outcome(acts=acts, rooms=(event.where.room_key,))


async def _alone_no_more(s: Services, event: Joined) -> tuple[Act, ...]:
    """Where a whisper is a message in a room of two, it goes when that is one of three."""
    if s.channels[event.where.channel].limits.answers_cards:
        return ()
    up = await s.slots.whispered_in(event.where.room_key)
    return tuple(Hide(each.slot) for each in up if each.slot.to != event.who.id.key)


async def left(s: Services, turn: Turn) -> Outcome:
    """A leave never widens a posted card by itself (disclosure A4): only the counters change."""
    event = turn.event
    assert isinstance(event, Left)
    await s.rooms.left(event.where, event.who, turn.person, at=event.at)
    turn.trail.note("left", turn.now, kind=event.who.kind)
    return Outcome()


async def moved(s: Services, turn: Turn) -> Outcome:
    """What was known of the room goes with it, its cards too: each is posted there when it is drawn next."""
    event = turn.event
    assert isinstance(event, Moved)
    await move_room(s.store, event.where, event.to)
    s.rooms.forget(event.where)
    s.rooms.forget(event.to)
    return Outcome(rooms=(event.to.room_key,))
