"""What the demo's messenger knows: persons, rooms, messages. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Mapping[str, Any]
PersonKind = Literal["member", "guest", "outsider", "bot"]
RoomKind = Literal["group", "direct", "public"]
EntryKind = Literal["text", "card", "joined", "left"]

BOT = "floatcard"
TEXT_LIMIT = 10_000
QUOTE_LIMIT = 280


class Declined(Exception):
    """The messenger does not do it; `code` is what the page words, `say` names what to do, in English."""

    def __init__(self, status: int, code: str, say: str) -> None:
        super().__init__(say)
        self.status = status
        self.code = code
        self.say = say


@dataclass(frozen=True, slots=True)
class ChatPerson:
    id: str
    name: str
    latin: str
    kind: PersonKind
    role: str
    """What the switcher shows under the name: rep, manager, admin, guest, colleague."""
    locale: str


@dataclass(frozen=True, slots=True)
class ChatRoom:
    id: str
    title: str
    title_en: str
    kind: RoomKind = "group"
    external: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a room. `only` is the one person a whisper is for; `quotes` are code-point stretches of `text`."""

    id: str
    room: str
    author: str
    kind: EntryKind
    at: int
    text: str = ""
    quotes: tuple[tuple[int, int], ...] = ()
    card: Json | None = None
    only: str = ""
    thread: str = ""
    by: str = ""
    """Who invited or removed, for `joined` and `left`."""
    edited_at: int = 0
    deleted: bool = False
    pending: Literal["", "late", "refused"] = ""
    """`late`: the gateway has not heard of it after at least one attempt; `refused`: it would not read it."""
    seq: int = 0

    @property
    def own_text(self) -> str:
        """What the author wrote, without what they quoted."""
        end = max((stop for _, stop in self.quotes), default=0)
        return self.text[end:].removeprefix("\n") if self.quotes else self.text


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event that the gateway has still to hear."""

    id: int
    room: str
    body: str
    message: str
    tries: int


@dataclass(frozen=True, slots=True)
class FeedRow:
    """Something changed. It points at the thing and never holds it, so nothing old can be replayed."""

    id: int
    kind: Literal["message", "rooms", "clock"]
    room: str
    ref: str


@dataclass(frozen=True, slots=True)
class Page:
    entries: tuple[Entry, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one person's window starts from."""

    me: ChatPerson
    persons: tuple[ChatPerson, ...]
    rooms: tuple[RoomView, ...]
    feed: int


@dataclass(frozen=True, slots=True)
class RoomView:
    room: ChatRoom
    members: tuple[str, ...]
    latest: int
    last: Entry | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Sight:
    """Which stories somebody may be told: those of their rooms; a colleague also those of no room; an admin all.

    `rooms`: since when they are in each, milliseconds since the epoch; 0 where nobody saw them come.
    """

    rooms: Mapping[str, int]
    inside: bool
    everything: bool


_BROKEN = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Without NUL and lone surrogates, which no database or browser stores faithfully."""
    return _BROKEN.sub("�", text)


def fit(text: object, limit: int = TEXT_LIMIT) -> str:
    """A text a person may send. Raises `Declined` when it is none, blank or too long."""
    if not isinstance(text, str) or not text.strip():
        raise Declined(400, "empty", "Write something first.")
    if len(text) > limit:
        raise Declined(400, "too_long", f"A message has at most {limit:,} characters; this one has {len(text):,}.")
    return clean(text)
