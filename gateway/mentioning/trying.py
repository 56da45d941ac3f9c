"""What would happen if somebody said this in that room now. Nothing is kept, and nothing is shown anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from channels.model import ImId, MessageRef, Place, Said, Sender
from gateway.mentioning import silence
from gateway.mentioning.knowing import Asked
from gateway.mentioning.reading import Judged, Named, aside, judge, told
from gateway.mentioning.suggesting import would_suggest
from gateway.services import Services
from gateway.turn import Step, Trail, Turn, new_trail
from identity.model import Person

End = Literal["card", "line", "digest", "asked", "suggested", "nothing"]
NOWHERE = Place("", "")
_MESSAGE = "tried"


@dataclass(frozen=True, slots=True)
class Tried:
    """`end`: what would be shown; `refs`: of whom. `steps` are those a trail would have."""

    judged: Sequence[Judged]
    end: End
    refs: tuple[str, ...]
    steps: Sequence[Step]


async def tried(s: Services, person: Person, place: Place | None, text: str) -> Tried:
    """As if this person said it. Without a place, where nothing is known but the text."""
    trail = new_trail("")
    turn = _turn(s, person, place or NOWHERE, text, trail)
    judged = await judge(s, Asked(place, person, turn.now), text)
    if place is not None and (await s.rooms.store.state(place.room_key)).quiet_until > turn.now:
        trail.note("quiet", turn.now)
        return Tried(judged, "nothing", (), trail.steps)
    named = told(turn, judged, () if judged else aside(s, text))
    end, refs = await _end(s, turn, place, named)
    return Tried(judged, end, refs, trail.steps)


def _turn(s: Services, person: Person, place: Place, text: str, trail: Trail) -> Turn:
    now, who = s.clock.now(), Sender(ImId(place.channel, "", "user", person.id), person.name, "member")
    event = Said("tried", place, who, MessageRef(place, _MESSAGE), text, now)
    return Turn(event, person, now, trail)


async def _end(s: Services, turn: Turn, place: Place | None, named: Named) -> tuple[End, tuple[str, ...]]:
    if named.silent:
        found = await would_suggest(s, turn, turn.event.text, ())  # type: ignore[union-attr]
        return ("suggested", (found[1],)) if found is not None else ("nothing", ())
    refs = await _open(s, turn, named) if place is not None else named.refs
    if not refs:
        asked = tuple(ref for _, several in named.asks for ref in several)
        return ("asked", asked) if asked else ("nothing", ())
    if place is not None and not await silence.within_budget(s, turn, _MESSAGE):
        return "digest", refs
    return ("line" if len(refs) >= silence.MANY else "card"), refs


async def _open(s: Services, turn: Turn, named: Named) -> tuple[str, ...]:
    return await silence.in_the_open(s, turn, await silence.warm(s, turn, named.refs), named.through)
