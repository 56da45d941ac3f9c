"""One event on its way through: who, where, and the trail of what was decided and why."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from cards.digest import digest
from cards.tree import Card
from channels.model import Answer, Event, Nothing, Place
from identity.model import Person
from reconcile.model import Json

Purpose = Literal["card", "alert", "conflict", "whisper"]


@dataclass(frozen=True, slots=True)
class Step:
    """One decision of a turn. `facts` hold ids, counts and field names: never a value, a text or a name."""

    step: str
    at: int
    room: str
    facts: dict[str, Json]


@dataclass(slots=True)
class Trail:
    """Collects a turn's steps; written once, at its end."""

    turn: str
    room: str
    steps: list[Step] = field(default_factory=list)

    def note(self, step: str, at: int, /, **facts: Json) -> None:
        self.steps.append(Step(step, at, self.room, facts))


@dataclass(frozen=True, slots=True)
class Turn:
    event: Event
    person: Person | None
    now: int
    trail: Trail

    @property
    def id(self) -> str:
        return self.trail.turn

    @property
    def place(self) -> Place:
        return self.event.where

    @property
    def locale(self) -> str:
        if self.person is not None and self.person.locale:
            return self.person.locale
        return getattr(self.event, "locale", "")


def new_trail(room: str) -> Trail:
    return Trail(secrets.token_hex(5), room)


@dataclass(frozen=True, slots=True)
class Slot:
    """The key of one shown thing. `subject`: the triggering message, record or alert; a whisper adds the person."""

    place: Place
    purpose: Purpose
    subject: str
    to: str = ""  # ImId.key of the one who sees a whisper


@dataclass(frozen=True)
class Show:
    """What a handler says should be in a slot now; `state` is what redrawing it later needs."""

    slot: Slot
    card: Card
    records: tuple[str, ...]
    audience: str = ""
    valid_until: int | None = None
    state: dict[str, Json] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    """Of its records the fields and lists the card tells: counted for the one who carries it, when it is sent."""

    @cached_property
    def digest(self) -> str:
        """Of its card: asked for before and after everything that showing it waits for."""
        return digest(self.card)


@dataclass(frozen=True, slots=True)
class Hide:
    slot: Slot


Act: TypeAlias = Show | Hide


NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a handler answers: something for the one who pressed, and what rooms should show. It never sends."""

    answer: Answer = NOTHING
    acts: tuple[Act, ...] = ()
    refresh: tuple[str, ...] = ()
    """Record keys whose cards are to be repainted everywhere."""
    rooms: tuple[str, ...] = ()
    """Room keys whose cards are to be recomputed: somebody joined."""
