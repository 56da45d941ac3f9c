"""What a network takes, as data: the core trims and waits by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second in the long run, and so many at once after a pause: `burst + a_second * T` within any T seconds
    at most. 50 a minute with 10 at once is `Rate(40 / 60, 10)`."""

    a_second: float
    burst: int = 1


MESSAGES = ("send", "edit", "delete", "whisper")
"""The methods that say something in a room."""


# Not in the middle of an address or a path.
_COMMAND = re.compile(r"(?<![A-Za-z0-9/:.\-])/(?=(?:card|bind|link|quiet|why|doctor|help)(?![A-Za-z0-9/\-]))")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the network takes. Counts of characters and blocks; rates per second; times in seconds."""

    text: int
    """Characters in one text block."""
    title: int
    button_label: int
    button_data: int
    buttons: int
    """Buttons in one row."""
    blocks: int
    bytes: int
    """Of one whole message as sent."""
    form_fields: int
    room_rate: float
    """Messages a second to one room."""
    total_rate: float
    deadline: float
    """Within which a press must be answered."""
    editable_for: float | None
    """How long a sent message can be edited; None = always, 0 = never."""
    room_burst: int = 1
    """Messages to one room at once, before `room_rate` holds."""
    total_burst: int = 10
    room_also: tuple[Rate, ...] = ()
    """Further rates of one room, such as 20 a minute beside 1 a second."""
    room_also_prefix: str = ""
    """They hold for rooms whose id begins with this."""
    room_counts: tuple[str, ...] = MESSAGES
    """The methods that count against a room's rates."""
    methods: Mapping[str, Rate] = field(default_factory=dict)
    """Rates of a single method over the whole network: a name of `MESSAGES`, `direct`, `open` or `members`."""
    asks_forms: bool = False
    """Has no form of its own: one is asked field by field, in a room with one person alone."""
    answers_cards: bool = True
    """A press can be answered with a card; else with a word, and the card is whispered."""
    command: str = "/"
    """What a word to the bot begins with: `/quiet`, where no client keeps that for itself."""
    idempotent: bool = False
    """What is sent a second time under the same `once` is the one message that is there; else it is another one."""
    silent: bool = False
    """What is sent to a room above its rate is dropped without a word: one call at a time, never above the rate."""

    def as_typed(self, text: str) -> str:
        """With the words to the bot that it names as they are typed on this network."""
        return text if self.command == "/" else _COMMAND.sub(self.command, text)
